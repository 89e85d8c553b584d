//! Memory of the gateway: its limit, and the shares of its parts.

use std::fs;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use crosstalk_core::Budgets;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Memory that a gateway takes when nobody is connected, with room for stacks, libraries and what
/// the API holds of its database, in bytes.
const PROCESS: u64 = 13 << 20;
/// Assumed memory of a machine whose system does not say how much it has, in bytes.
const UNKNOWN_MACHINE: u64 = 1 << 30;

/// The memory that the process may take in all, and its parts. Each has a use of its own and a
/// bound of its own, so that none can take another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    whole: u64,
}

impl Memory {
    /// The least that a gateway works with.
    pub const LEAST: Self = Self { whole: 32 << 20 };

    /// `whole` bytes in all.
    pub const fn new(whole: u64) -> Self {
        Self { whole }
    }

    /// Half of what the machine has, or of what its control group allows, where that is less.
    pub fn of_machine() -> Self {
        let most = machine(Path::new("/")).unwrap_or(UNKNOWN_MACHINE);
        Self::new((most / 2).max(Self::LEAST.whole))
    }

    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.whole
    }

    /// Share of connections, with all that waits for them.
    pub const fn connections(self) -> Budgets {
        Budgets::of((self.shared() - self.handoffs() as u64 - self.overlay() as u64) as usize)
    }

    /// Share of the handoffs that connections leave for each other, over all networks, in bytes.
    pub const fn handoffs(self) -> usize {
        (self.shared() / 16) as usize
    }

    /// Share of the network between gateways, in bytes: its records, lists and messages on their
    /// way to the disk and to others, and what its database holds of its file.
    pub const fn overlay(self) -> usize {
        (self.shared() / 4) as usize
    }

    /// Bytes to divide among the parts. The allocator takes more than it is asked for, and keeps
    /// some of what was given back: a quarter of the whole is for that.
    const fn shared(self) -> u64 {
        (self.whole - self.whole / 4).saturating_sub(PROCESS)
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        ByteSize(self.whole).display().iec().fmt(f)
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let size = text.parse::<ByteSize>();
        size.map(|size| Self::new(size.as_u64())).map_err(|_| {
            D::Error::custom(format!("{text:?}: expected a size such as 256MiB, 2GiB or 500MB"))
        })
    }
}

/// The least of what the machine has and what the control groups of this process allow, in bytes;
/// `root` is where the system's files are.
fn machine(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let total = meminfo.lines().find_map(|line| {
        let kib = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim();
        kib.parse::<u64>().ok().map(|kib| kib << 10)
    });
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(place).flat_map(|(file, base, group)| {
        // Limits of all levels hold. In a container, the group may be the root of what is
        // mounted, whatever its name.
        let base = root.join(base);
        let levels: Vec<PathBuf> = Path::new(group)
            .ancestors()
            .map(|level| base.join(level.strip_prefix("/").unwrap_or(level)).join(file))
            .collect();
        levels.into_iter().filter_map(|level| fs::read_to_string(level).ok()?.trim().parse().ok())
    });
    limits.chain(total).min()
}

/// The file with the limit, where it is, and the group, of a line of `/proc/self/cgroup`: of
/// version 2 (`0::/group`), or of version 1 (`4:memory:/group`).
fn place(line: &str) -> Option<(&'static str, &'static str, &str)> {
    let mut parts = line.splitn(3, ':');
    match (parts.next()?, parts.next()?, parts.next()?) {
        ("0", "", group) => Some(("memory.max", "sys/fs/cgroup", group)),
        (_, controllers, group) => controllers
            .split(',')
            .any(|controller| controller == "memory")
            .then_some(("memory.limit_in_bytes", "sys/fs/cgroup/memory", group)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_tightest_limit_of_all_levels_counts() {
        let meminfo = ("proc/meminfo", "MemFree: 1 kB\nMemTotal:       4000 kB\n");
        let version_2 = ("proc/self/cgroup", "0::/system.slice/crosstalk.service\n");
        let version_1 = ("proc/self/cgroup", "5:cpu:/a\n4:pids,memory:/a/b\n0::/\n");
        let at = |level: &'static str, text: &'static str| (level, text);
        for (files, expected) in [
            (vec![meminfo], Some(4_096_000)),
            (vec![meminfo, version_2], Some(4_096_000)),
            (
                vec![
                    meminfo,
                    version_2,
                    at("sys/fs/cgroup/system.slice/crosstalk.service/memory.max", "max\n"),
                    at("sys/fs/cgroup/system.slice/memory.max", "1000000\n"),
                ],
                Some(1_000_000),
            ),
            (vec![meminfo, version_2, at("sys/fs/cgroup/memory.max", "3000\n")], Some(3000)),
            (
                vec![
                    meminfo,
                    version_1,
                    at("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"),
                    at("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2000\n"),
                ],
                Some(2000),
            ),
            (vec![], None),
        ] {
            assert_eq!(machine(system(&files).path()), expected, "{files:?}");
        }
    }

    #[test]
    fn the_parts_fit_into_the_whole_and_the_least_leaves_something_to_all() {
        for whole in [Memory::LEAST, Memory::new(256 << 20), Memory::new(64 << 30)] {
            let parts = whole.connections().whole + whole.handoffs() + whole.overlay();
            assert!(parts as u64 + PROCESS + whole.bytes() / 4 <= whole.bytes());
            assert!(whole.connections().unknown >= 1 << 20 && whole.handoffs() >= 1 << 18);
        }
        assert!(Memory::of_machine().bytes() >= Memory::LEAST.bytes());
    }
}

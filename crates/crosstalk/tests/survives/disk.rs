//! A disk that can be filled: a small file system of its own where the machine lets us mount one,
//! and elsewhere a limit on the size of the gateway's files.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Enough for what a gateway has on disk at first, and not much more.
const SIZE: &str = "12m";

/// Mounts a file system that ends with this process.
const MOUNT: &str = r#"mount -t tmpfs -o size="$1",mode=700 none "$0" && echo mounted && exec cat"#;

/// Medium of a gateway's state.
pub(crate) enum Disk {
    /// Mounted in a namespace that only its keeper is in.
    Mounted { keeper: Child, at: PathBuf },
    /// A directory like any other.
    Limited { at: PathBuf },
}

impl Disk {
    /// A disk of its own, if that is possible, for the directory `at`.
    pub(crate) fn new(at: PathBuf) -> Self {
        fs::create_dir_all(&at).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT]);
        command.arg(&at).arg(SIZE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut keeper) = command.stderr(Stdio::null()).spawn() else {
            return Self::Limited { at };
        };
        let mut line = String::new();
        let _ = BufReader::new(keeper.stdout.as_mut().unwrap()).read_line(&mut line);
        let seen = PathBuf::from(format!("/proc/{}/root{}", keeper.id(), at.display()));
        if line == "mounted\n" && seen.is_dir() {
            Self::Mounted { keeper, at: seen }
        } else {
            let _ = keeper.kill();
            let _ = keeper.wait();
            Self::Limited { at }
        }
    }

    /// The directory on it, for every process.
    pub(crate) fn path(&self) -> &Path {
        let (Self::Mounted { at, .. } | Self::Limited { at }) = self;
        at
    }

    /// Whether it is a file system that can run full.
    pub(crate) const fn is_mounted(&self) -> bool {
        matches!(self, Self::Mounted { .. })
    }

    /// Leaves not a byte of room for what the process `writer` writes.
    pub(crate) fn fill(&self, writer: u32) {
        if !self.is_mounted() {
            return limit(writer, "1");
        }
        let mut all = File::create(self.filling()).unwrap();
        let full = io::copy(&mut io::repeat(0), &mut all).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }

    /// Makes room again. A limit ends with its process.
    pub(crate) fn clear(&self, writer: u32) {
        if self.is_mounted() {
            fs::remove_file(self.filling()).unwrap();
        } else if Path::new("/proc").join(writer.to_string()).exists() {
            limit(writer, "unlimited");
        }
    }

    fn filling(&self) -> PathBuf {
        self.path().join("filling")
    }
}

/// Says what was filled, for the counts that are printed.
impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mounted { .. } => "a file system of its own, filled to the last byte",
            Self::Limited { .. } => {
                "none can be mounted here: files may not grow by a byte instead"
            }
        })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted { keeper, .. } = self {
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }
}

/// The size that files of a process may have.
fn limit(process: u32, size: &str) {
    let (pid, limit) = (process.to_string(), format!("--fsize={size}:unlimited"));
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

//! Captures of real sessions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crosstalk_core::{Network, Side};
use crosstalk_networks::NETWORKS;

/// One connection, as its reads were captured.
pub struct Capture {
    pub name: String,
    pub reads: Vec<(Side, Vec<u8>)>,
}

impl Capture {
    /// Reads lines of `C seconds hex` and `S seconds hex`; all others are remarks.
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let reads = text.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let side = match words.next()? {
                "C" => Side::Client,
                "S" => Side::Server,
                _ => return None,
            };
            Some((side, unhex(words.nth(1)?)?))
        });
        Self { name: path.display().to_string(), reads: reads.collect() }
    }

    /// Everything one side sent.
    pub fn sent_by(&self, side: Side) -> Vec<u8> {
        self.reads.iter().filter(|(s, _)| *s == side).flat_map(|(_, b)| b).copied().collect()
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok()).collect()
}

/// The captures of each network, by directory: those in one share their cookies.
pub fn worlds() -> Vec<(&'static dyn Network, Vec<Capture>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut worlds = Vec::new();
    for network in NETWORKS {
        let mut directories = BTreeMap::<PathBuf, Vec<PathBuf>>::new();
        files(&root.join(network.name()), &mut directories);
        for (_, mut paths) in directories {
            paths.sort();
            worlds.push((*network, paths.iter().map(|p| Capture::read(p)).collect()));
        }
    }
    worlds
}

fn files(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<PathBuf>>) {
    let entries = fs::read_dir(directory).into_iter().flatten();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.entry(directory.to_owned()).or_default().push(path);
        }
    }
}

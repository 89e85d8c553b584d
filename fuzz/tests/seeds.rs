//! The seeds that are checked in are those that the captures give.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crosstalk_fuzz::seeds::{MADE, files, made};
use crosstalk_fuzz::targets::TARGETS;

#[test]
fn seeds_are_those_that_the_captures_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let captures = root.join("../crates/networks/tests/captures");
    let made = made(&captures).unwrap();
    let path = |target: &str, name: &str| root.join("seeds").join(target).join(name);
    let expected: BTreeMap<PathBuf, Vec<u8>> =
        made.into_iter().map(|(target, name, bytes)| (path(&target, &name), bytes)).collect();
    if std::env::var_os("CROSSTALK_REWRITE").is_some() {
        for (path, bytes) in &expected {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    for (target, _) in TARGETS {
        for path in files(target).unwrap() {
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_made = name.starts_with(MADE);
            assert_eq!(expected.contains_key(&path), is_made, "{} is out of date", path.display());
        }
    }
    for (path, bytes) in expected {
        let same = fs::read(&path).is_ok_and(|there| there == bytes);
        assert!(same, "{} is out of date: run `cargo xtask seeds`", path.display());
    }
}

#[test]
fn every_target_has_a_program_and_every_program_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs = fs::read_dir(root.join("fuzz_targets")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let calls = format!("targets::{name}(data)");
        assert!(fs::read_to_string(&path).unwrap().contains(&calls), "{}", path.display());
        name
    });
    let mut programs: Vec<String> = programs.collect();
    programs.sort();
    assert_eq!(programs, TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for name in programs {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name} is not built");
    }
}

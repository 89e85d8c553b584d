//! Every target, on the stable toolchain and for seconds: over its seeds, and over changes of them
//! that are the same in each run.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crosstalk_fuzz::mutate::{Random, mutate};
use crosstalk_fuzz::seeds::files;
use crosstalk_fuzz::targets::{TARGETS, Target};

/// Time in seconds for which changes of the seeds of one target are tried; `CROSSTALK_FUZZ_SECONDS`
/// overrides it. Two targets run at a time, so that all take less than a minute.
const SECONDS: u64 = 5;
/// Number of targets that run at a time.
const AT_ONCE: usize = 2;
/// The longest input that comes of a change, in bytes.
const MOST: usize = 64 * 1024;

#[test]
fn nothing_is_found() {
    let seconds = std::env::var("CROSSTALK_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let targets = Mutex::new(TARGETS.iter());
    let found = Mutex::new(Vec::new());
    thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                while let Some(target) = { targets.lock().unwrap().next() } {
                    // Of its own, since what was being counted when it panicked stays counted.
                    let result = thread::spawn(move || run(target, time)).join().unwrap();
                    found.lock().unwrap().extend(result);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Tries a target, and says what it found: with its seeds, else with changes of them.
fn run(target: &Target, time: Duration) -> Vec<String> {
    let (name, _) = target;
    let paths = files(name).unwrap();
    let seeds: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let of_seed = |(path, seed): (&PathBuf, &Vec<u8>)| {
        let why = try_one(target, seed).err()?;
        Some(format!("{name}: {why}\n  the input is {}", path.display()))
    };
    let found: Vec<String> = paths.iter().zip(&seeds).filter_map(of_seed).collect();
    if !found.is_empty() {
        return found;
    }
    let (begun, mut random, mut tried) = (Instant::now(), Random(name.len() as u64), 0);
    while begun.elapsed() < time {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let other = random.below(seeds.len());
            mutate(&mut input, &seeds[other], MOST, &mut random);
        }
        if let Err(why) = try_one(target, &input) {
            return vec![keep(name, &input, &why)];
        }
        tried += 1;
    }
    println!("{name}: {} seeds, {tried} changes of them", seeds.len());
    Vec::new()
}

fn try_one((_, target): &Target, input: &[u8]) -> Result<(), String> {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) else { return Ok(()) };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    Err(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned())
}

/// Keeps an input that a target does not stand, and says where.
fn keep(name: &str, input: &[u8], why: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("found-{name}"));
    fs::write(&path, input).unwrap();
    format!(
        "{name}: {why}\n  the input is in {}: once mended, it belongs to its seeds",
        path.display()
    )
}

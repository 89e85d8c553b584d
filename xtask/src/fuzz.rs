//! Hours of fuzzing: the targets of `fuzz/` under cargo-fuzz, with a corpus that is kept.

mod report;
mod request;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(crate) use request::Request;

use report::{Run, report};

use crate::steps::Outcome;
use crate::{succeed, target, tools};

const NAME: &str = "cargo-fuzz";
const VERSION: &str = "0.13.2";

/// Runs the targets, and prints what came of it.
pub(crate) fn run(root: &Path, request: &Request) -> Outcome {
    let stage = Stage::prepare(root, request)?;
    if let Some(input) = &request.input {
        let program = stage.program(&request.targets[0]);
        return succeed(Command::new(program).arg("-timeout=10").arg(absolute(input)?));
    }
    let waiting = Mutex::new(VecDeque::from(stage.targets.clone()));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let runs = Mutex::new(Vec::new());
    thread::scope(|threads| {
        for _ in 0..request.jobs {
            threads.spawn(|| {
                while let Some(name) = next() {
                    println!("{name}: begins");
                    let run = stage.run(&name, request.time);
                    runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
                }
            });
        }
    });
    report(runs.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The places of a run.
struct Stage {
    root: PathBuf,
    /// Directory of the targets' programs.
    programs: PathBuf,
    logs: PathBuf,
    targets: Vec<String>,
}

impl Stage {
    /// Installs cargo-fuzz and builds the targets.
    fn prepare(root: &Path, request: &Request) -> Result<Self, String> {
        let program = tools::install(root, NAME, VERSION)?;
        let known = targets(root)?;
        if let Some(unknown) = request.targets.iter().find(|name| !known.contains(name)) {
            return Err(format!("no target {unknown}: there are {}", known.join(", ")));
        }
        let (host, directory) = (host()?, target(root).join("fuzz"));
        let mut build = Command::new(program);
        build.args(["build", "--features", "libfuzzer", "--codegen-units", "16"]);
        build.args(["--sanitizer", &request.sanitizer, "--target", &host, "--target-dir"]);
        build.arg(&directory);
        if let [name] = request.targets.as_slice() {
            build.arg(name);
        }
        // What counts the code that was reached is in the stable compiler too, behind this.
        build.env("RUSTC_BOOTSTRAP", "1");
        // Linking each target as the product is linked would take longer than it gains.
        build.env("CARGO_PROFILE_RELEASE_LTO", "off");
        succeed(&mut build)?;
        let targets = if request.targets.is_empty() { known } else { request.targets.clone() };
        let logs = directory.join("logs");
        fs::create_dir_all(&logs).map_err(|e| format!("{}: {e}", logs.display()))?;
        let programs = directory.join(host).join("release");
        Ok(Self { root: root.to_owned(), programs, logs, targets })
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn run(&self, name: &str, time: Duration) -> Run {
        match self.log(name, time) {
            Ok(log) => Run::of_log(name, &log),
            Err(why) => {
                let found = Some((why, String::new()));
                Run { target: name.to_owned(), found, ..Run::default() }
            }
        }
    }

    /// Runs a target behind everything else that the machine does, and returns what it wrote.
    fn log(&self, name: &str, time: Duration) -> Result<String, String> {
        let below = |folder: &str| {
            let path = self.root.join("fuzz").join(folder).join(name);
            fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok::<_, String>(path)
        };
        let path = self.logs.join(format!("{name}.log"));
        let log = fs::File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(self.program(name));
        command.arg(format!("-max_total_time={}", time.as_secs()));
        command.args(["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-reload=0"]);
        command.args(["-print_final_stats=1", "-verbosity=1"]);
        command.arg(format!("-artifact_prefix={}/", below("artifacts")?.display()));
        if name.starts_with("engine_") {
            command.arg(format!("-dict={}", self.root.join("fuzz/script.dict").display()));
        }
        command.args([below("corpus")?, below("seeds")?]);
        if name == "config" {
            command.arg(self.root.join("config"));
        }
        command.stdout(log.try_clone().map_err(|e| e.to_string())?);
        command.stderr(log).status().map_err(|e| e.to_string())?;
        let bytes = fs::read(&path).map_err(|e| e.to_string())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The names of all targets.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let names = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        Some(path.file_stem()?.to_str()?.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// The triple of this machine, which cargo-fuzz builds for by name.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// The path from where the command was given; it runs in the checkout.
fn absolute(path: &Path) -> Result<PathBuf, String> {
    fs::canonicalize(path).map_err(|e| format!("{}: {e}", path.display()))
}

//! The test programs of the workspace, run side by side.
//!
//! Cargo runs them one after the other, though most of what they do is to wait: for clients that
//! others wrote, for timers, for restarts.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::steps::Outcome;

/// Number of programs that run at once. Each has threads of its own.
const LANES: usize = 2;
/// Programs that begin first, since they take longest; those that mostly wait go side by side.
const FIRST: &[&str] = &["interop", "plays", "crosstalk_overlay"];
/// Programs that measure times and so run by themselves, after all others.
const ALONE: &[&str] = &["hostile"];

/// A program with tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Name of its target, such as `plays`.
    name: String,
    path: PathBuf,
    /// Directory of its package, in which it runs.
    package: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(&'static str, PathBuf)>,
}

impl Program {
    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &'static str, value: PathBuf) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Runs it to its end. Output comes all at once, so that programs side by side stay readable.
    fn run(&self) -> Outcome {
        println!("    {} begins", self.name);
        let begun = Instant::now();
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).current_dir(&self.package).stdin(Stdio::null());
        command.env("CARGO_MANIFEST_DIR", &self.package);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let failed = |e| format!("{}: {e}", self.path.display());
        let output = command.output().map_err(failed)?;
        let (out, err) = (lossy(&output.stdout), lossy(&output.stderr));
        println!("\n     Running {}\n{out}{err}", self.path.display());
        println!("    {} took {:.1} s", self.name, begun.elapsed().as_secs_f64());
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{} ended with {}", self.name, output.status))
    }
}

/// Builds the tests that `selection` means to cargo, such as `--workspace`, and finds their programs.
pub(crate) fn find(root: &Path, selection: &[&str]) -> Result<Vec<Program>, String> {
    let mut command = Command::new("cargo");
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    let built = command.args(selection).current_dir(root).stderr(Stdio::inherit()).output();
    let built = built.map_err(|e| format!("{command:?}: {e}"))?;
    if !built.status.success() {
        return Err(format!("{command:?} ended with {}", built.status));
    }
    let messages = lossy(&built.stdout);
    Ok(messages.lines().filter_map(|line| read(&serde_json::from_str(line).ok()?)).collect())
}

/// The program that a message of cargo's is about, if it is about one with tests.
fn read(message: &Value) -> Option<Program> {
    let is_test = message.get("profile")?.get("test")?.as_bool()?;
    let path = message.get("executable")?.as_str().filter(|_| is_test)?;
    Some(Program {
        name: message.get("target")?.get("name")?.as_str()?.to_owned(),
        path: path.into(),
        package: Path::new(message.get("manifest_path")?.as_str()?).parent()?.to_owned(),
        arguments: Vec::new(),
        variables: Vec::new(),
    })
}

/// Runs all, [`LANES`] at once; the error names those that failed.
pub(crate) fn run(programs: Vec<Program>) -> Outcome {
    let (alone, mut together): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| ALONE.contains(&program.name.as_str()));
    let turn = |program: &Program| FIRST.iter().position(|name| *name == program.name);
    together.sort_by_key(|program| turn(program).unwrap_or(FIRST.len()));
    let (queue, failed) = (Mutex::new(VecDeque::from(together)), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for _ in 0..LANES {
            threads.spawn(|| {
                loop {
                    let next = lock(&queue).pop_front();
                    let Some(program) = next else { break };
                    if let Err(why) = program.run() {
                        lock(&failed).push(why);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.extend(alone.iter().filter_map(|program| program.run().err()));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, script: &str) -> Program {
        let (name, path, package) = (name.to_owned(), "/bin/sh".into(), "/".into());
        let program = Program { name, path, package, arguments: vec![], variables: vec![] };
        program.arg("-c").arg(script)
    }

    #[test]
    fn programs_with_tests_are_read_and_others_are_not() {
        let message = |test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": "/x/crates/core/Cargo.toml",
                "target": {"name": "laws"}, "profile": {"test": test}, "executable": "/t/laws-1",
            })
        };
        let read_one = read(&message(true)).unwrap();
        assert_eq!((read_one.name.as_str(), read_one.package), ("laws", "/x/crates/core".into()));
        assert_eq!(read(&message(false)), None);
        assert_eq!(read(&serde_json::json!({"reason": "build-finished"})), None);
    }

    #[test]
    fn one_that_fails_is_named_and_the_others_run() {
        let good = || program("good", "exit 0");
        assert_eq!(run(vec![good(), good(), good()]), Ok(()));
        let failed = run(vec![program("hostile", "exit 3"), good(), program("bad", "exit 4")]);
        let failed = failed.unwrap_err();
        assert!(failed.starts_with("bad ended with") && failed.contains("; hostile ended with"));
    }
}

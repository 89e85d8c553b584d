//! A run of named steps: progress while it goes on, times at its end.

use std::time::{Duration, Instant};

/// Success, or a sentence that says what failed.
pub(crate) type Outcome = Result<(), String>;

/// The steps so far. After one failed, the others are not run.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration)>,
    failed: Option<(&'static str, String)>,
    left_out: Vec<&'static str>,
}

impl Steps {
    /// Runs a step, unless an earlier one failed.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Outcome) {
        if self.failed.is_some() {
            self.left_out.push(name);
            return;
        }
        println!("\n==> {name}");
        let start = Instant::now();
        match step() {
            Ok(()) => self.done.push((name, start.elapsed())),
            Err(message) => self.failed = Some((name, message)),
        }
    }

    /// Prints the summary.
    pub(crate) fn finish(self) -> Outcome {
        println!("\n==> summary");
        for (name, time) in &self.done {
            println!("    ok      {name:<20} {:>7.1} s", time.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, time)| *time).sum();
        let Some((name, message)) = self.failed else {
            println!("    ok      {:<20} {:>7.1} s", "everything", total.as_secs_f64());
            return Ok(());
        };
        println!("    FAILED  {name}");
        for name in &self.left_out {
            println!("    not run {name}");
        }
        Err(format!("{name}: {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stops_the_run_and_is_reported() {
        let mut steps = Steps::default();
        steps.run("first", || Ok(()));
        steps.run("second", || Err("broken".into()));
        steps.run("third", || panic!("must not run"));
        assert_eq!(steps.left_out, ["third"]);
        assert_eq!(steps.finish(), Err("second: broken".into()));
    }
}

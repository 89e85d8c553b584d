//! Results of fuzzing, as libFuzzer wrote them.

use std::fmt::Write as _;

use crate::steps::Outcome;

/// The result of one target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) target: String,
    /// Number of inputs that were tried.
    pub(super) executions: u64,
    /// Number of edges of the code that were reached.
    pub(super) coverage: u64,
    /// Number of inputs in the corpus.
    pub(super) corpus: u64,
    /// The finding, if there is one: a sentence, and the path of the input.
    pub(super) found: Option<(String, String)>,
}

impl Run {
    /// Reads what libFuzzer wrote.
    pub(super) fn of_log(target: &str, log: &str) -> Self {
        let mut run = Self { target: target.to_owned(), ..Self::default() };
        let mut lines = log.lines().peekable();
        let mut why = None;
        while let Some(line) = lines.next() {
            if line.contains(" panicked at ") {
                why = lines.peek().map(|line| (*line).to_owned());
            } else if let Some(error) = line.split_once("ERROR: libFuzzer: ") {
                why.get_or_insert_with(|| error.1.to_owned());
            } else if let Some((_, path)) = line.split_once("Test unit written to ") {
                let why = why.take().unwrap_or_else(|| "it stopped".to_owned());
                run.found = Some((why, path.to_owned()));
            } else if let Some(rest) = line.strip_prefix('#') {
                let mut words = rest.split_whitespace();
                run.executions = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                let words: Vec<&str> = words.collect();
                let behind = |name: &str| {
                    let at = words.iter().position(|word| *word == name)?;
                    words.get(at + 1)?.split('/').next()?.parse().ok()
                };
                run.coverage = behind("cov:").unwrap_or(run.coverage);
                run.corpus = behind("corp:").unwrap_or(run.corpus);
            }
        }
        run
    }
}

/// Prints a table; the error says what was found.
pub(super) fn report(mut runs: Vec<Run>) -> Outcome {
    runs.sort_by(|a, b| a.target.cmp(&b.target));
    println!("\n{:<14} {:>12} {:>9} {:>7}", "target", "executions", "coverage", "corpus");
    for Run { target, executions, coverage, corpus, found } in &runs {
        let mark = if found.is_some() { "  FOUND" } else { "" };
        println!("{target:<14} {executions:>12} {coverage:>9} {corpus:>7}{mark}");
    }
    let mut found = String::new();
    for run in &runs {
        let Some((why, path)) = &run.found else { continue };
        let _ = write!(
            found,
            "\n{0}: {why}\n  again: cargo xtask fuzz {0} --input {path}\n  \
             once mended, keep it: cp {path} fuzz/seeds/{0}/",
            run.target
        );
    }
    if found.is_empty() { Ok(()) } else { Err(format!("something was found{found}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_wrote_is_read() {
        let log = "INFO: seed corpus\n#1024\tpulse  cov: 321 ft: 900 corp: 77/12Kb exec/s: 512\n";
        let run =
            Run::of_log("xml", &format!("{log}#2048\tDONE   cov: 322 ft: 901 corp: 78/12Kb\n"));
        assert_eq!((run.executions, run.coverage, run.corpus), (2048, 322, 78));
        assert_eq!(run.found, None);
        let log = format!(
            "{log}thread '<unnamed>' panicked at fuzz/src/meter.rs:32:9:\ncost: 9 bytes\n\
             ==7== ERROR: libFuzzer: deadly signal\n\
             artifact_prefix='a/'; Test unit written to a/crash-1\n"
        );
        let found = Run::of_log("xml", &log).found;
        assert_eq!(found, Some(("cost: 9 bytes".to_owned(), "a/crash-1".to_owned())));
    }
}

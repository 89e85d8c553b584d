//! Arguments of `cargo xtask fuzz`.

use std::path::PathBuf;
use std::time::Duration;

/// The parsed arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The targets; all where none is named.
    pub(super) targets: Vec<String>,
    /// Time for which each target runs.
    pub(super) time: Duration,
    /// Number of targets that run at a time.
    pub(super) jobs: usize,
    /// The sanitizer, such as `address`. None of our code is unsafe: it costs half of the speed.
    pub(super) sanitizer: String,
    /// Run this input once, instead.
    pub(super) input: Option<PathBuf>,
}

impl Request {
    /// Reads the words behind `cargo xtask fuzz`.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let mut request = Self {
            targets: Vec::new(),
            time: Duration::from_hours(1),
            jobs: 2,
            sanitizer: "none".to_owned(),
            input: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
            match *word {
                "--time" => request.time = duration(value()?)?,
                "--jobs" => request.jobs = number(value()?)?,
                "--sanitizer" => (*value()?).clone_into(&mut request.sanitizer),
                "--input" => request.input = Some(value()?.into()),
                option if option.starts_with('-') => return Err(format!("no option: {option}")),
                target => request.targets.push(target.to_owned()),
            }
        }
        if request.input.is_some() && request.targets.len() != 1 {
            return Err("--input wants one target".to_owned());
        }
        Ok(request)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(format!("not a time such as 90s, 30m or 1h: {text}")),
    };
    Ok(Duration::from_secs(seconds * number(digits)? as u64))
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("not a number: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_request() {
        let request = Request::parse(&["xml", "--time", "30m", "--jobs", "4"]).unwrap();
        assert_eq!((request.time, request.jobs), (Duration::from_mins(30), 4));
        assert_eq!(request.targets, ["xml"]);
        for wrong in [&["--time"][..], &["--time", "1d"], &["--jobs", "0"], &["--input", "x"]] {
            assert!(Request::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

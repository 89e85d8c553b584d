//! Printing the story.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

/// Width of the column that says who does something.
const WHO: usize = 8;
/// Width of the column that says what.
const WHAT: usize = 66;

/// Prints to standard output, in colour where that is a terminal.
#[derive(Clone, Copy)]
pub(crate) struct Teller {
    colour: bool,
}

/// Style of text on a terminal.
#[derive(Clone, Copy)]
enum Look {
    Title = 1,
    Quiet = 2,
    Good = 32,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self { colour: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(self, title: &str) {
        line(format_args!("\n{}", self.dress(title, Look::Title)));
    }

    /// `who` did or saw `what`, which took so long.
    pub(crate) fn step(self, who: &str, what: impl Display, took: Option<Duration>) {
        let what = what.to_string();
        let gap = WHAT.saturating_sub(what.chars().count());
        let took = took.map(|t| format!("{:>9}", millis(t))).unwrap_or_default();
        let who = self.dress(&format!("{who:>WHO$}"), Look::Good);
        let took = self.dress(&took, Look::Quiet);
        line(format_args!("{}", format!("  {who}  {what}{}{took}", " ".repeat(gap)).trim_end()));
    }

    fn dress(self, text: &str, look: Look) -> String {
        if self.colour && !text.trim().is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", look as u8)
        } else {
            text.to_owned()
        }
    }
}

/// Something that nobody in particular says.
pub(crate) fn say(text: impl Display) {
    line(format_args!("{text}"));
}

/// Prints a line. A reader who has gone away is no reason to stop.
fn line(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(stdout(), "{text}");
}

/// A time in milliseconds, for a column of them.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

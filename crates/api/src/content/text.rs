//! Formatted text: as it is, or as runs of one look each.

use crosstalk_core::{MAX_LINK, MAX_TEXT, RichText, Style};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most runs of one text.
const MAX_RUNS: usize = 512;

/// A text, plain or in runs. Whoever writes one gives either; whoever reads one always finds the
/// plain text, and runs where it is formatted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Text {
    /// The plain text.
    #[serde(default)]
    #[schema(max_length = 65536)]
    pub text: String,
    /// The same in runs, where it is formatted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 512)]
    pub runs: Vec<Run>,
}

/// A stretch of text of one look.
#[expect(clippy::struct_excessive_bools, reason = "they are members of JSON, each of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Run {
    /// The words.
    pub text: String,
    /// Bold.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bold: bool,
    /// Italic.
    #[serde(default, skip_serializing_if = "is_false")]
    pub italic: bool,
    /// Underlined.
    #[serde(default, skip_serializing_if = "is_false")]
    pub underline: bool,
    /// Struck through.
    #[serde(default, skip_serializing_if = "is_false")]
    pub strike: bool,
    /// The colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^#[0-9a-fA-F]{6}$", example = "#ff8800")]
    pub colour: Option<String>,
    /// The address that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Reason why a text is none that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// There are no words in it.
    #[error("there is no text: give `text`, or `runs` where it is formatted")]
    Empty,
    /// It is given twice.
    #[error("give `text` or `runs`, and not both")]
    Twice,
    /// It is too long.
    #[error("the longest text is 65,536 bytes in at most 512 runs, with links of 2,048 bytes")]
    Long,
    /// A colour is none.
    #[error("a colour is written #rrggbb")]
    Colour,
}

impl Text {
    /// The text as people are sent it.
    pub(crate) fn read(&self) -> Result<RichText, Unreadable> {
        let text = if self.runs.is_empty() {
            if self.text.len() > MAX_TEXT {
                return Err(Unreadable::Long);
            }
            RichText::plain(self.text.as_str())
        } else {
            self.read_runs()?
        };
        if text.text().trim().is_empty() { Err(Unreadable::Empty) } else { Ok(text) }
    }

    fn read_runs(&self) -> Result<RichText, Unreadable> {
        if !self.text.is_empty() {
            return Err(Unreadable::Twice);
        }
        let long = self.runs.iter().map(|run| run.text.len()).sum::<usize>() > MAX_TEXT;
        let link = |run: &Run| run.link.as_ref().is_some_and(|link| link.len() > MAX_LINK);
        if long || self.runs.len() > MAX_RUNS || self.runs.iter().any(link) {
            return Err(Unreadable::Long);
        }
        let mut text = RichText::default();
        for run in &self.runs {
            text.push(&run.text, &run.styles()?);
        }
        Ok(text)
    }
}

impl Run {
    fn styles(&self) -> Result<Vec<Style>, Unreadable> {
        let mut styles = Vec::new();
        styles.extend(self.link.clone().map(Style::Link));
        if let Some(colour) = &self.colour {
            let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6);
            let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            styles.push(Style::Colour(number.ok_or(Unreadable::Colour)?));
        }
        let flags = [
            (self.bold, Style::Bold),
            (self.italic, Style::Italic),
            (self.underline, Style::Underline),
            (self.strike, Style::Strike),
        ];
        styles.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, style)| style));
        Ok(styles)
    }
}

impl From<&RichText> for Text {
    fn from(rich: &RichText) -> Self {
        let text = rich.text().to_owned();
        if rich.spans().is_empty() {
            return Self { text, runs: Vec::new() };
        }
        let run = |(words, styles): (&str, crosstalk_core::Styles<'_>)| {
            let mut run = Run { text: words.to_owned(), ..Run::default() };
            for style in styles {
                match style {
                    Style::Bold => run.bold = true,
                    Style::Italic => run.italic = true,
                    Style::Underline => run.underline = true,
                    Style::Strike => run.strike = true,
                    Style::Colour(colour) => run.colour = Some(format!("#{colour:06x}")),
                    Style::Link(url) => run.link = Some(url.clone()),
                }
            }
            run
        };
        Self { text, runs: rich.runs().map(run).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Run {
        Run { text: text.into(), ..Run::default() }
    }

    #[test]
    fn runs_become_spans_and_come_back() {
        let link = Some("https://example.org/".to_owned());
        let runs = vec![
            run("plain "),
            Run { bold: true, italic: true, colour: Some("#00ff7f".into()), ..run("loud") },
            Run { underline: true, strike: true, link, ..run(" there \u{1f44b}") },
        ];
        let text = Text { text: String::new(), runs: runs.clone() };
        let rich = text.read().unwrap();
        assert_eq!(rich.text(), "plain loud there \u{1f44b}");
        assert_eq!(Text::from(&rich), Text { text: rich.text().into(), runs });
        let plain = Text { text: "hi".into(), runs: Vec::new() };
        assert_eq!(Text::from(&plain.read().unwrap()), plain);
    }

    #[test]
    fn what_is_no_text_is_refused_and_never_cut() {
        let plain = |text: &str| Text { text: text.into(), runs: Vec::new() }.read();
        assert_eq!(plain(" \n").unwrap_err(), Unreadable::Empty);
        assert_eq!(plain(&"x".repeat(MAX_TEXT + 1)).unwrap_err(), Unreadable::Long);
        assert_eq!(plain(&"x".repeat(MAX_TEXT)).unwrap().text().len(), MAX_TEXT);
        let runs = |runs: Vec<Run>| Text { text: String::new(), runs }.read();
        for colour in ["red", "#ff", "#gggggg", "#+12345", "#\u{e4}\u{e4}\u{e4}"] {
            let red = Run { colour: Some(colour.into()), ..run("x") };
            assert_eq!(runs(vec![red]).unwrap_err(), Unreadable::Colour, "{colour}");
        }
        assert_eq!(runs(vec![run("x"); MAX_RUNS + 1]).unwrap_err(), Unreadable::Long);
        let far = Run { link: Some("x".repeat(MAX_LINK + 1)), ..run("x") };
        assert_eq!(runs(vec![far]).unwrap_err(), Unreadable::Long);
        let both = Text { text: "x".into(), runs: vec![run("x")] };
        assert_eq!(both.read().unwrap_err(), Unreadable::Twice);
    }
}

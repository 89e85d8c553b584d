//! Problems of a configuration, shown at their lines.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Command that makes a private CA, as advice names it.
pub(super) const MAKE_CA: &str = "crosstalk ca init";

/// A single problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the key, list positions as numbers.
    pub at: String,
    /// Description of the problem.
    pub what: String,
    /// Advice on mending it.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// `name` is none of the `known` ones of its `kind`.
    pub(super) fn unknown(at: impl Into<String>, kind: &str, name: &str, known: &[&str]) -> Self {
        let problem = Self::new(at, format!("there is no {kind} called `{name}`"));
        Self { help: suggestion(name, known), ..problem }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a file, in words for its writer.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Report {
    path: PathBuf,
    text: String,
    found: Vec<(Option<Range<usize>>, Problem)>,
}

impl Report {
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let problem = Problem::new("", format!("cannot be read: {error}"));
        Self { path: path.into(), text: String::new(), found: vec![(None, problem)] }
    }

    /// Report of an error of the TOML reader or of serde.
    pub(super) fn syntax(path: &Path, source: &str, error: &toml::de::Error) -> Self {
        let mut problem = Problem::new("", error.message());
        if let Some((name, known)) = unknown_name(error.message()) {
            problem = Problem::new("", format!("nothing here is called `{name}`"));
            problem.help = suggestion(name, &known);
        }
        Self { path: path.into(), text: source.into(), found: vec![(error.span(), problem)] }
    }

    pub(super) fn problems(path: &Path, source: &str, problems: Vec<Problem>) -> Self {
        let document = DeTable::parse(source).ok();
        let place = |p: &Problem| document.as_ref().and_then(|d| locate(d, &p.at));
        let found = problems.into_iter().map(|p| (place(&p), p)).collect();
        Self { path: path.into(), text: source.into(), found }
    }

    /// The same report, with these arguments behind the commands that it advises, each with a blank
    /// before it: they say which gateway the commands are about.
    #[must_use]
    pub fn about(mut self, arguments: &str) -> Self {
        for help in self.found.iter_mut().filter_map(|(_, problem)| problem.help.as_mut()) {
            *help = help.replace(MAKE_CA, &format!("{MAKE_CA}{arguments}"));
        }
        self
    }

    /// The problems, without their places.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter().map(|(_, problem)| problem)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (span, problem)) in self.found.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.path.display())?;
            match span {
                Some(span) => show(f, &self.text, span, problem)?,
                None => write!(f, ": {}", problem.what)?,
            }
            if let Some(help) = &problem.help {
                write!(f, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

/// `:line:column: what`, and the line with the place underlined.
fn show(
    f: &mut fmt::Formatter<'_>,
    source: &str,
    span: &Range<usize>,
    problem: &Problem,
) -> fmt::Result {
    let start = span.start.min(source.len());
    let before = source.get(..start).unwrap_or(source);
    let (row, line_start) =
        (before.matches('\n').count() + 1, before.rfind('\n').map_or(0, |i| i + 1));
    let line = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let column = before.get(line_start..).unwrap_or("").chars().count();
    let marked = source.get(start..span.end.min(line_start + line.len())).unwrap_or("");
    let marks = "^".repeat(marked.chars().count().max(1));
    writeln!(f, ":{row}:{}: {}", column + 1, problem.what)?;
    writeln!(f, "  {row:>4} | {line}")?;
    write!(f, "       | {}{marks}", " ".repeat(column))
}

/// Place of the key at a dotted path, or of the nearest table that is there.
fn locate(document: &Spanned<DeTable<'_>>, path: &str) -> Option<Range<usize>> {
    let mut table = Some(document.get_ref());
    let mut list: Option<&[Spanned<DeValue<'_>>]> = None;
    let mut found = None;
    for step in path.split('.') {
        let value = match (table, list) {
            (Some(table), _) => {
                let Some((key, value)) = table.iter().find(|(k, _)| k.get_ref() == step) else {
                    break;
                };
                found = Some(key.span());
                value
            }
            (None, Some(list)) => {
                let Some(value) = step.parse::<usize>().ok().and_then(|i| list.get(i)) else {
                    break;
                };
                found = Some(value.span());
                value
            }
            (None, None) => break,
        };
        table = value.get_ref().as_table();
        list = value.get_ref().as_array().map(AsRef::as_ref);
        if table.is_none() && list.is_none() {
            found = Some(value.span());
        }
    }
    found
}

/// The name and the candidates in serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// "did you mean", or the list of what there is.
fn suggestion(name: &str, known: &[&str]) -> Option<String> {
    let near = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, k)| *distance <= 1 + k.len().max(name.len()) / 4);
    match (near, known) {
        (Some((_, near)), _) => Some(format!("did you mean `{near}`?")),
        (None, []) => None,
        (None, known) => Some(format!("there is: {}", known.join(", "))),
    }
}

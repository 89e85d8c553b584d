//! Table of the fate of each kind of content that clients send to foreign people, as a page shows
//! it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Environment variable that has the results written instead of compared.
const REWRITE: &str = "CROSSTALK_REWRITE";

/// Fate of one kind.
pub enum Outcome {
    /// The other hears it, or what it stands for in words.
    Said,
    /// A step of consent is taken.
    Consent,
    /// The other is shown who types.
    Typing,
    /// The other's attention is drawn.
    Attention,
    /// The client is told that it was not delivered, as it shows that.
    Refused,
    /// The person is told by the control contact.
    Told,
    /// Clients send it by themselves, and nobody waits for anything.
    Automatic,
}

impl Outcome {
    const fn words(&self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Consent => "a step of consent",
            Self::Typing => "shown as typing",
            Self::Attention => "shown as a nudge",
            Self::Refused => "refused, as the client shows it",
            Self::Told => "refused in words of the control contact",
            Self::Automatic => "ends here: clients send it by themselves",
        }
    }
}

/// Compares what was found of a network with the rows that `docs/compatibility.md` is made of.
pub fn check(network: &str, found: &[(&str, Outcome)]) {
    let mut rows = String::new();
    for (kind, outcome) in found {
        let _ = writeln!(rows, "| {kind} | {} |", outcome.words());
    }
    let name = format!("../../tests/kinds/{network}.md");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&path, &rows).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, rows, "`cargo xtask compatibility` writes {} anew", path.display());
}

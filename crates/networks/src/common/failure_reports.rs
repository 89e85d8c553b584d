//! Reports of failures in words, for clients that have no other way to show them.

use crosstalk_core::{Address, Body, Envelope, Failure};

/// A report in words of the control contact, for clients that have no other way to show it: a message
/// to whoever the client knows by `name` met the failure `why`.
pub(crate) fn in_words(report: &Envelope, why: Failure, name: Option<String>) -> Envelope {
    let name = name.unwrap_or_else(|| report.from.to_string());
    let body = Body::Text { text: why.of_message_to(&name).into(), auto: true };
    Envelope { from: Address::control(), body, ..report.clone() }
}

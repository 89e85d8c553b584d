//! Bytes that addresses, texts and envelopes take where an engine keeps them.

use crosstalk_core::{Address, Body, Consent, Details, Envelope, RichText, Span, Style};

/// Bytes that an address takes, roughly.
pub(crate) fn of_address(address: &Address) -> usize {
    size_of::<Address>() + address.local().len()
}

/// Bytes that a text takes.
pub(crate) fn of_text(text: &RichText) -> usize {
    let links = text.spans().iter().map(|span| match &span.style {
        Style::Link(to) => to.len(),
        _ => 0,
    });
    text.text().len() + size_of_val::<[Span]>(text.spans()) + links.sum::<usize>()
}

/// Bytes that an envelope takes, roughly.
pub(crate) fn of_envelope(envelope: &Envelope) -> usize {
    let body = match &envelope.body {
        Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => of_text(text),
        _ => 0,
    };
    let details = envelope.details.as_deref().map_or(0, Details::weight);
    size_of::<Envelope>() + of_address(&envelope.from) + of_address(&envelope.to) + body + details
}

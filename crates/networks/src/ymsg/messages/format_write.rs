//! Writing formatted messages.

use std::borrow::Cow;

use crosstalk_core::{MAX_LINK, MAX_TEXT, RichText, Style};

use super::format::{Look, tag};

/// The end of a link where there is none: clients show nothing for it, and no name of a tag begins so.
const BREAK: &str = "\x1b[xlm";

/// Writes a message, in codes that clients of all versions know. They have none for links.
pub fn write(rich: &RichText) -> String {
    let mut writer = Writer::default();
    for (text, styles) in rich.runs() {
        writer.write(text, Look::of(&styles));
    }
    writer.finish()
}

/// A message as far as it is written.
#[derive(Default)]
pub(in crate::ymsg) struct Writer {
    message: String,
    now: Look,
}

impl Writer {
    /// Writes text that looks so; a code in what would be a tag keeps it from being one.
    pub(in crate::ymsg) fn write(&mut self, text: &str, look: Look) {
        self.now.turn_into(look, &mut self.message);
        self.now = look;
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            let (before, after) = rest.split_at(at);
            self.message.push_str(before);
            self.message.push('<');
            if tag(after).is_some() {
                self.message.push_str(BREAK);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.message.push_str(rest);
    }

    pub(in crate::ymsg) fn finish(mut self) -> String {
        self.now.turn_into(Look::default(), &mut self.message);
        self.message
    }
}

/// Room left in a message.
pub(in crate::ymsg) struct Room {
    bytes: usize,
    chars: usize,
    now: Look,
}

impl Room {
    pub(in crate::ymsg) fn of(bytes: usize, chars: usize) -> Self {
        Self { bytes, chars, now: Look::default() }
    }

    /// Takes as much of a text that looks so as fits, with the codes that begin and end it: returns
    /// how much that is, in bytes of the text.
    pub(in crate::ymsg) fn take(&mut self, text: &str, look: Look) -> usize {
        let codes = self.now.turning(look) + look.turning(Look::default());
        let (bytes, chars) = (self.bytes.checked_sub(codes), self.chars.checked_sub(codes));
        let (Some(mut bytes), Some(mut chars)) = (bytes, chars) else { return 0 };
        for (at, c) in text.char_indices() {
            let is_tag = c == '<' && tag(&text[at..]).is_some();
            let code = if is_tag { BREAK.len() } else { 0 };
            let left = (bytes.checked_sub(c.len_utf8() + code), chars.checked_sub(1 + code));
            let (Some(left), Some(few)) = left else { return at };
            (bytes, chars) = (left, few);
        }
        let end = look.turning(Look::default());
        *self = Self { bytes: bytes + end, chars: chars + end, now: look };
        text.len()
    }
}

/// The same text with what each link leads to behind it, where it does not say so itself and the
/// text has room for it.
pub fn with_links_spelled(rich: &RichText) -> Cow<'_, RichText> {
    let whole = rich.text();
    let leads = rich.spans().iter().filter_map(|span| match &span.style {
        Style::Link(url) if url.len() <= MAX_LINK => {
            let said = whole.get(span.start as usize..span.end as usize)?;
            (!url.contains(said.trim())).then_some((span.end as usize, url))
        }
        _ => None,
    });
    let mut links = leads.peekable();
    if links.peek().is_none() {
        return Cow::Borrowed(rich);
    }
    let (mut spelled, mut at, mut room) = (RichText::default(), 0, MAX_TEXT - whole.len());
    for (text, styles) in rich.runs() {
        spelled.push(text, styles);
        at += text.len();
        while let Some((_, url)) = links.next_if(|(end, _)| *end <= at) {
            let leads = format!(" ({url})");
            if let Some(left) = room.checked_sub(leads.len()) {
                room = left;
                spelled.push(&leads, []);
            }
        }
    }
    Cow::Owned(spelled)
}

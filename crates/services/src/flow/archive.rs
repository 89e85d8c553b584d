//! The node `archive`: texts as they stand in a person's file.

use crosstalk_core::{Envelope, UnixMillis};
use serde_json::json;
use time::OffsetDateTime;

/// Form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Mailbox (RFC 4155), whose lines that begin with `From ` are quoted by `>` (mboxrd).
    Mbox,
    /// JSON texts, each on a line.
    JsonLines,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::Mbox, Self::JsonLines];

    /// Its name, which its files end with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mbox => "mbox",
            Self::JsonLines => "jsonl",
        }
    }

    /// The form of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }
}

/// A text as it is to be written behind others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Form of the file.
    pub format: Format,
    /// Lines.
    pub lines: crosstalk_core::Redacted<String>,
}

/// A text, and what was made of it before, where that is another.
pub(super) fn record(format: Format, envelope: &Envelope, text: &str, made: &str) -> Record {
    let lines = match format {
        Format::Mbox => mail(envelope, text, made),
        Format::JsonLines => json_line(envelope, text, made),
    };
    Record { format, lines: lines.into() }
}

fn json_line(envelope: &Envelope, text: &str, made: &str) -> String {
    let mut line = json!({
        "id": envelope.id.to_string(), "from": envelope.from.to_string(),
        "to": envelope.to.to_string(), "time": iso(envelope.sent_at), "text": text,
    });
    if made != text {
        line["made_of_it"] = made.into();
    }
    format!("{line}\n")
}

/// A mail (RFC 5322) with the line before it and the empty one behind it.
fn mail(envelope: &Envelope, text: &str, made: &str) -> String {
    let (id, time) = (envelope.id, date(envelope.sent_at));
    let [from, to] = [&envelope.from, &envelope.to].map(|who| one_word(&who.to_string()));
    let mut mail = format!(
        "From {from} {}\nFrom: <{from}>\nTo: <{to}>\nDate: {time}\nMessage-ID: <{id}@crosstalk>\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\n",
        asctime(envelope.sent_at)
    );
    let made = if made == text { Vec::new() } else { vec!["", "-- made of it:", made] };
    for line in std::iter::once(text).chain(made).flat_map(|part| part.split('\n')) {
        if line.trim_start_matches('>').starts_with("From ") {
            mail.push('>');
        }
        mail.push_str(line);
        mail.push('\n');
    }
    mail.push('\n');
    mail
}

/// A name as a word that cannot end the field it stands in.
fn one_word(name: &str) -> String {
    let is_other = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
    name.replace(is_other, "_")
}

fn moment(at: UnixMillis) -> OffsetDateTime {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    // What is beyond the calendar is at its beginning.
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A time as RFC 3339 has it.
fn iso(at: UnixMillis) -> String {
    let (t, millis) = (moment(at), at.0 % 1000);
    let (month, day) = (u8::from(t.month()), t.day());
    let (hour, minute, second) = t.to_hms();
    format!("{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", t.year())
}

/// A time as RFC 5322, 3.3 has it.
fn date(at: UnixMillis) -> String {
    let (t, (weekday, month)) = (moment(at), names(at));
    let (hour, minute, second) = t.to_hms();
    let (day, year) = (t.day(), t.year());
    format!("{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

/// A time as it stands in the line before a mail (RFC 4155).
fn asctime(at: UnixMillis) -> String {
    let (t, (weekday, month)) = (moment(at), names(at));
    let (hour, minute, second) = t.to_hms();
    let (day, year) = (t.day(), t.year());
    format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year:04}")
}

/// The first three letters of the day of the week, and of the month.
fn names(at: UnixMillis) -> (String, String) {
    let t = moment(at);
    let short = |name: String| name.chars().take(3).collect();
    (short(t.weekday().to_string()), short(t.month().to_string()))
}

#[cfg(test)]
mod tests {
    use crosstalk_core::{Body, EnvelopeId};

    use super::*;

    fn envelope() -> Envelope {
        let (from, to) = ("bob@yahoo".parse().unwrap(), "alice@aol".parse().unwrap());
        let body = Body::Text { text: "unused".into(), auto: false };
        let sent_at = UnixMillis(1_100_000_005_250);
        Envelope { id: EnvelopeId(7), from, to, sent_at, body, details: None }
    }

    #[test]
    fn a_mail_cannot_be_ended_by_its_text() {
        let text = "hi\nFrom me to you\n>From x\n\nbye";
        let record = record(Format::Mbox, &envelope(), text, text);
        assert_eq!(
            *record.lines.expose(),
            "From bob@yahoo Tue Nov  9 11:33:25 2004\nFrom: <bob@yahoo>\nTo: <alice@aol>\n\
             Date: Tue, 9 Nov 2004 11:33:25 +0000\n\
             Message-ID: <00000000000000000000000000000007@crosstalk>\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
             hi\n>From me to you\n>>From x\n\nbye\n\n"
        );
    }

    #[test]
    fn a_line_of_json_is_one_line() {
        let record = record(Format::JsonLines, &envelope(), "one\n\"two\"", "eins");
        let lines = record.lines.expose();
        assert_eq!(lines.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(lines).unwrap();
        assert_eq!(read["text"], "one\n\"two\"");
        assert_eq!(read["made_of_it"], "eins");
        assert_eq!(read["time"], "2004-11-09T11:33:25.250Z");
    }
}

//! An export as messages of bounded length: a line is an object of JSON, of one member that says what
//! the line is about.

use crosstalk_gateway::router::Exported;
use serde::Serialize;
use serde_json::{Value, json};

use super::Export;

/// The most bytes of a message, where not one line alone has more.
const MESSAGE: usize = 1000;
/// The most messages of a part.
const MESSAGES: usize = 10;
/// Longest stretch of a text in one line, in bytes; the rest goes on in further lines.
const STRETCH: usize = 500;

/// A part of an export, or the last one where there are fewer.
pub(crate) fn part(export: &Export, part: usize) -> Exported {
    let messages = messages(lines(export));
    let parts = messages.len().div_ceil(MESSAGES).max(1);
    let part = part.clamp(1, parts);
    let messages = messages.into_iter().skip((part - 1) * MESSAGES).take(MESSAGES).collect();
    Exported::Part { messages, part, parts }
}

/// Lines in as few messages as they fit into.
fn messages(lines: Vec<String>) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in lines {
        match messages.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= MESSAGE => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => messages.push(line),
        }
    }
    messages
}

fn lines(export: &Export) -> Vec<String> {
    let Export { name, at, gateway, homes, contacts, settings, waiting, api } = export;
    let head = json!({"name": name, "at": at, "gateway": gateway});
    let mut all = vec![json!({"export": head}).to_string()];
    add(&mut all, "home", homes);
    add(&mut all, "contact", contacts);
    add(&mut all, "setting", settings);
    add(&mut all, "waiting", waiting);
    add(&mut all, "presence", api.presence.as_slice());
    add(&mut all, "event", &api.events);
    add(&mut all, "file", &api.files);
    add(&mut all, "token", &api.tokens);
    let sign_in = json!({
        "has_password": api.has_password,
        "passkeys": api.passkeys,
        "invites_expire_at": api.invites_expire_at,
    });
    all.push(json!({"sign_in": sign_in}).to_string());
    all
}

fn add(lines: &mut Vec<String>, about: &str, records: &[impl Serialize]) {
    for record in records {
        let value = serde_json::to_value(record).unwrap_or_default();
        lines.extend(stretches(value).into_iter().map(|value| json!({ about: value }).to_string()));
    }
}

/// A record, in several where its text is long: each has the next stretch of it.
fn stretches(record: Value) -> Vec<Value> {
    let Some(text) = record.get("text").and_then(Value::as_str).filter(|t| t.len() > STRETCH)
    else {
        return vec![record];
    };
    let (mut rest, mut all) = (text, Vec::new());
    while !rest.is_empty() {
        let (stretch, more) = rest.split_at(rest.floor_char_boundary(STRETCH));
        let mut record = record.clone();
        record["text"] = stretch.into();
        all.push(record);
        rest = more;
    }
    let count = all.len();
    for (at, record) in all.iter_mut().enumerate() {
        record["stretch"] = json!(format!("{} of {count}", at + 1));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_whole_lines_and_all_of_them() {
        let lines: Vec<_> = (0..500).map(|n| json!({ "setting": n }).to_string()).collect();
        let long = json!({ "setting": "x".repeat(2 * MESSAGE) }).to_string();
        let lines = [lines.clone(), vec![long], lines].concat();
        let messages = messages(lines.clone());
        assert_eq!(messages.join("\n"), lines.join("\n"));
        let over = messages.iter().filter(|message| message.len() > MESSAGE).count();
        assert_eq!(over, 1, "only the line that is longer by itself");
    }

    #[test]
    fn a_long_text_goes_on_in_further_lines() {
        let text = "ä".repeat(600);
        let record = json!({"from": "a@aol", "text": text});
        let all = stretches(record);
        let joined: String = all.iter().map(|record| record["text"].as_str().unwrap()).collect();
        assert_eq!((all.len(), joined), (3, text));
        assert_eq!((&all[2]["from"], &all[2]["stretch"]), (&json!("a@aol"), &json!("3 of 3")));
        assert_eq!(stretches(json!({"text": "short"})), [json!({"text": "short"})]);
    }
}

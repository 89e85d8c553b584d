//! The node `webhook`: a program is told of a text by HTTP, signed by HMAC-SHA256 (RFC 2104).

use crosstalk_core::{Body, Envelope, Redacted, UnixMillis};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::request::{Request, Trouble, Url};
use crate::speech::{Speech, speech};

/// The headers of a message: when it was made, in seconds, and its signature over that, a full
/// stop, and the body.
const TIME: &str = "x-crosstalk-time";
const SIGNATURE: &str = "x-crosstalk-signature";
/// The longest text that may be said instead, in bytes.
const MAX_REPLY: usize = 16 * 1024;

/// The message to a program that a text came.
pub(super) fn request(
    url: &Redacted<String>,
    secret: &Redacted<String>,
    (flow, envelope, text): (&str, &Envelope, &str),
    now: UnixMillis,
) -> Request {
    let auto = matches!(envelope.body, Body::Text { auto: true, .. });
    let told = json!({
        "flow": flow, "id": envelope.id.to_string(), "from": envelope.from.to_string(),
        "to": envelope.to.to_string(), "sent_at": envelope.sent_at.0, "auto": auto, "text": text,
    });
    let (body, time) = (told.to_string().into_bytes(), (now.0 / 1000).to_string());
    let signature = format!("sha256={}", sign(secret.expose(), &time, &body));
    Request::post(Url(url.expose().clone()), body).with(TIME, time).with(SIGNATURE, signature)
}

/// The signature of a message, in hexadecimal digits.
fn sign(secret: &str, time: &str, body: &[u8]) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let digits = |byte: &u8| [byte >> 4, byte & 0xf];
    let hex = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or_default();
    mac.finalize().into_bytes().iter().flat_map(digits).map(hex).collect()
}

/// Reads what the program said: another text, or nothing.
pub(super) fn read(response: Result<(u16, Vec<u8>), Trouble>) -> Result<Option<String>, Speech> {
    let (status, body) = response.map_err(trouble)?;
    if !(200..300).contains(&status) {
        return Err(speech!("the webhook answered with status {}", u64::from(status)));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let said: Result<Value, _> = serde_json::from_slice(&body);
    let Ok(Value::Object(said)) = said else {
        return Err("the webhook answered something that is no JSON object".into());
    };
    match said.get("text") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > MAX_REPLY => {
            Err("the webhook answered more than is shown".into())
        }
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err("the webhook answered a text that is none".into()),
    }
}

fn trouble(trouble: Trouble) -> Speech {
    match trouble {
        Trouble::Timeout => "the webhook did not answer in time".into(),
        Trouble::Unreachable | Trouble::Broken => {
            "the webhook cannot be reached at the moment".into()
        }
        Trouble::TooLarge => "the webhook answered more than is read".into(),
        Trouble::Busy => "too much is asked of this gateway at the moment".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_over_its_time_and_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let signature = sign("0123456789abcdef", "1700000000", br#"{"a":1}"#);
        assert_eq!(signature, "9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23");
    }
}

//! The node `translate`, by `LibreTranslate`'s API (POST /translate, version 1.6).

use serde_json::{Value, json};

use super::language::{Language, name_of};
use crate::offers::Translator;
use crate::request::{Request, Trouble, Url};
use crate::speech::{Speech, speech};

/// A translation may be so many times as long as the text, and so much longer: what is more is none.
const TIMES: usize = 4;
const MORE: usize = 512;

/// A text in another language.
pub(super) struct Translation {
    /// English name of the language that it was in, where that is known.
    pub(super) from: Option<&'static str>,
    /// The text.
    pub(super) text: String,
}

/// The request that a text be translated.
pub(super) fn request(to: &Translator, language: &Language, text: &str) -> Request {
    let mut asked = json!({
        "q": text, "source": "auto", "target": language.code(), "format": "text",
    });
    if let Some(key) = &to.key {
        asked["api_key"] = key.expose().as_str().into();
    }
    let url = format!("{}/translate", to.url.trim_end_matches('/'));
    Request::post(Url(url), asked.to_string().into_bytes())
}

/// Reads what came back. There is nothing where the text is in the language already.
pub(super) fn read(
    language: &Language,
    text: &str,
    response: Result<(u16, Vec<u8>), Trouble>,
) -> Result<Option<Translation>, Speech> {
    let (status, body) = response.map_err(trouble)?;
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status != 200 {
        return Err(refusal(status, language));
    }
    let Some(translated) = said["translatedText"].as_str().map(str::trim) else {
        return Err(not_understood());
    };
    if translated.len() > TIMES * text.len() + MORE {
        return Err(not_understood());
    }
    let detected = said["detectedLanguage"]["language"].as_str().unwrap_or_default();
    if language.is(detected) || translated.is_empty() || translated == text.trim() {
        return Ok(None);
    }
    Ok(Some(Translation { from: name_of(detected), text: translated.to_owned() }))
}

fn refusal(status: u16, language: &Language) -> Speech {
    match status {
        // It says no more by its status than that something in the request is wrong.
        400 => speech!(
            "the translator takes no such text, or knows no language {}",
            crosstalk_core::Quoted::name(language.code())
        ),
        403 => "the translator does not take this gateway's key".into(),
        413 => "the text is too long for the translator".into(),
        429 => "the translator was asked too often".into(),
        500.. => "the translator is out of order at the moment".into(),
        _ => speech!("the translator answered with status {}", u64::from(status)),
    }
}

fn trouble(trouble: Trouble) -> Speech {
    match trouble {
        Trouble::Timeout => "the translator did not answer in time".into(),
        Trouble::Unreachable | Trouble::Broken => {
            "the translator cannot be reached at the moment".into()
        }
        Trouble::TooLarge => "the translator answered more than is read".into(),
        Trouble::Busy => "too much is asked of this gateway at the moment".into(),
    }
}

fn not_understood() -> Speech {
    "the translator answered something that this gateway does not understand".into()
}

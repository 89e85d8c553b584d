//! Values written as text in TOML, with errors that carry the text's place.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::allow::net;

/// A value read by its `FromStr`.
struct Text<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
    }
}

pub(super) fn one<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    Text::deserialize(from).map(|t| t.0)
}

pub(super) fn some<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    one(from).map(Some)
}

pub(super) fn many<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    Ok(Vec::<Text<T>>::deserialize(from)?.into_iter().map(|t| t.0).collect())
}

pub(super) fn map<'de, T, D>(from: D) -> Result<BTreeMap<String, T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let texts = BTreeMap::<String, Text<T>>::deserialize(from)?;
    Ok(texts.into_iter().map(|(key, t)| (key, t.0)).collect())
}

/// Addresses such as `10.0.0.5`, and ranges such as `2001:db8::/32`, of which none is everything.
pub(super) fn nets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let read = |text: &String| match net(text) {
        None => {
            let expected = "expected an address, or a range such as 10.0.0.0/8";
            Err(D::Error::custom(format!("{text:?}: {expected}")))
        }
        Some(net) if net.prefix_len() == 0 => {
            Err(D::Error::custom(format!("{text:?} is everybody")))
        }
        Some(net) => Ok(net),
    };
    Vec::<String>::deserialize(from)?.iter().map(read).collect()
}

/// A length of time such as `500ms`, `10s` or `1m 30s`.
pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    humantime::parse_duration(&text).map_err(|_| {
        D::Error::custom(format!("{text:?}: expected a time such as 500ms, 10s or 2m"))
    })
}

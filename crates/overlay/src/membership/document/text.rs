//! The text form of a membership: TOML that people can read, mail and keep.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crosstalk_core::NetworkId;
use serde::Deserialize;

use super::{BadMembership, Contents, Entry};
use crate::membership::GatewayId;

const HEAD: &str = "\
# The members of a CrossTalk mesh, signed by its operator: a change by hand voids it.
# To take part: crosstalk mesh join THIS-FILE
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    operator: String,
    version: u64,
    signature: String,
    #[serde(default)]
    member: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    id: String,
    addresses: Vec<String>,
    networks: Vec<NetworkId>,
    until: Option<String>,
}

pub(super) fn write(contents: &Contents, signature: &[u8]) -> String {
    let Contents { operator, version, members } = contents;
    let signature = STANDARD.encode(signature);
    let mut text = format!(
        "{HEAD}operator = \"{operator}\"\nversion = {version}\nsignature = \"{signature}\"\n"
    );
    for Entry { id, addresses, networks, until } in members {
        // Writing to a String cannot fail. No address or name needs escapes.
        let _ = write!(
            text,
            "\n[[member]]\nid = \"{id}\"\naddresses = [{}]\nnetworks = [{}]\n",
            quoted(addresses),
            quoted(networks)
        );
        if let Some(day) = until {
            let _ = writeln!(text, "until = \"{day}\"");
        }
    }
    text
}

fn quoted<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ")
}

/// The contents, and the signature that is yet to be checked.
pub(super) fn parse(text: &str) -> Result<(Contents, Vec<u8>), BadMembership> {
    let form = |what: &str| BadMembership::Form(what.to_owned());
    let file: File = toml::from_str(text).map_err(|e| form(e.message()))?;
    let id = |text: &str| text.parse::<GatewayId>().map_err(|e| form(&e.to_string()));
    let entry = |table: Table| {
        let until = table.until.map(|day| day.parse()).transpose();
        Ok(Entry {
            id: id(&table.id)?,
            addresses: table.addresses,
            networks: table.networks,
            until: until.map_err(|e: super::BadDay| form(&e.to_string()))?,
        })
    };
    let contents = Contents {
        operator: id(&file.operator)?,
        version: file.version,
        members: file.member.into_iter().map(entry).collect::<Result<_, _>>()?,
    };
    let signature = STANDARD.decode(&file.signature).map_err(|_| BadMembership::Signature)?;
    Ok((contents, signature))
}

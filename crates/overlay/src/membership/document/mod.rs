//! The membership document: who belongs to a mesh, as its operator signed it.
//!
//! Signed are the bytes `"ct/membership/1\0"` and the postcard of the contents. On disk and
//! between people it is a TOML text of the same contents (`text`), so everybody can read what
//! was signed. Of two documents of one operator the one with the higher version counts.

mod day;
mod operator;
mod text;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crosstalk_core::{HostPort, NetworkId, UnixMillis};
use libp2p_identity::{PublicKey, ed25519};
use serde::{Deserialize, Serialize};

pub use day::{BadDay, Day};
pub use operator::Operator;

use crate::errors::{BadMembership, Error};
use crate::membership::{GatewayId, Member};

/// The most members of a mesh.
pub const MAX_MEMBERS: usize = 1000;
/// The most addresses and networks of one member.
const MAX_LISTED: usize = 16;
/// The most bytes of the contents: a frame carries them.
const MAX_BYTES: usize = 200 * 1024;
/// The name of the document in the state directory.
const FILE: &str = "membership.toml";
/// Prefix of the signed bytes, which keeps the signature from being one of anything else.
const PURPOSE: &[u8] = b"ct/membership/1\0";

/// A membership document whose signature is good.
#[derive(Clone, PartialEq, Eq)]
pub struct Membership {
    contents: Contents,
    signed: Signed,
}

/// A member, and how long it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The member: its id, addresses and networks.
    pub member: Member,
    /// The last day on which it belongs; always where none is set.
    pub until: Option<Day>,
}

/// A document as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signed {
    /// Postcard of [`Contents`].
    contents: Vec<u8>,
    signature: Vec<u8>,
}

/// Signed part of the document. The layout is part of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Contents {
    operator: GatewayId,
    version: u64,
    members: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    id: GatewayId,
    addresses: Vec<String>,
    networks: Vec<NetworkId>,
    until: Option<Day>,
}

impl Membership {
    /// Reads a document as it came over a link.
    pub(crate) fn verify(signed: Signed) -> Result<Self, BadMembership> {
        let form = |_| BadMembership::Form("it cannot be read".into());
        let contents: Contents = postcard::from_bytes(&signed.contents).map_err(form)?;
        contents.check()?;
        let operator = ed25519::PublicKey::try_from_bytes(contents.operator.as_bytes())
            .map_err(|_| BadMembership::Signature)?;
        let signed_bytes = [PURPOSE, &signed.contents].concat();
        if PublicKey::from(operator).verify(&signed_bytes, &signed.signature) {
            Ok(Self { contents, signed })
        } else {
            Err(BadMembership::Signature)
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, BadMembership> {
        let (contents, signature) = text::parse(text)?;
        Self::verify(Signed { contents: contents.bytes()?, signature })
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        text::write(&self.contents, &self.signed.signature)
    }

    /// The document of the gateway whose state is in `state`; `None` where it is in no mesh, or
    /// in one with a fixed list of members.
    pub fn load(state: &Path) -> Result<Option<Self>, Error> {
        let path = state.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::State { path, source }),
        };
        Self::parse(&text).map(Some).map_err(|why| Error::Membership { path, why })
    }

    /// Keeps the document for the gateway whose state is in `state`. A running gateway takes it
    /// up within seconds.
    pub fn save(&self, state: &Path) -> Result<(), Error> {
        let path = state.join(FILE);
        let new = state.join(format!("{FILE}.new"));
        let write = || {
            let mut file = fs::File::create(&new)?;
            file.write_all(self.to_text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|source| Error::State { path: path.clone(), source })
    }

    /// Path of the document of the gateway with its state in `state`.
    pub(crate) fn path(state: &Path) -> PathBuf {
        state.join(FILE)
    }

    /// Removes the document of the gateway whose state is in `state`. Returns whether there was
    /// one.
    pub fn forget(state: &Path) -> Result<bool, Error> {
        let path = Self::path(state);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::State { path, source }),
        }
    }

    /// Time at which the document on disk was last written.
    pub(crate) fn written(state: &Path) -> Option<std::time::SystemTime> {
        fs::metadata(state.join(FILE)).ok()?.modified().ok()
    }

    /// The operator's public key, which names the mesh.
    pub const fn operator(&self) -> GatewayId {
        self.contents.operator
    }

    /// Counts up with each change.
    pub const fn version(&self) -> u64 {
        self.contents.version
    }

    /// Members that the document admits.
    pub fn members(&self) -> impl Iterator<Item = Admitted> {
        self.contents.members.iter().map(|entry| Admitted {
            member: Member {
                id: entry.id,
                addresses: entry.addresses.iter().filter_map(|a| a.parse().ok()).collect(),
                networks: entry.networks.clone(),
            },
            until: entry.until,
        })
    }

    /// Whether this one takes the place of `other`: of the same operator, and newer. Where an
    /// operator signed two of one version, all gateways come to prefer the same.
    pub fn replaces(&self, other: &Self) -> bool {
        let rank = |m: &Self| (m.contents.version, m.signed.contents.clone());
        self.operator() == other.operator() && rank(self) > rank(other)
    }

    /// The document as it travels.
    pub(crate) fn signed(&self) -> Signed {
        self.signed.clone()
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.contents.fmt(f)
    }
}

impl Admitted {
    /// Whether it belongs at `now`, whose clock may be some minutes wrong.
    pub fn belongs(&self, now: UnixMillis) -> bool {
        self.until.is_none_or(|day| now < day.over())
    }
}

impl Contents {
    fn bytes(&self) -> Result<Vec<u8>, BadMembership> {
        let bytes = postcard::to_stdvec(self).unwrap_or_default();
        if bytes.is_empty() || bytes.len() > MAX_BYTES {
            return Err(BadMembership::Contents("the document is too long to travel"));
        }
        Ok(bytes)
    }

    fn check(&self) -> Result<(), BadMembership> {
        let refuse = |what| Err(BadMembership::Contents(what));
        let mut ids = BTreeSet::new();
        if self.version == 0 {
            return refuse("versions begin at 1");
        }
        if self.members.len() > MAX_MEMBERS {
            return refuse("it has more members than a mesh may have");
        }
        for entry in &self.members {
            if !ids.insert(entry.id) || entry.id.peer_id().is_none() {
                return refuse("a member is listed twice, or has no good id");
            }
            if entry.addresses.len() > MAX_LISTED || entry.networks.len() > MAX_LISTED {
                return refuse("a member has too many addresses or networks");
            }
            if !entry.addresses.iter().all(|address| is_address(address)) {
                return refuse("a member has an address that is not host:port");
            }
        }
        Ok(())
    }
}

/// Whether `text` is a host and port, written as [`HostPort`] writes it.
pub(crate) fn is_address(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:%[]".contains(&b);
    text.bytes().all(plain) && text.parse::<HostPort>().is_ok_and(|a| a.to_string() == text)
}

#[cfg(test)]
mod tests;

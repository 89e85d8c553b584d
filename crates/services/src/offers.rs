//! Sources that the operator of a gateway lets services use.

use crosstalk_core::Redacted;

use crate::status::StatusOffers;

/// Sources that the operator of a gateway lets services use.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Last.fm's API 2.0, with the operator's key.
    pub lastfm: Option<Endpoint>,
    /// The root of `ListenBrainz`' API 1.
    pub listenbrainz: Option<String>,
    /// Who is to be named for where addresses are, if that is known.
    pub locations: Option<String>,
    /// Nodes of flows.
    pub flows: FlowOffers,
    /// Sites that statuses are posted to, and posts come from.
    pub status: StatusOffers,
}

/// An API with a key.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// The operator's key.
    pub key: Redacted<String>,
}

/// Nodes that the operator of a gateway lets people use, and flows that all texts run through.
#[derive(Clone, Debug, Default)]
pub struct FlowOffers {
    /// The program that translates.
    pub translator: Option<Translator>,
    /// Source of the secrets by which webhooks are signed; none where people may not have any.
    pub secrets: Option<fn() -> u128>,
    /// Whether texts can be archived.
    pub has_archive: bool,
    /// Flows of everybody, as [`check_flow`](crate::check_flow) takes them.
    pub everybody: Vec<Redacted<String>>,
}

/// A program with `LibreTranslate`'s API.
#[derive(Clone, Debug)]
pub struct Translator {
    /// The root of its API.
    pub url: String,
    /// The operator's key, where it needs one.
    pub key: Option<Redacted<String>>,
}

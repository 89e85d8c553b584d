//! The names of gateways.

use std::fmt;
use std::str::FromStr;

use libp2p_identity::{PeerId, PublicKey, ed25519};
use serde::{Deserialize, Serialize};

/// A gateway's ed25519 public key, which is its name on the overlay.
///
/// Written as the libp2p peer id of that key (`12D3KooW…`). The order is that of peer ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GatewayId([u8; 32]);

/// The longest peer id, in bytes of text: those of other kinds of keys are this long.
const MAX_TEXT: usize = 64;

/// The text is not the peer id of an ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a gateway, such as 12D3KooW…")]
pub struct BadGatewayId;

impl GatewayId {
    /// The gateway whose key is `bytes`.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The peer id; `None` where the bytes are no point of the curve.
    pub(crate) fn peer_id(&self) -> Option<PeerId> {
        let key = ed25519::PublicKey::try_from_bytes(&self.0).ok()?;
        Some(PublicKey::from(key).to_peer_id())
    }
}

impl TryFrom<PeerId> for GatewayId {
    type Error = BadGatewayId;

    fn try_from(peer: PeerId) -> Result<Self, BadGatewayId> {
        // A short key's peer id is the key itself under the identity hash, code 0.
        let hash = peer.as_ref();
        if hash.code() != 0 {
            return Err(BadGatewayId);
        }
        let key = PublicKey::try_decode_protobuf(hash.digest()).map_err(|_| BadGatewayId)?;
        let key = key.try_into_ed25519().map_err(|_| BadGatewayId)?;
        Ok(Self(key.to_bytes()))
    }
}

impl FromStr for GatewayId {
    type Err = BadGatewayId;

    fn from_str(text: &str) -> Result<Self, BadGatewayId> {
        // Reading base 58 takes time that grows with the square of its length.
        if text.len() > MAX_TEXT {
            return Err(BadGatewayId);
        }
        text.parse::<PeerId>().map_err(|_| BadGatewayId)?.try_into()
    }
}

impl fmt::Display for GatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer_id() {
            Some(peer) => peer.fmt(f),
            None => f.write_str("[no gateway]"),
        }
    }
}

impl fmt::Debug for GatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p_identity::Keypair;

    #[test]
    fn is_written_as_a_peer_id_and_read_back() {
        let peer = Keypair::generate_ed25519().public().to_peer_id();
        let id = GatewayId::try_from(peer).unwrap();
        assert_eq!(id.to_string(), peer.to_string());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse::<GatewayId>(),
            Err(BadGatewayId)
        );
    }

    #[test]
    fn a_text_that_is_too_long_is_refused_unread() {
        let begun = std::time::Instant::now();
        assert_eq!("2".repeat(200_000).parse::<GatewayId>(), Err(BadGatewayId));
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}

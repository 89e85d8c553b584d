//! Addresses at which gateways can be dialled now, as they say themselves and others pass on. Pure.
//!
//! A membership says where a gateway was when it was admitted. A card says where it is in its
//! present boot, and is signed with the gateway's own key, so that one whose address changed is
//! found by all as soon as it has reached anybody.

use crosstalk_core::HostPort;
use libp2p_identity::{Keypair, PublicKey, ed25519};
use serde::{Deserialize, Serialize};

use crate::common::map::Map;
use crate::membership::{GatewayId, Members, is_address};

/// The most addresses on a card.
pub(crate) const MAX_ADDRESSES: usize = 8;
/// Prefix of the signed bytes, which keeps the signature from being one of anything else.
const PURPOSE: &[u8] = b"ct/card/1\0";

/// A gateway's addresses, with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    says: Says,
    signature: Vec<u8>,
}

/// Signed part, as postcard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Says {
    gateway: GatewayId,
    /// Its boot: the card of a later one counts.
    epoch: u64,
    /// Addresses as `host:port`.
    addresses: Vec<String>,
}

/// The newest card of each gateway, this one included.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    known: Map<GatewayId, Card>,
}

impl Card {
    /// The card of `gateway`, whose key is `key`; `None` where it has no address to tell.
    pub(crate) fn sign(
        key: &Keypair,
        gateway: GatewayId,
        epoch: u64,
        addresses: &[HostPort],
    ) -> Option<Self> {
        let addresses = addresses.iter().map(ToString::to_string).filter(|a| is_address(a));
        let addresses: Vec<_> = addresses.take(MAX_ADDRESSES).collect();
        let says = Says { gateway, epoch, addresses };
        let signature = key.sign(&says.bytes()).ok()?;
        (!says.addresses.is_empty()).then_some(Self { says, signature })
    }

    fn is_good(&self) -> bool {
        let Says { gateway, addresses, .. } = &self.says;
        let key = ed25519::PublicKey::try_from_bytes(gateway.as_bytes());
        addresses.len() <= MAX_ADDRESSES
            && addresses.iter().all(|address| is_address(address))
            && key.is_ok_and(|key| PublicKey::from(key).verify(&self.says.bytes(), &self.signature))
    }
}

impl Says {
    fn bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, PURPOSE.to_vec()).unwrap_or_default()
    }
}

/// The card is not signed by the gateway that it names, or says what no card may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadCard;

impl Cards {
    /// Takes a card. Returns whether it is news; those of gateways that are no members are none.
    pub(crate) fn take(&mut self, card: &Card, members: &Members) -> Result<bool, BadCard> {
        let Says { gateway, epoch, .. } = card.says;
        let is_old = self.known.get(&gateway).is_some_and(|known| known.says.epoch >= epoch);
        if is_old || !members.contains(&gateway) {
            return Ok(false);
        }
        if !card.is_good() {
            return Err(BadCard);
        }
        self.known.insert(gateway, card.clone());
        Ok(true)
    }

    /// Every card, for a peer that has a link now.
    pub(crate) fn all(&self) -> Vec<Card> {
        self.known.values().cloned().collect()
    }

    /// Addresses at which `gateway` says that it is.
    pub(crate) fn addresses(&self, gateway: &GatewayId) -> Vec<HostPort> {
        let addresses = self.known.get(gateway).map(|card| card.says.addresses.iter());
        addresses.into_iter().flatten().filter_map(|address| address.parse().ok()).collect()
    }

    /// Forgets those who are no members any more.
    pub(crate) fn keep(&mut self, members: &Members) {
        self.known.retain(|gateway, _| members.contains(gateway));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::identity;
    use crate::membership::{Member, REPLICAS};

    fn key(n: u8) -> (Keypair, GatewayId) {
        let key = Keypair::ed25519_from_bytes([n; 32]).unwrap();
        let id = identity::gateway_id(&key).unwrap();
        (key, id)
    }

    fn card(n: u8, epoch: u64, host: &str) -> Card {
        let (key, id) = key(n);
        Card::sign(&key, id, epoch, &[HostPort::new(host, 7700)]).unwrap()
    }

    fn members() -> Members {
        let member = Member { id: key(1).1, addresses: Vec::new(), networks: Vec::new() };
        Members::new(key(0).1, Vec::new(), &[member], REPLICAS)
    }

    #[test]
    fn the_card_of_the_latest_boot_counts() {
        let (mut cards, members, id) = (Cards::default(), members(), key(1).1);
        assert_eq!(cards.take(&card(1, 5, "::1"), &members), Ok(true));
        assert_eq!(cards.take(&card(1, 4, "old.example"), &members), Ok(false));
        assert_eq!(cards.take(&card(1, 5, "again.example"), &members), Ok(false));
        assert_eq!(cards.addresses(&id), [HostPort::new("::1", 7700)]);
        assert_eq!(cards.take(&card(1, 6, "new.example"), &members), Ok(true));
        assert_eq!(cards.addresses(&id), [HostPort::new("new.example", 7700)]);
    }

    #[test]
    fn nobody_says_where_somebody_else_is() {
        let (mut cards, members) = (Cards::default(), members());
        let mut forged = card(1, 5, "one.example");
        forged.says.addresses = vec!["evil.example:1".into()];
        assert_eq!(cards.take(&forged, &members), Err(BadCard));
        let mut odd = card(1, 5, "one.example");
        odd.says.addresses = vec!["x".into(); 2000];
        assert_eq!(cards.take(&odd, &members), Err(BadCard));
        assert_eq!(cards.take(&card(2, 5, "two.example"), &members), Ok(false), "no member");
        assert!(cards.all().is_empty());
    }

    #[test]
    fn who_has_no_address_has_no_card() {
        let (key, id) = key(1);
        assert_eq!(Card::sign(&key, id, 1, &[]), None);
    }
}

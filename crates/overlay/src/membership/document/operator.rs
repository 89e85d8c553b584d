//! The operator: whose key signs memberships.

use std::path::Path;

use libp2p_identity::Keypair;

use super::{Admitted, BadMembership, Contents, Entry, Membership, PURPOSE, Signed};
use crate::errors::Error;
use crate::membership::GatewayId;
use crate::membership::identity;

/// The name of the key file in the state directory.
const FILE: &str = "operator.key";

/// Key of the operator, who says which gateways belong to a mesh.
pub struct Operator {
    key: Keypair,
    id: GatewayId,
}

impl Operator {
    /// The operator whose key is in `state`; `None` where there is none.
    pub fn load(state: &Path) -> Result<Option<Self>, Error> {
        let key = identity::load(&state.join(FILE))?;
        key.map(Self::new).transpose()
    }

    /// The same; the key is made where there is none.
    pub fn load_or_make(state: &Path) -> Result<Self, Error> {
        Self::new(identity::load_or_make(&state.join(FILE))?)
    }

    /// The public key, which names the mesh.
    pub const fn id(&self) -> GatewayId {
        self.id
    }

    /// Signs a membership.
    pub fn sign(&self, version: u64, members: &[Admitted]) -> Result<Membership, BadMembership> {
        let entry = |admitted: &Admitted| Entry {
            id: admitted.member.id,
            addresses: admitted.member.addresses.iter().map(ToString::to_string).collect(),
            networks: admitted.member.networks.clone(),
            until: admitted.until,
        };
        let members = members.iter().map(entry).collect();
        let contents = Contents { operator: self.id, version, members }.bytes()?;
        let signature = self.key.sign(&[PURPOSE, &contents].concat());
        let signature = signature.map_err(|e| BadMembership::Form(e.to_string()))?;
        Membership::verify(Signed { contents, signature })
    }

    /// The operator with this key.
    pub(crate) fn new(key: Keypair) -> Result<Self, Error> {
        Ok(Self { id: identity::gateway_id(&key)?, key })
    }
}

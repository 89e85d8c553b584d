//! The members of a mesh: their ids, rights and addresses, as the operator signed them.

mod document;
pub(crate) mod id;
pub(crate) mod identity;
pub(crate) mod members;
pub(crate) mod signed_addresses;
pub(crate) mod versions;

pub use document::{Admitted, BadDay, BadMembership, Day, MAX_MEMBERS, Membership, Operator};
pub(crate) use document::{Signed, is_address};
pub use id::{BadGatewayId, GatewayId};
pub use members::{Member, REPLICAS, parse_address};

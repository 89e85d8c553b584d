//! The members of a mesh: their ids, rights and addresses, as the operator signed them.

mod document;
mod id;
pub(crate) mod identity;
mod key;
mod member;
mod members;
pub(crate) mod signed_addresses;
pub(crate) mod versions;

pub use document::{Admitted, BadDay, Day, MAX_MEMBERS, Membership, Operator};
pub(crate) use document::{Signed, is_address};
pub use id::{BadGatewayId, GatewayId};
pub(crate) use key::Key;
pub use member::{Member, parse_address};
pub(crate) use members::Members;
pub use members::REPLICAS;

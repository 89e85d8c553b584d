//! Jabber: XMPP client streams (RFC 6120, 6121, 7622).

pub mod ns;
pub mod wire;
pub mod xml;

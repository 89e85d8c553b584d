//! Jabber: an XMPP server, and clients for it.

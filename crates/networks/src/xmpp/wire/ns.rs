//! Namespaces, named as their specifications do.

/// Stanzas of a client's stream (RFC 6120).
pub const CLIENT: &str = "jabber:client";
/// The stream itself (RFC 6120).
pub const STREAMS: &str = "http://etherx.jabber.org/streams";
/// STARTTLS (RFC 6120).
pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// SASL (RFC 6120).
pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// SASL2 (XEP-0388).
pub const SASL2: &str = "urn:xmpp:sasl:2";
/// Channel-binding types of a server (XEP-0440).
pub const CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
/// Resource binding (RFC 6120).
pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// Sign-on before SASL (XEP-0078).
pub const AUTH: &str = "jabber:iq:auth";
/// Stanza errors (RFC 6120).
pub const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// Stream errors (RFC 6120).
pub const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// The offer of stream compression (XEP-0138).
pub const COMPRESS_FEATURE: &str = "http://jabber.org/features/compress";
/// Stream compression (XEP-0138).
pub const COMPRESS: &str = "http://jabber.org/protocol/compress";
/// Stream management (XEP-0198).
pub const SM: &str = "urn:xmpp:sm:3";
/// Stream management, as first drafted.
pub const SM2: &str = "urn:xmpp:sm:2";
/// The roster (RFC 6121).
pub const ROSTER: &str = "jabber:iq:roster";
/// Blocking (XEP-0191).
pub const BLOCKING: &str = "urn:xmpp:blocking";
/// The archive (XEP-0313).
pub const MAM: &str = "urn:xmpp:mam:2";
/// Service discovery (XEP-0030).
pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// Items of service discovery (XEP-0030).
pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
/// Business cards (XEP-0054).
pub const VCARD: &str = "vcard-temp";
/// XHTML-IM (XEP-0071).
pub const XHTML_IM: &str = "http://jabber.org/protocol/xhtml-im";
/// XHTML itself.
pub const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Typing (XEP-0085).
pub const CHAT_STATES: &str = "http://jabber.org/protocol/chatstates";
/// Delivery receipts (XEP-0184).
pub const RECEIPTS: &str = "urn:xmpp:receipts";
/// Chat markers (XEP-0333).
pub const MARKERS: &str = "urn:xmpp:chat-markers:0";
/// Delayed delivery (XEP-0203).
pub const DELAY: &str = "urn:xmpp:delay";
/// Attention (XEP-0224).
pub const ATTENTION: &str = "urn:xmpp:attention:0";
/// Copies for the person's other sessions (XEP-0280).
pub const CARBONS: &str = "urn:xmpp:carbons:2";
/// Hints on what is to become of a message (XEP-0334).
pub const HINTS: &str = "urn:xmpp:hints";
/// Forwarded stanzas (XEP-0297).
pub const FORWARD: &str = "urn:xmpp:forward:0";
/// Corrections (XEP-0308).
pub const CORRECT: &str = "urn:xmpp:message-correct:0";
/// Idle time in presence (XEP-0319).
pub const IDLE: &str = "urn:xmpp:idle:1";
/// Idle seconds, as older clients put it into presence (XEP-0012, XEP-0256).
pub const LAST: &str = "jabber:iq:last";
/// The nickname of somebody who asks (XEP-0172).
pub const NICK: &str = "http://jabber.org/protocol/nick";
/// Entity capabilities in presence (XEP-0115).
pub const CAPS: &str = "http://jabber.org/protocol/caps";
/// Result sets, as archives count them (XEP-0059).
pub const RSM: &str = "http://jabber.org/protocol/rsm";
/// Privacy lists (XEP-0016).
pub const PRIVACY: &str = "jabber:iq:privacy";
/// Whether the person looks at the client (XEP-0352).
pub const CLIENT_STATE: &str = "urn:xmpp:csi:0";
/// Links out of band (XEP-0066).
pub const OUT_OF_BAND: &str = "jabber:x:oob";
/// Shared files (XEP-0447).
pub const FILE_SHARING: &str = "urn:xmpp:sfs:0";
/// Reactions (XEP-0444).
pub const REACTIONS: &str = "urn:xmpp:reactions:0";
/// Prefix of the namespaces of messages taken back (XEP-0424).
pub const RETRACT: &str = "urn:xmpp:message-retract:";
/// Invitations to rooms (XEP-0249).
pub const CONFERENCE: &str = "jabber:x:conference";
/// Encryption by PGP, as first drafted (XEP-0027).
pub const ENCRYPTED: &str = "jabber:x:encrypted";
/// Prefix of the namespaces of calls in messages (XEP-0353).
pub const CALL: &str = "urn:xmpp:jingle-message:";
/// Prefix of the namespaces of invisibility (XEP-0186).
pub const INVISIBLE: &str = "urn:xmpp:invisible:";

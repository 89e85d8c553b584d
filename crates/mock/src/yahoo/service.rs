//! What packets are about.

pub(super) const LOGON: u16 = 0x01;
pub(super) const LOGOFF: u16 = 0x02;
pub(super) const AWAY: u16 = 0x03;
pub(super) const BACK: u16 = 0x04;
pub(super) const MESSAGE: u16 = 0x06;
/// The server says that a contact was added, or asks for consent.
pub(super) const NEW_CONTACT: u16 = 0x0f;
pub(super) const PING: u16 = 0x12;
pub(super) const INVITE: u16 = 0x18;
pub(super) const TYPING: u16 = 0x4b;
pub(super) const ANSWER: u16 = 0x54;
/// The buddy list up to YMSG14.
pub(super) const LIST: u16 = 0x55;
pub(super) const CHALLENGE: u16 = 0x57;
pub(super) const ADD: u16 = 0x83;
pub(super) const REMOVE: u16 = 0x84;
pub(super) const IGNORE: u16 = 0x85;
/// The answer no to one who asks for consent, before YMSG10.
pub(super) const REJECT: u16 = 0x86;
pub(super) const RENAME_GROUP: u16 = 0x89;
pub(super) const KEEP_ALIVE: u16 = 0x8a;
pub(super) const VISIBILITY: u16 = 0xc5;
pub(super) const STATUS: u16 = 0xc6;
pub(super) const AUTHORISE: u16 = 0xd6;
pub(super) const MOVE: u16 = 0xe7;
/// Contacts' presences since YMSG15.
pub(super) const STATUS_15: u16 = 0xf0;
/// The buddy list since YMSG15.
pub(super) const LIST_15: u16 = 0xf1;
pub(super) const ACK: u16 = 0xfb;

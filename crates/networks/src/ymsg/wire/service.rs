//! Services of packets. The names are those that clients give them.

/// Somebody signs on; since version 15 [`STATUS_15`].
pub const LOGON: u16 = 0x01;
/// Somebody signs off.
pub const LOGOFF: u16 = 0x02;
/// Somebody goes away.
pub const IS_AWAY: u16 = 0x03;
/// Somebody is back.
pub const IS_BACK: u16 = 0x04;
/// An instant message.
pub const MESSAGE: u16 = 0x06;
/// News of a contact: a request, a refusal, or that somebody was added.
pub const NEW_CONTACT: u16 = 0x0f;
/// An instant message to several people.
pub const MASS_MESSAGE: u16 = 0x17;
/// Whether the other side is there; the server says how often to ask.
pub const PING: u16 = 0x12;
/// An invitation to a conference.
pub const CONFERENCE_INVITE: u16 = 0x18;
/// No to an invitation to a conference.
pub const CONFERENCE_DECLINE: u16 = 0x1a;
/// An invitation to a conference that goes on.
pub const CONFERENCE_ADD_INVITE: u16 = 0x1c;
/// Files are offered, through a server of theirs.
pub const FILE_OFFER: u16 = 0x46;
/// Somebody is called.
pub const VOICE_CHAT: u16 = 0x4a;
/// A file is offered, from client to client.
pub const P2P_FILE: u16 = 0x4d;
/// Somebody is asked to show a camera.
pub const WEBCAM: u16 = 0x50;
/// Somebody is invited to a chat room.
pub const CHAT_INVITE: u16 = 0x9d;
/// A figure that says something aloud.
pub const AUDIBLE: u16 = 0xd0;
/// Typing, games and other signs.
pub const NOTIFY: u16 = 0x4b;
/// A client says who it is, and is challenged.
pub const AUTH: u16 = 0x57;
/// The client's proof of who it is.
pub const AUTH_RESPONSE: u16 = 0x54;
/// The buddy list, before version 15.
pub const LIST: u16 = 0x55;
/// A contact is added.
pub const ADD_BUDDY: u16 = 0x83;
/// A contact is removed from a group.
pub const REMOVE_BUDDY: u16 = 0x84;
/// A contact is ignored, or no longer.
pub const IGNORE_CONTACT: u16 = 0x85;
/// No to a request, before version 13.
pub const REJECT_CONTACT: u16 = 0x86;
/// A group gets another name.
pub const RENAME_GROUP: u16 = 0x89;
/// The client is there.
pub const KEEP_ALIVE: u16 = 0x8a;
/// Never to be seen online by somebody.
pub const PRESENCE_PERMANENT: u16 = 0xb9;
/// To be seen by somebody, although invisible, until the end of the session.
pub const PRESENCE_SESSION: u16 = 0xba;
/// Whether one is visible at all.
pub const VISIBLE_TOGGLE: u16 = 0xc5;
/// The person's own status.
pub const STATUS_UPDATE: u16 = 0xc6;
/// A request, and its answer, since version 13.
pub const AUTHORISE: u16 = 0xd6;
/// An offer of files, since version 15.
pub const FILE_TRANSFER: u16 = 0xdc;
/// A contact moves from one group to another.
pub const MOVE_BUDDY: u16 = 0xe7;
/// Somebody's presence, since version 15.
pub const STATUS_15: u16 = 0xf0;
/// The buddy list, since version 15.
pub const LIST_15: u16 = 0xf1;
/// A message arrived.
pub const MESSAGE_ACK: u16 = 0xfb;

/// Services that clients send by themselves, and of which they show nothing: looks, ways from
/// client to client, pictures and their sums, details, steps of a file transfer, and that something
/// arrived.
pub(in crate::ymsg) const AUTOMATIC: [u16; 13] =
    [PING, 0x15, KEEP_ALIVE, 0x4f, 0xbd, 0xbe, 0xc1, 0xc2, 0xc7, 0xd3, 0xdd, 0xde, MESSAGE_ACK];

//! The keys of the pairs in packets. YMSG was never published: the names say what the values are
//! seen to be in recorded sessions.

/// Name that somebody signed on by.
pub const ACCOUNT: u32 = 0;
/// Name that somebody uses now, of those that the account has.
pub const ID: u32 = 1;
/// Name of the other person, in news of a contact.
pub const OTHER: u32 = 3;
/// Name of the person who says something.
pub const SENDER: u32 = 4;
/// Name of the person to whom something is said.
pub const RECEIVER: u32 = 5;
/// First part of the proof that a client signs on by.
pub const PROOF: u32 = 6;
/// Name of a contact.
pub const BUDDY: u32 = 7;
/// Status of a contact, as a number.
pub const STATUS: u32 = 10;
/// Session of a contact.
pub const SESSION: u32 = 11;
/// Switch of the service: on or off, yes or no.
pub const FLAG: u32 = 13;
/// Text of a message or a request.
pub const TEXT: u32 = 14;
/// Time at which something was said, in seconds since 1970.
pub const TIME: u32 = 15;
/// Text of an error.
pub const ERROR_TEXT: u32 = 16;
/// Whether a contact is in a chat room.
pub const IN_CHAT: u32 = 17;
/// Text of a custom status.
pub const STATUS_TEXT: u32 = 19;
/// Name of a file.
pub const FILE: u32 = 27;
/// Operation on a list: 1 adds.
pub const OPERATION: u32 = 31;
/// Kind of a custom status: 1 is away, 2 is idle.
pub const AWAY: u32 = 47;
/// Kind of a sign, such as `TYPING`.
pub const SIGN: u32 = 49;
/// Name of the person who invites to a conference.
pub const HOST: u32 = 50;
/// Names of people who are invited to a conference.
pub const INVITED_SEVERAL: u32 = 51;
/// Name of a person who is invited to a conference.
pub const INVITED: u32 = 52;
/// Name of a person who joins a conference.
pub const JOINS: u32 = 53;
/// Name of a person who declines a conference.
pub const DECLINES: u32 = 54;
/// Name of a person who leaves a conference.
pub const LEAVES: u32 = 56;
/// Name of a conference.
pub const CONFERENCE: u32 = 57;
/// Text of an invitation to a conference.
pub const INVITATION: u32 = 58;
/// Background of a conversation.
pub const IMVIRONMENT: u32 = 63;
/// Whether the background is shown.
pub const HAS_IMVIRONMENT: u32 = 64;
/// Group with its name. of the list.
pub const GROUP: u32 = 65;
/// Result of an edit; 0 where it was done.
pub const RESULT: u32 = 66;
/// Name that a group gets.
pub const NEW_GROUP: u32 = 67;
/// Lines of the list 0x55: `group:name,name`.
pub const LIST: u32 = 87;
/// Names of people who are ignored.
pub const IGNORED: u32 = 88;
/// Names that the account has.
pub const IDS: u32 = 89;
/// Second part of the proof that a client signs on by.
pub const PROOF_2: u32 = 96;
/// Whether texts are in UTF-8: 1 if so.
pub const UTF8: u32 = 97;
/// Name of a chat room.
pub const ROOM: u32 = 104;
/// Topic of a chat room.
pub const TOPIC: u32 = 105;
/// Name of a person in a chat room.
pub const IN_ROOM: u32 = 109;
/// Text that is said in a chat room.
pub const ROOM_TEXT: u32 = 117;
/// Name of a person who is invited to a chat room.
pub const ROOM_INVITED: u32 = 118;
/// Id of a chat room.
pub const ROOM_ID: u32 = 129;
/// Version of the client, as people read it.
pub const VERSION: u32 = 135;
/// Seconds for which somebody is idle.
pub const IDLE: u32 = 137;
/// First name of a person.
pub const FIRST_NAME: u32 = 216;
/// Step of a file transfer.
pub const TRANSFER_STEP: u32 = 222;
/// Name of the group that a contact leaves.
pub const FROM_GROUP: u32 = 224;
/// Text that an audible says aloud.
pub const AUDIBLE_TEXT: u32 = 231;
/// Last name of a person.
pub const LAST_NAME: u32 = 254;
/// Name of the group that a contact comes to.
pub const TO_GROUP: u32 = 264;
/// Id of a file transfer.
pub const TRANSFER: u32 = 265;
/// Cookie `Y`.
pub const COOKIE_Y: u32 = 277;
/// Cookie `T`, since version 15.
pub const COOKIE_T: u32 = 278;
/// Beginning of an entry of a list.
pub const BEGIN_ENTRY: u32 = 300;
/// End of an entry of a list.
pub const END_ENTRY: u32 = 301;
/// Beginning of a list, by what it is of.
pub const BEGIN_LIST: u32 = 302;
/// End of a list.
pub const END_LIST: u32 = 303;
/// Proof that a client signs on by, since version 15.
pub const PROOF_3: u32 = 307;
/// Id of a message, which clients have acknowledged, or repeat it.
pub const MESSAGE_ID: u32 = 429;
/// Id of a message that arrived.
pub const ACKNOWLEDGED: u32 = 430;
/// Part of a message that arrived.
pub const ACKNOWLEDGED_PART: u32 = 450;

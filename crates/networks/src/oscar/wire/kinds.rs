//! The families and subtypes of SNACs, under the names that AOL's own documentation of OSCAR gives them.
//!
//! Of each family those stand here that a gateway takes or says.

use super::snac::Kind;

/// The subtype of an error in every family: a [code](super::code), and TLVs.
pub const ERROR: u16 = 0x01;

/// Family 01: the connection itself.
pub mod oservice {
    use super::Kind;

    /// From a client: it has set everything up.
    pub const CLIENT_ONLINE: Kind = (0x01, 0x02);
    /// From a server: the families that it offers.
    pub const HOST_ONLINE: Kind = (0x01, 0x03);
    /// From a server: where a service is, and a cookie for it.
    pub const SERVICE_RESPONSE: Kind = (0x01, 0x05);
    /// From a server: the limits of rate.
    pub const RATE_PARAMS_REPLY: Kind = (0x01, 0x07);
    /// From a server: a limit of rate changed.
    pub const RATE_PARAM_CHANGE: Kind = (0x01, 0x0a);
    /// From a client: who am I?
    pub const NICK_INFO_QUERY: Kind = (0x01, 0x0e);
    /// From a server: the user info of the person.
    pub const NICK_INFO_UPDATE: Kind = (0x01, 0x0f);
    /// From a client: seconds for which the person has been idle.
    pub const IDLE_NOTIFICATION: Kind = (0x01, 0x11);
    /// From a client: status bits and status text.
    pub const SET_NICK_INFO_FIELDS: Kind = (0x01, 0x1e);
}

/// Family 02: profiles and away texts.
pub mod locate {
    use super::Kind;

    /// From a client: its own profile, away text and capabilities.
    pub const SET_INFO: Kind = (0x02, 0x04);
    /// From a client: the profile or away text of somebody.
    pub const USER_INFO_QUERY: Kind = (0x02, 0x05);
    /// From a server: the answer to both queries.
    pub const USER_INFO_REPLY: Kind = (0x02, 0x06);
    /// From a client: the directory entry of somebody.
    pub const GET_DIR_INFO: Kind = (0x02, 0x0b);
    /// From a server: the answer to that.
    pub const GET_DIR_REPLY: Kind = (0x02, 0x0c);
    /// From a client: [`USER_INFO_QUERY`] with more flags.
    pub const USER_INFO_QUERY_2: Kind = (0x02, 0x15);
}

/// Family 03: arrivals and departures, and lists of those whom a client watches.
pub mod buddy {
    use super::Kind;

    /// From a client: names to watch.
    pub const ADD_BUDDIES: Kind = (0x03, 0x04);
    /// From a client: names to watch no longer.
    pub const DEL_BUDDIES: Kind = (0x03, 0x05);
    /// From a server: somebody is there, or changed.
    pub const ARRIVED: Kind = (0x03, 0x0b);
    /// From a server: somebody has left.
    pub const DEPARTED: Kind = (0x03, 0x0c);
    /// From a client: names to watch that are not of its list.
    pub const ADD_TEMP_BUDDIES: Kind = (0x03, 0x0f);
    /// From a client: such names to watch no longer.
    pub const DEL_TEMP_BUDDIES: Kind = (0x03, 0x10);
}

/// Family 04: messages.
pub mod icbm {
    use super::Kind;

    /// The family; a server that offers it serves a session.
    pub const FAMILY: u16 = 0x04;
    /// An error about a message.
    pub const ERROR: Kind = (FAMILY, super::ERROR);
    /// From a client: what messages it takes.
    pub const ADD_PARAMETERS: Kind = (FAMILY, 0x02);
    /// From a client: a message.
    pub const CHANNEL_MESSAGE_TO_HOST: Kind = (FAMILY, 0x06);
    /// From a server: a message.
    pub const CHANNEL_MESSAGE_TO_CLIENT: Kind = (FAMILY, 0x07);
    /// From a client: a warning.
    pub const EVIL_REQUEST: Kind = (FAMILY, 0x08);
    /// From a client: what it could not do with a message.
    pub const CLIENT_ERROR: Kind = (FAMILY, 0x0b);
    /// From a server: it has taken a message.
    pub const HOST_ACK: Kind = (FAMILY, 0x0c);
    /// From either side: typing.
    pub const CLIENT_EVENT: Kind = (FAMILY, 0x14);
}

/// Family 06: invitations of people who are not on AIM.
pub mod invite {
    use super::Kind;

    /// From a client: an e-mail address and a text.
    pub const REQUEST: Kind = (0x06, 0x02);
}

/// Family 07: the account.
pub mod admin {
    use super::Kind;

    /// From a client: another e-mail address, password or spelling of the name.
    pub const INFO_CHANGE_REQUEST: Kind = (0x07, 0x04);
    /// From a server: what became of it.
    pub const INFO_CHANGE_REPLY: Kind = (0x07, 0x05);
}

/// Family 09: lists of those who are permitted and denied.
pub mod permit_deny {
    use super::Kind;

    /// From a client: names to permit.
    pub const ADD_PERMIT: Kind = (0x09, 0x05);
    /// From a client: names to permit no longer.
    pub const DEL_PERMIT: Kind = (0x09, 0x06);
    /// From a client: names to deny.
    pub const ADD_DENY: Kind = (0x09, 0x07);
    /// From a client: names to deny no longer.
    pub const DEL_DENY: Kind = (0x09, 0x08);
    /// From a client: names to permit while it is there.
    pub const ADD_TEMP_PERMIT: Kind = (0x09, 0x0a);
    /// From a client: such names to permit no longer.
    pub const DEL_TEMP_PERMIT: Kind = (0x09, 0x0b);
}

/// Family 0a: searches.
pub mod user_lookup {
    use super::Kind;

    /// From a client: an e-mail address.
    pub const FIND_BY_EMAIL: Kind = (0x0a, 0x02);
}

/// Family 0c: translation.
pub mod translate {
    use super::Kind;

    /// From a client: a text.
    pub const REQUEST: Kind = (0x0c, 0x02);
}

/// Family 0e: chat rooms.
pub mod chat {
    use super::Kind;

    /// From a client: a message to a room.
    pub const CHANNEL_MESSAGE_TO_HOST: Kind = (0x0e, 0x05);
}

/// Family 0f: the directory of people.
pub mod directory {
    /// The family.
    pub const FAMILY: u16 = 0x0f;
}

/// Family 10: icons.
pub mod bart {
    use super::Kind;

    /// The family.
    pub const FAMILY: u16 = 0x10;
    /// From a client: a picture.
    pub const UPLOAD: Kind = (FAMILY, 0x02);
}

/// Family 13: the buddy list that the server stores.
pub mod feedbag {
    use super::Kind;

    /// The family.
    pub const FAMILY: u16 = 0x13;
    /// From a client: the rules of the list.
    pub const RIGHTS_QUERY: Kind = (FAMILY, 0x02);
    /// From a client: the list.
    pub const QUERY: Kind = (FAMILY, 0x04);
    /// From a client: the list, if it is newer than a copy.
    pub const QUERY_IF_MODIFIED: Kind = (FAMILY, 0x05);
    /// From a server: a packet of the list.
    pub const REPLY: Kind = (FAMILY, 0x06);
    /// From either side: items are new.
    pub const INSERT_ITEMS: Kind = (FAMILY, 0x08);
    /// From either side: items changed.
    pub const UPDATE_ITEMS: Kind = (FAMILY, 0x09);
    /// From either side: items are gone.
    pub const DELETE_ITEMS: Kind = (FAMILY, 0x0a);
    /// From a server: what became of each item of an edit.
    pub const STATUS: Kind = (FAMILY, 0x0e);
    /// From a server: the client's copy is good.
    pub const REPLY_NOT_MODIFIED: Kind = (FAMILY, 0x0f);
    /// From either side: a transaction begins.
    pub const START_CLUSTER: Kind = (FAMILY, 0x11);
    /// From either side: a transaction ends.
    pub const END_CLUSTER: Kind = (FAMILY, 0x12);
    /// From a client: authorisation of somebody who did not ask.
    pub const PRE_AUTHORIZE_BUDDY: Kind = (FAMILY, 0x14);
    /// From a client: authorisation is taken back.
    pub const REVOKE_AUTHORIZATION: Kind = (FAMILY, 0x16);
    /// From a client: a request for authorisation.
    pub const REQUEST_AUTHORIZE_TO_HOST: Kind = (FAMILY, 0x18);
    /// From a server: such a request.
    pub const REQUEST_AUTHORIZE_TO_CLIENT: Kind = (FAMILY, 0x19);
    /// From a client: the answer to a request.
    pub const RESPOND_AUTHORIZE_TO_HOST: Kind = (FAMILY, 0x1a);
    /// From a server: the answer to a request.
    pub const RESPOND_AUTHORIZE_TO_CLIENT: Kind = (FAMILY, 0x1b);
}

/// Family 15: what ICQ had before it spoke OSCAR.
pub mod icq {
    use super::Kind;

    /// From a client: a question, in ICQ's own form.
    pub const DB_QUERY: Kind = (0x15, 0x02);
    /// From a server: the answer.
    pub const DB_REPLY: Kind = (0x15, 0x03);
}

/// Family 17: sign-on.
pub mod bucp {
    use super::Kind;

    /// From a client: a name and the proof of a password.
    pub const LOGIN_REQUEST: Kind = (0x17, 0x02);
    /// From a server: a cookie, or why there is none.
    pub const LOGIN_RESPONSE: Kind = (0x17, 0x03);
    /// From a client: a name, for a challenge.
    pub const CHALLENGE_REQUEST: Kind = (0x17, 0x06);
}

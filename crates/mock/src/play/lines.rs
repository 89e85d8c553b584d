//! Grammar of the lines after the cast.

use std::time::Duration;

use crosstalk_core::{Style, Typing};

/// Step that a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Person {
        who: String,
        does: Does,
    },
    Kill {
        gateway: String,
    },
    Start {
        gateway: String,
    },
    /// The server of a network got what its clients sent.
    Untouched {
        network: String,
    },
    Pass(Duration),
}

/// Act or observation of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Does {
    SignOn,
    SignOff,
    LoseConnection,
    Add(String),
    Remove(String),
    Accept(String),
    Deny(String),
    Block(String),
    Unblock(String),
    Say { to: String, text: String, style: Option<Style> },
    Type { to: String, typing: Typing },
    Nudge(String),
    Invite(String),
    GoAway(String),
    ComeBack,
    GoIdle(Duration),
    Invisible(bool),
    IsAsked { by: String, through: Asking },
    IsNudged { by: String },
    IsInvited { by: String },
    Hear { from: String, text: String, how: Heard },
    HearNothingMore,
    See { whom: String, how: How },
    StillSee { whom: String, how: How },
    NeverSaw(String),
    List { whom: String, listed: bool },
    LearnUndelivered { to: String },
    Cannot,
}

/// Presence in which somebody is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    Available,
    /// Away, with this text where one is given.
    Away(Option<String>),
    Offline,
    Idle,
    Typing,
}

/// Way in which a question for consent came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// In whatever way.
    Any,
    /// In the client's own dialogue.
    Dialogue,
    /// As words of the control contact.
    Control,
}

/// Way in which a message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Formatted or not.
    Any,
    /// All of it in this style.
    Styled(Style),
    /// As several messages, cut between words or within them.
    InPieces,
}

/// Stands for the quoted text among the words of a line.
pub(super) const TEXT: &str = "\"\"";

pub(super) fn step(words: &[&str], text: String) -> Option<Step> {
    match *words {
        ["gateway", gateway, "is", "killed"] => Some(Step::Kill { gateway: gateway.into() }),
        [network, "got", "every", "byte", "as", "it", "was", "sent"] => {
            Some(Step::Untouched { network: network.into() })
        }
        [seconds, "s", "pass"] => Some(Step::Pass(Duration::from_secs(seconds.parse().ok()?))),
        ["gateway", gateway, "starts", "again"] => Some(Step::Start { gateway: gateway.into() }),
        [who, ref does @ ..] => Some(Step::Person {
            who: who.into(),
            does: acts(does, &text).or_else(|| sees(does, text))?,
        }),
        [] => None,
    }
}

fn acts(words: &[&str], text: &str) -> Option<Does> {
    Some(match *words {
        ["signs", "on"] => Does::SignOn,
        ["signs", "off"] => Does::SignOff,
        ["loses", "the", "connection"] => Does::LoseConnection,
        ["adds", whom] => Does::Add(whom.into()),
        ["removes", whom] => Does::Remove(whom.into()),
        ["accepts", whom] => Does::Accept(whom.into()),
        ["denies", whom] => Does::Deny(whom.into()),
        ["blocks", whom] => Does::Block(whom.into()),
        ["unblocks", whom] => Does::Unblock(whom.into()),
        ["says", TEXT, "to", to] => Does::Say { to: to.into(), text: text.into(), style: None },
        ["says", TEXT, "in", style, "to", to] => {
            Does::Say { to: to.into(), text: text.into(), style: Some(look(style)?) }
        }
        ["nudges", whom] => Does::Nudge(whom.into()),
        ["invites", whom, "to", "a", "conference"] => Does::Invite(whom.into()),
        ["types", "to", to] => Does::Type { to: to.into(), typing: Typing::Active },
        ["stops", "typing", "to", to] => Does::Type { to: to.into(), typing: Typing::Idle },
        ["goes", "away", TEXT] => Does::GoAway(text.into()),
        ["comes", "back"] => Does::ComeBack,
        ["goes", "idle", "for", seconds, "s"] => {
            Does::GoIdle(Duration::from_secs(seconds.parse().ok()?))
        }
        ["goes", "invisible"] => Does::Invisible(true),
        ["becomes", "visible"] => Does::Invisible(false),
        _ => return None,
    })
}

fn sees(words: &[&str], text: String) -> Option<Does> {
    Some(match *words {
        ["is", "asked", "by", whom] => Does::IsAsked { by: whom.into(), through: Asking::Any },
        ["is", "asked", "by", whom, "in", "a", "dialogue"] => {
            Does::IsAsked { by: whom.into(), through: Asking::Dialogue }
        }
        ["is", "asked", "by", whom, "through", "the", "control", "contact"] => {
            Does::IsAsked { by: whom.into(), through: Asking::Control }
        }
        ["is", "nudged", "by", whom] => Does::IsNudged { by: whom.into() },
        ["is", "invited", "by", whom] => Does::IsInvited { by: whom.into() },
        ["hears", TEXT, "from", from] => Does::Hear { from: from.into(), text, how: Heard::Any },
        ["hears", TEXT, "in", "pieces", "from", from] => {
            Does::Hear { from: from.into(), text, how: Heard::InPieces }
        }
        ["hears", TEXT, "in", style, "from", from] => {
            Does::Hear { from: from.into(), text, how: Heard::Styled(look(style)?) }
        }
        ["hears", "nothing", "more"] => Does::HearNothingMore,
        ["never", "saw", whom] => Does::NeverSaw(whom.into()),
        ["lists", whom] => Does::List { whom: whom.into(), listed: true },
        ["does", "not", "list", whom] => Does::List { whom: whom.into(), listed: false },
        ["learns", "that", to, "was", "not", "reached"] => Does::LearnUndelivered { to: to.into() },
        ["has", "no", "way", "to", "do", "that"] => Does::Cannot,
        ["sees", whom, ref how @ ..] => Does::See { whom: whom.into(), how: seen(how, text)? },
        ["still", "sees", whom, ref how @ ..] => {
            Does::StillSee { whom: whom.into(), how: seen(how, text)? }
        }
        _ => return None,
    })
}

fn seen(how: &[&str], text: String) -> Option<How> {
    Some(match *how {
        ["available"] => How::Available,
        ["away"] => How::Away(None),
        ["away", TEXT] => How::Away(Some(text)),
        ["offline"] => How::Offline,
        ["idle"] => How::Idle,
        ["typing"] => How::Typing,
        _ => return None,
    })
}

fn look(style: &str) -> Option<Style> {
    Some(match style {
        "bold" => Style::Bold,
        "italic" => Style::Italic,
        "underline" => Style::Underline,
        "red" => Style::Colour(0xff_0000),
        _ => return None,
    })
}

//! Everything that is stored about a person: the commands that have it told or forgotten, and what is
//! said of that.

use crosstalk_core::Quoted;

use crate::speech::{Speech, speech};
use crate::{Action, Answer, View};

/// The most receivers that are named whose texts were taken back.
const SHOWN: usize = 20;

/// Consequences of forgetting a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Receivers of texts that the person had said and that had not arrived, as the person calls
    /// them, with the number of texts.
    pub taken_back: Vec<(String, usize)>,
    /// Number of other gateways that kept the list.
    pub elsewhere: usize,
    /// Number of those that cannot be reached now.
    pub away: usize,
}

pub(crate) fn export(arguments: &str, _: &View<'_>) -> Answer {
    let part = arguments.parse().ok().filter(|part| *part > 0);
    if part.is_none() && !arguments.is_empty() {
        return Answer::say("Write /export, or the number of a part behind it, such as /export 2.");
    }
    Answer::say("This looks for everything that is stored about you.").and(Action::Export(part))
}

pub(crate) fn forget(arguments: &str, view: &View<'_>) -> Answer {
    if arguments.eq_ignore_ascii_case("everything") {
        return Answer::say("This forgets everything that is stored about you.")
            .and(Action::Forget);
    }
    let contacts = view.roster.contacts().filter(|contact| !contact.address.is_control()).count();
    let say = speech!(
        "Stored about you are: whom on other networks you added or blocked and who asked to see you, \
         with what each may see ({}); what you set ({}); what you wrote and what has not arrived yet; \
         and what others wrote to you, until you get it. /export shows it all.\n\
         /forget everything forgets it, here and at every other gateway that keeps it. Nothing brings \
         it back; whom you blocked can write to you again; what you wrote and what has not arrived \
         yet will not arrive. What has arrived is its receivers', and your name stays in their lists \
         until they remove it.",
        contacts,
        view.roster.settings().len()
    );
    Answer::say(say)
}

/// Words for somebody who was forgotten.
pub fn forgotten(what: &Forgotten) -> Speech {
    let mut said = vec![Speech::from(
        "Forgotten: everybody on other networks whom you added, blocked or were asked by, what you \
         set, and what waited here.",
    )];
    if !what.taken_back.is_empty() {
        let mut texts: Vec<_> = what
            .taken_back
            .iter()
            .take(SHOWN)
            .map(|(name, texts)| speech!("{} to {}", *texts, Quoted::name(name)))
            .collect();
        if what.taken_back.len() > SHOWN {
            texts.push(speech!("and those to {} more", what.taken_back.len() - SHOWN));
        }
        let texts = Speech::join(&texts, ", ");
        said.push(speech!("Messages of yours that had not arrived and will not: {}.", texts));
    }
    match (what.elsewhere, what.away) {
        (0, _) => {}
        (all, 0) => said.push(speech!("Other gateways that kept it forget it too: {}.", all)),
        (all, away) => said.push(speech!(
            "Other gateways that kept it: {}. Of these {} cannot be reached now, and forget it as \
             soon as they can.",
            all,
            away
        )),
    }
    said.push(Speech::from(
        "What others keep is theirs: what you wrote to them, and your name in their lists until they \
         remove it. Of you only your name stays here, so that no old copy brings anything back.",
    ));
    Speech::join(&said, "\n")
}

/// Words for somebody of whom not everything could be forgotten.
pub fn forget_fails() -> Speech {
    "Your contacts and what you set are forgotten; but what programs of yours keep here could not be \
     forgotten, since the disk cannot be used. Please send /forget everything again later."
        .into()
}

/// Words before the link of a file in which everything is.
pub fn export_link() -> Speech {
    "Everything that is stored about you, as a file (JSON) that can be got once, within a day; send \
     /export 1 to have it in messages instead: "
        .into()
}

/// Words before a part of everything.
pub fn export_part(part: usize, parts: usize) -> Speech {
    let next = if part < parts {
        speech!(" /export {} sends the next part.", part + 1)
    } else {
        Speech::default()
    };
    speech!(
        "Everything that is stored about you, part {} of {}: each line is an object of JSON.{}",
        part,
        parts,
        next
    )
}

/// Words for somebody whose export cannot be made.
pub fn export_fails() -> Speech {
    "What is stored about you cannot be read at the moment. Please try again later.".into()
}

//! The table of commands: it drives parsing, /help and the documentation.

use std::iter;

use crosstalk_core::{
    Address, Consent, Contact, MAX_LABEL, NetworkId, RichText, RosterEdit, Standing,
};

use crate::naming::{closest, quote, resolve, spell};
use crate::{Action, Answer, View, words};

/// The group that a contact added by command stands in.
const GROUP: &str = "CrossTalk";

/// The most contacts that one answer shows.
const SHOWN: usize = 100;

/// One command.
pub struct Command {
    /// What is typed after the slash.
    pub name: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    pub(crate) run: fn(&str, &View<'_>) -> Answer,
}

/// Every command, in the order of /help.
pub static COMMANDS: &[Command] = &[
    Command { name: "help", arguments: "", help: "Shows this.", run: help },
    Command {
        name: "add",
        arguments: "NAME [alias]",
        help: "Adds somebody on another network, such as bob@yahoo, and asks to see when they are online.",
        run: add,
    },
    Command {
        name: "remove",
        arguments: "NAME",
        help: "Takes somebody off your list; neither of you sees the other any more.",
        run: remove,
    },
    Command {
        name: "list",
        arguments: "",
        help: "Shows your contacts on other networks and who waits for an answer.",
        run: list,
    },
    Command {
        name: "who",
        arguments: "[NAME]",
        help: "Shows who is online, or how one of them is.",
        run: who,
    },
    Command {
        name: "accept",
        arguments: "NAME",
        help: "Lets somebody see when you are online.",
        run: accept,
    },
    Command {
        name: "deny",
        arguments: "NAME",
        help: "Does not let somebody see when you are online.",
        run: deny,
    },
    Command {
        name: "block",
        arguments: "NAME",
        help: "Hears nothing from somebody and shows them nothing.",
        run: block,
    },
    Command { name: "unblock", arguments: "NAME", help: "Ends a block.", run: unblock },
];

/// What to say about a command that does not exist.
pub(crate) fn unknown(word: &str, name: &str) -> String {
    let word = quote(word);
    match closest(&quote(name), COMMANDS.iter().map(|c| c.name)) {
        Some(meant) => format!("There is no {word}. Did you mean /{meant}?"),
        None => format!("There is no {word}. Send /help to see the commands."),
    }
}

fn help(_: &str, view: &View<'_>) -> Answer {
    let networks: Vec<_> = view.names.networks().map(NetworkId::as_str).collect();
    let end = format!(
        "A name is written with its network at the end. The networks here are: {}.",
        networks.join(", ")
    );
    let lines = COMMANDS.iter().map(|c| {
        let space = if c.arguments.is_empty() { "" } else { " " };
        format!("/{}{space}{}: {}", c.name, c.arguments, c.help)
    });
    let all: Vec<_> =
        iter::once("This is what you can send me:".into()).chain(lines).chain([end]).collect();
    Answer::say(all.join("\n"))
}

fn add(arguments: &str, view: &View<'_>) -> Answer {
    let (name, alias) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    named("add", name, view, |address| {
        let known = view.roster.contact(&address);
        let spelling = spell(&address, view);
        if address == *view.user || address.is_control() {
            return Answer::say("You cannot add yourself or me.");
        }
        if !view.roster.has_room_for(&address) {
            return Answer::say("Your list is full. Take somebody off it with /remove first.");
        }
        let granted = known.is_some_and(|c| c.to == Standing::Granted);
        let say = if granted {
            format!("{spelling} is on your list.")
        } else {
            format!("Added {spelling}. You see when they are online as soon as they accept.")
        };
        let edit = RosterEdit::List {
            alias: label(alias).or_else(|| known.and_then(|c| c.alias.clone())),
            groups: known
                .map(|c| c.groups.clone())
                .filter(|groups| !groups.is_empty())
                .unwrap_or_else(|| vec![GROUP.into()]),
            spelling,
            address: address.clone(),
        };
        let answer = Answer::say(say).and(Action::Edit(edit));
        let request = Consent::Request(RichText::default());
        if granted { answer } else { answer.and(Action::Consent(address, request)) }
    })
}

fn remove(name: &str, view: &View<'_>) -> Answer {
    known("remove", name, view, |contact| {
        let remove = RosterEdit::Remove(contact.address.clone());
        Answer::say(format!("Removed {}.", contact.spelling)).and(Action::Edit(remove))
    })
}

fn list(_: &str, view: &View<'_>) -> Answer {
    let mut sections = Vec::new();
    let listed = view.roster.listed().filter(|c| !c.blocked && !c.address.is_control());
    let listed = listed.map(|c| line(c, view)).collect();
    section(&mut sections, "Your contacts on other networks:", listed);
    let asking = view
        .roster
        .contacts()
        .filter(|c| asks(c))
        .map(|c| format!("{0}: answer /accept {0} or /deny {0}", c.spelling));
    section(&mut sections, "They would like to see when you are online:", asking.collect());
    let blocked = view.roster.contacts().filter(|c| c.blocked && !c.address.is_control());
    let blocked = blocked.map(|c| c.spelling.clone());
    section(&mut sections, "Blocked:", blocked.collect());
    if sections.is_empty() {
        Answer::say("Your list is empty. Add somebody with /add NAME, such as /add bob@yahoo.")
    } else {
        Answer::say(sections.join("\n"))
    }
}

fn who(name: &str, view: &View<'_>) -> Answer {
    if !name.is_empty() {
        return known("who", name, view, |contact| Answer::say(line(contact, view)));
    }
    let online = |c: &&Contact| {
        !c.blocked && !c.address.is_control() && (view.presence)(&c.address).is_online()
    };
    let mut sections = Vec::new();
    let lines = view.roster.listed().filter(online).map(|c| line(c, view)).collect();
    section(&mut sections, "Online:", lines);
    Answer::say(sections.pop().unwrap_or_else(|| "None of your contacts is online.".into()))
}

fn accept(name: &str, view: &View<'_>) -> Answer {
    asking("accept", name, view, |contact| match contact.from {
        Standing::Granted => {
            Answer::say(format!("{} already sees when you are online.", contact.spelling))
        }
        Standing::None => Answer::say(format!("{} has not asked.", contact.spelling)),
        Standing::Asked(_) => {
            Answer::say(format!("{} now sees when you are online.", contact.spelling))
                .and(Action::Consent(contact.address.clone(), Consent::Grant))
        }
    })
}

fn deny(name: &str, view: &View<'_>) -> Answer {
    asking("deny", name, view, |contact| {
        let say = format!("{} does not see when you are online.", contact.spelling);
        match contact.from {
            Standing::None => Answer::say(say),
            _ => Answer::say(say).and(Action::Consent(contact.address.clone(), Consent::Revoke)),
        }
    })
}

fn block(name: &str, view: &View<'_>) -> Answer {
    named("block", name, view, |address| {
        if address.is_control() {
            return Answer::say("You cannot block me.");
        }
        Answer::say(format!("Blocked {}.", spell(&address, view)))
            .and(Action::Edit(RosterEdit::Block(address, true)))
    })
}

fn unblock(name: &str, view: &View<'_>) -> Answer {
    known("unblock", name, view, |contact| {
        if !contact.blocked {
            return Answer::say(format!("{} is not blocked.", contact.spelling));
        }
        let unblock = RosterEdit::Block(contact.address.clone(), false);
        Answer::say(format!("{} is no longer blocked.", contact.spelling))
            .and(Action::Edit(unblock))
    })
}

/// Goes on with whom `name` means.
fn named(
    command: &str,
    name: &str,
    view: &View<'_>,
    then: impl FnOnce(Address) -> Answer,
) -> Answer {
    if name.is_empty() {
        return Answer::say(format!("Whom? Write /{command} NAME, such as /{command} bob@yahoo."));
    }
    resolve(name, view).map_or_else(Answer::say, then)
}

/// Goes on with a contact of the person.
fn known(
    command: &str,
    name: &str,
    view: &View<'_>,
    then: impl FnOnce(&Contact) -> Answer,
) -> Answer {
    named(command, name, view, |address| match view.roster.contact(&address) {
        Some(contact) => then(contact),
        None => Answer::say(format!(
            "{} is not among your contacts. Send /list to see them.",
            view.names.universal(&address)
        )),
    })
}

/// Goes on with a contact of the person; without a name, with the only one that asks.
fn asking(
    command: &str,
    name: &str,
    view: &View<'_>,
    then: impl FnOnce(&Contact) -> Answer,
) -> Answer {
    let mut waiting = view.roster.contacts().filter(|c| asks(c));
    match (name, waiting.next(), waiting.next()) {
        ("", Some(only), None) => then(only),
        ("", None, _) => Answer::say("Nobody waits for an answer of yours."),
        _ => known(command, name, view, then),
    }
}

fn asks(contact: &Contact) -> bool {
    matches!(contact.from, Standing::Asked(_)) && !contact.blocked
}

/// One contact in one line.
fn line(contact: &Contact, view: &View<'_>) -> String {
    let alias = contact.alias.as_ref().map(|a| format!(" ({a})")).unwrap_or_default();
    let state = match contact.to {
        _ if contact.blocked => "blocked".into(),
        Standing::Granted => words::presence(&(view.presence)(&contact.address), view.now),
        Standing::Asked(_) => "has not answered yet".into(),
        Standing::None => "does not show you when they are online".into(),
    };
    format!("{}{alias}: {state}", contact.spelling)
}

fn section(sections: &mut Vec<String>, title: &str, mut lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("and {more} more; /who NAME shows one of them"));
    }
    sections.push(format!("{title}\n{}", lines.join("\n")));
}

fn label(alias: &str) -> Option<String> {
    let alias = alias.trim();
    let end = alias.floor_char_boundary(MAX_LABEL);
    Some(alias[..end].to_owned()).filter(|a| !a.is_empty())
}

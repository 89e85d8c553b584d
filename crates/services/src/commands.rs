//! The table of commands: it drives parsing, /help and the documentation.

use std::collections::HashMap;
use std::iter;

use crosstalk_core::{
    Address, Consent, Contact, MAX_LABEL, Origin, Quoted, RichText, RosterEdit, Subscription,
};

use crate::naming::{closest, name, networks, resolve, spell};
use crate::speech::{Speech, speech};
use crate::{Action, Answer, View, flow, person, records, status, words};

/// The group that a contact added by command stands in.
const GROUP: &str = "CrossTalk";

/// The most contacts that one answer shows.
const SHOWN: usize = 100;

/// The most of those who wait for an answer that one answer shows.
const SHOWN_ASKING: usize = 20;

/// One command.
pub struct Command {
    /// Command word, typed after the slash.
    pub name: &'static str,
    /// Arguments that follow it, as /help shows them.
    pub arguments: &'static str,
    /// Effect of the command, in a sentence.
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
    Command {
        name: "services",
        arguments: "",
        help: "Shows what you can ask others, and what others are told of you.",
        run: person::services,
    },
    Command {
        name: "set",
        arguments: "SERVICE VALUE",
        help: "Turns on what others may ask of you, such as /set location San Diego; with off it ends.",
        run: person::set,
    },
    Command {
        name: "follow",
        arguments: "[ACCOUNT]",
        help: "Has the posts of an account at Mastodon or Bluesky sent to you, or shows whom you follow.",
        run: status::follow_command,
    },
    Command { name: "unfollow", arguments: "ACCOUNT", help: "Ends that.", run: status::unfollow },
    Command {
        name: "privacy",
        arguments: "[SERVICE on/off [NAME]]",
        help: "Shows who is told what, or changes that for all or for one.",
        run: person::privacy,
    },
    Command {
        name: "translate",
        arguments: "[LANG/off [NAME]]",
        help: "Shows what somebody writes in your language too, as in /translate de bob@yahoo.",
        run: flow::translate,
    },
    Command {
        name: "flow",
        arguments: "[add NAME: NODES or remove NAME]",
        help: "Shows what texts to you run through, or changes it.",
        run: flow::flow,
    },
    Command {
        name: "export",
        arguments: "[PART]",
        help: "Sends you everything that is stored about you.",
        run: records::export,
    },
    Command {
        name: "forget",
        arguments: "[everything]",
        help: "Shows what is stored about you, and with everything forgets it all.",
        run: records::forget,
    },
];

/// Reply to a command that does not exist.
pub(crate) fn unknown(word: &str, name: &str) -> Speech {
    let word = Quoted::name(word);
    closest(Quoted::name(name).as_str(), COMMANDS.iter().map(|c| c.name)).map_or_else(
        || speech!("There is no {}. Send /help to see the commands.", word),
        |meant| speech!("There is no {}. Did you mean /{}?", word, meant),
    )
}

fn help(_: &str, view: &View<'_>) -> Answer {
    let end = speech!(
        "A name is written with its network at the end. The networks here are: {}.",
        networks(view.names)
    );
    let lines = COMMANDS.iter().map(|c| {
        let space = if c.arguments.is_empty() { "" } else { " " };
        speech!("/{}{}{}: {}", c.name, space, c.arguments, c.help)
    });
    let all: Vec<_> =
        iter::once("This is what you can send me:".into()).chain(lines).chain([end]).collect();
    Answer::say(Speech::join(&all, "\n"))
}

fn add(arguments: &str, view: &View<'_>) -> Answer {
    let (typed, alias) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    named("add", typed, view, |address| {
        let known = view.roster.contact(&address);
        if address == *view.user || address.is_control() {
            return Answer::say("You cannot add yourself or me.");
        }
        if !view.roster.has_room_for(&address) {
            return Answer::say("Your list is full. Take somebody off it with /remove first.");
        }
        let granted = known.is_some_and(|c| c.to == Subscription::Granted);
        let who = name(&address, view);
        let say = if granted {
            speech!("{} is on your list.", who)
        } else {
            speech!("Added {}. You see when they are online as soon as they accept.", who)
        };
        let edit = RosterEdit::List {
            alias: label(alias).or_else(|| known.and_then(|c| c.alias.clone())),
            groups: known
                .map(|c| c.groups.clone())
                .filter(|groups| !groups.is_empty())
                .unwrap_or_else(|| vec![GROUP.into()]),
            spelling: spell(&address, view),
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
        Answer::say(speech!("Removed {}.", shown(contact))).and(Action::Edit(remove))
    })
}

fn list(_: &str, view: &View<'_>) -> Answer {
    let mut sections = Vec::new();
    let listed = view.roster.listed().filter(|c| !c.blocked && !c.address.is_control());
    let listed = listed.map(|c| line(c, view)).collect();
    section(&mut sections, "Your contacts on other networks:", listed);
    sections.extend(waiting(view));
    let blocked = view.roster.contacts().filter(|c| c.blocked && !c.address.is_control());
    section(&mut sections, "Blocked:", blocked.map(|c| speech!("{}", shown(c))).collect());
    if sections.is_empty() {
        Answer::say("Your list is empty. Add somebody with /add NAME, such as /add bob@yahoo.")
    } else {
        Answer::say(Speech::join(&sections, "\n"))
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
        Subscription::Granted => {
            Answer::say(speech!("{} already sees when you are online.", shown(contact)))
        }
        Subscription::None => Answer::say(speech!("{} has not asked.", shown(contact))),
        Subscription::Asked(_) => {
            Answer::say(speech!("{} now sees when you are online.", shown(contact)))
                .and(Action::Consent(contact.address.clone(), Consent::Grant))
        }
    })
}

fn deny(name: &str, view: &View<'_>) -> Answer {
    asking("deny", name, view, |contact| {
        let say = speech!("{} does not see when you are online.", shown(contact));
        match contact.from {
            Subscription::None => Answer::say(say),
            _ => Answer::say(say).and(Action::Consent(contact.address.clone(), Consent::Revoke)),
        }
    })
}

fn block(typed: &str, view: &View<'_>) -> Answer {
    named("block", typed, view, |address| {
        if address.is_control() {
            return Answer::say("You cannot block me.");
        }
        Answer::say(speech!("Blocked {}.", name(&address, view)))
            .and(Action::Edit(RosterEdit::Block(address, true)))
    })
}

fn unblock(name: &str, view: &View<'_>) -> Answer {
    known("unblock", name, view, |contact| {
        if !contact.blocked {
            return Answer::say(speech!("{} is not blocked.", shown(contact)));
        }
        let unblock = RosterEdit::Block(contact.address.clone(), false);
        Answer::say(speech!("{} is no longer blocked.", shown(contact))).and(Action::Edit(unblock))
    })
}

/// List of those who wait for the person's answer: from each domain one, then from each another
/// one, so that many from one hide nobody from elsewhere.
fn waiting<'a>(view: &'a View<'_>) -> Option<Speech> {
    let mut of_origin: HashMap<Origin, usize> = HashMap::new();
    let turn = |contact: &'a Contact| {
        let nth = of_origin.entry(Origin::of(&contact.address)).or_default();
        *nth += 1;
        (*nth, contact)
    };
    let mut asking: Vec<(usize, &Contact)> =
        view.roster.contacts().filter(|c| asks(c)).map(turn).collect();
    asking.sort_by_key(|(turn, _)| *turn);
    let line = |(_, contact): &(usize, &Contact)| {
        let name = shown(contact);
        speech!("{}: answer /accept {} or /deny {}", name, name, name)
    };
    let mut lines: Vec<_> = asking.iter().take(SHOWN_ASKING).map(line).collect();
    if asking.len() > lines.len() {
        let more = asking.len() - lines.len();
        lines.push(speech!("and {} more, who are shown as these are answered", more));
    }
    let title = "Waiting for your answer, whether they may see when you are online:";
    (!lines.is_empty()).then(|| speech!("{}\n{}", title, Speech::join(&lines, "\n")))
}

/// Goes on with whom `name` means.
fn named(
    command: &'static str,
    name: &str,
    view: &View<'_>,
    then: impl FnOnce(Address) -> Answer,
) -> Answer {
    if name.is_empty() {
        let hint = speech!("Whom? Write /{} NAME, such as /{} bob@yahoo.", command, command);
        return Answer::say(hint);
    }
    resolve(name, view).map_or_else(Answer::say, then)
}

/// Goes on with a contact of the person.
fn known(
    command: &'static str,
    name: &str,
    view: &View<'_>,
    then: impl FnOnce(&Contact) -> Answer,
) -> Answer {
    named(command, name, view, |address| match view.roster.contact(&address) {
        Some(contact) => then(contact),
        None => Answer::say(speech!(
            "{} is not among your contacts. Send /list to see them.",
            crate::naming::name(&address, view)
        )),
    })
}

/// Goes on with a contact of the person; without a name, with the only one that asks.
fn asking(
    command: &'static str,
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
    matches!(contact.from, Subscription::Asked(_)) && !contact.blocked
}

/// One contact in one line.
fn line(contact: &Contact, view: &View<'_>) -> Speech {
    let alias = contact.alias.as_ref().map(|alias| speech!(" ({})", Quoted::alias(alias)));
    let state = match contact.to {
        _ if contact.blocked => "blocked".into(),
        Subscription::Granted => words::presence(&(view.presence)(&contact.address), view.now),
        Subscription::Asked(_) => "has not answered yet".into(),
        Subscription::None => "does not show you when they are online".into(),
    };
    speech!("{}{}: {}", shown(contact), alias.unwrap_or_default(), state)
}

/// A contact's name as it is shown, and understood when it is given back.
fn shown(contact: &Contact) -> Quoted {
    Quoted::name(&contact.spelling)
}

fn section(sections: &mut Vec<Speech>, title: &'static str, mut lines: Vec<Speech>) {
    if lines.is_empty() {
        return;
    }
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(speech!("and {} more; /who NAME shows one of them", more));
    }
    sections.push(speech!("{}\n{}", title, Speech::join(&lines, "\n")));
}

fn label(alias: &str) -> Option<String> {
    let alias = alias.trim();
    let end = alias.floor_char_boundary(MAX_LABEL);
    Some(alias[..end].to_owned()).filter(|a| !a.is_empty())
}

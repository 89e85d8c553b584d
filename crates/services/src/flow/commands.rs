//! Commands about flows: `/translate` and `/flow`.

use crosstalk_core::{Address, Quoted};

use super::language::Language;
use super::node::Node;
use super::typed::{self, no_language, no_translator};
use super::{BETWEEN, Flow, MAX_FLOWS, host, stored};
use crate::naming::{name, resolve};
use crate::speech::{Speech, speech};
use crate::{Action, Answer, View};

/// Reply to a text that a person says to `with`, where it is a command about what that one writes:
/// `/translate` with one word at most. What is more is said to the person it is typed to.
pub fn said_to(text: &str, with: &Address, view: &View<'_>) -> Option<Answer> {
    let mut words = text.trim().strip_prefix('/')?.split_whitespace();
    let is_it = words.next()?.eq_ignore_ascii_case("translate");
    let (said, rest) = (words.next(), words.next());
    if !is_it || rest.is_some() {
        return None;
    }
    let Answer { say, act } = match said {
        None => Answer::say(of_one(with, view)),
        Some(language) => set_translation(language, with, view),
    };
    Some(Answer { say: speech!("[CrossTalk /translate: {}]", say), act })
}

/// Shows or changes what is translated.
pub(crate) fn translate(arguments: &str, view: &View<'_>) -> Answer {
    let (language, whom) = first_word(arguments);
    if language.is_empty() {
        let all: Vec<_> = translations(view).collect();
        return Answer::say(if all.is_empty() {
            "Nothing is translated. Write /translate de bob@yahoo to read in German what bob@yahoo \
             writes, or /translate de to somebody in the conversation."
                .into()
        } else {
            Speech::join(&all, "\n")
        });
    }
    if !whom.is_empty() {
        return match resolve(whom, view) {
            Err(why) => Answer::say(why),
            Ok(whom) => set_translation(language, &whom, view),
        };
    }
    if !language.eq_ignore_ascii_case("off") {
        let hint = "Whose texts? Write a name behind it, as in /translate de bob@yahoo.";
        return Answer::say(hint);
    }
    let settings = stored::without_translations(view.roster.settings());
    Answer::say("Nothing is translated any more.").and(Action::Settings(settings))
}

fn set_translation(language: &str, of: &Address, view: &View<'_>) -> Answer {
    let settings = view.roster.settings();
    let who = name(of, view);
    if language.eq_ignore_ascii_case("off") {
        let say = speech!("what {} writes is not translated any more", who);
        return changed(stored::with_translation(settings, of, None), say);
    }
    if view.offers.flows.translator.is_none() {
        return Answer::say(no_translator());
    }
    if *of == *view.user || of.is_control() {
        return Answer::say("Only what others write is translated.");
    }
    let Some(language) = Language::read(language) else { return Answer::say(no_language()) };
    let code = Quoted::name(language.code());
    let say = speech!(
        "what {} writes is shown in {} too. The translator reads it; /translate off {} ends that",
        who,
        code,
        who
    );
    changed(stored::with_translation(settings, of, Some(&language)), say)
}

/// Shows or changes the person's flows.
pub(crate) fn flow(arguments: &str, view: &View<'_>) -> Answer {
    let (verb, rest) = first_word(arguments);
    match verb.to_lowercase().as_str() {
        "" => {
            let lines = [states(view), vec![HOW.into()]].concat();
            Answer::say(Speech::join(&lines, "\n"))
        }
        "add" => add(rest, view),
        "remove" => remove(rest, view),
        _ => Answer::say(HOW),
    }
}

const HOW: &str = "Write /flow add NAME: NODE | NODE, such as \
    /flow add work: from bob@yahoo | filter urgent | forward me@jabber, or /flow remove NAME.";

fn add(typed: &str, view: &View<'_>) -> Answer {
    let Some((title, nodes)) = typed.split_once(':') else { return Answer::say(HOW) };
    let title = title.trim().to_lowercase();
    if !stored::is_name(&title) {
        return Answer::say(
            "Name the flow with up to 24 letters a to z, digits and hyphens, and a colon behind.",
        );
    }
    let settings = view.roster.settings();
    let others = stored::flows(settings).filter(|flow| flow.name != title).count();
    if others >= MAX_FLOWS {
        return Answer::say(speech!(
            "You have {} flows, and no more fit. Remove one with /flow remove NAME.",
            others
        ));
    }
    let nodes = match typed::nodes(nodes, view) {
        Ok(nodes) => nodes,
        Err(why) => return Answer::say(why),
    };
    let secrets: Vec<_> = nodes.iter().filter_map(secret).collect();
    let settings = stored::with_flow(settings, &title, Some(&nodes));
    let flow = Flow { name: title, nodes };
    let mut say = speech!("Set. Every text to you now runs through {}", line(&flow, view));
    for secret in secrets {
        say = speech!(
            "{}\nWhat is sent to the webhook is signed with {}, which is not shown again.",
            say,
            secret
        );
    }
    changed(settings, say)
}

/// The secret of a webhook.
fn secret(node: &Node) -> Option<Quoted> {
    match node {
        Node::Webhook { secret, .. } => Some(Quoted::name(secret.expose())),
        _ => None,
    }
}

fn remove(typed: &str, view: &View<'_>) -> Answer {
    let title = typed.trim().trim_end_matches(':').to_lowercase();
    let settings = view.roster.settings();
    if !stored::flows(settings).any(|flow| flow.name == title) {
        return Answer::say(speech!(
            "There is no flow {}. /flow shows yours.",
            Quoted::name(&title)
        ));
    }
    let say = speech!("Removed {}.", Quoted::name(&title));
    changed(stored::with_flow(settings, &title, None), say)
}

/// Note in a conversation whose texts are to be forwarded to `name`, and were not.
pub fn not_forwarded(name: &str) -> Speech {
    speech!(
        "[CrossTalk /flow: not forwarded to {}, where it is too much, or one of you no longer sees \
         the other.]",
        Quoted::name(name)
    )
}

/// The flows and translations of a person, one a line.
pub(crate) fn states(view: &View<'_>) -> Vec<Speech> {
    let own = stored::flows(view.roster.settings()).map(|flow| line(&flow, view));
    let mut lines: Vec<_> = translations(view).chain(own).collect();
    if lines.is_empty() {
        lines.push("Texts to you run through no flows of yours.".into());
    } else {
        lines.insert(0, "Texts to you run through:".into());
    }
    // What an operator has done with everybody's texts is said to them.
    let everybody = view.offers.flows.everybody.iter();
    let everybody = everybody.filter_map(|flow| stored::Line::of_everybody(flow.expose()));
    lines.extend(everybody.map(|flow| speech!("Set by the operator: {}", line(&flow, view))));
    lines
}

fn translations<'a>(view: &'a View<'_>) -> impl Iterator<Item = Speech> + 'a {
    stored::translations(view.roster.settings()).map(|(of, language)| {
        speech!("translate {}: what {} writes", Quoted::name(language.code()), name(&of, view))
    })
}

fn of_one(of: &Address, view: &View<'_>) -> Speech {
    let found = stored::translations(view.roster.settings()).find(|(who, _)| who == of);
    let Some((_, language)) = found else {
        return speech!(
            "what {} writes is not translated; /translate and the code of a language, such as de, \
             begins that",
            name(of, view)
        );
    };
    let language = Quoted::name(language.code());
    speech!("what {} writes is shown in {} too; /translate off ends that", name(of, view), language)
}

/// A flow in a line, without its secrets.
fn line(flow: &Flow, view: &View<'_>) -> Speech {
    let nodes: Vec<_> = flow.nodes.iter().map(|node| shown(node, view)).collect();
    speech!("{}: {}", Quoted::name(&flow.name), Speech::join(&nodes, BETWEEN))
}

fn shown(node: &Node, view: &View<'_>) -> Speech {
    match node {
        Node::From(who) => speech!("from {}", name(who, view)),
        Node::Filter(words) => speech!("filter {}", Quoted::words(words.expose())),
        Node::Translate(language) => speech!("translate {}", Quoted::name(language.code())),
        Node::Webhook { url, .. } => speech!("webhook {}", Quoted::words(host(url.expose()))),
        Node::Archive(format) => speech!("archive {}", format.name()),
        Node::Forward(to) => speech!("forward {}", name(to, view)),
        Node::AwayAnswer(words) => speech!("away-answer {}", Quoted::words(words.expose())),
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

fn changed(settings: Result<Vec<String>, Speech>, say: Speech) -> Answer {
    match settings {
        Ok(settings) => Answer::say(say).and(Action::Settings(settings)),
        Err(why) => Answer::say(why),
    }
}

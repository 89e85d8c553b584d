//! Commands about services: which there are, what is set, and who is told.

use crosstalk_core::Quoted;

use super::sharing::Sharing;
use super::{PersonService, SERVICES, by_name};
use crate::naming::{name, resolve};
use crate::speech::{Speech, speech};
use crate::{Action, Answer, View, flow, status};

/// Says which services there are, and what is set.
pub(crate) fn services(_: &str, view: &View<'_>) -> Answer {
    let mut lines: Vec<Speech> = vec!["Said to somebody on another network:".into()];
    lines.extend(SERVICES.iter().map(|s| speech!("/{}: {}", s.name, s.help)));
    lines.push("Of yourself others are told:".into());
    lines.extend(SERVICES.iter().map(|service| state(service, view)));
    lines.extend(flow::states(view));
    lines.extend(status::states(view));
    if let Some(credit) = &view.offers.locations {
        lines.push(speech!("Where addresses are: {}", Quoted::words(credit)));
    }
    lines.push("Change it with /set, /translate and /flow, and who is told with /privacy.".into());
    Answer::say(Speech::join(&lines, "\n"))
}

/// Sets what others are told, or says what can be set.
pub(crate) fn set(arguments: &str, view: &View<'_>) -> Answer {
    let (typed, said) = first_word(arguments);
    if let Some(answer) = status::set(typed, said, view) {
        return answer;
    }
    let service = match named(typed) {
        Ok(service) => service,
        Err(answer) => return answer,
    };
    let sharing = Sharing::of(service.name, view.roster.settings());
    if said.eq_ignore_ascii_case("off") {
        return stored(
            sharing.with_value(None),
            speech!("Nobody is told your {} any more.", service.name),
        );
    }
    if said.is_empty() {
        let can = speech!("You can set it to {}.", service.values);
        return Answer::say(speech!("{}\n{}", state(service, view), can));
    }
    match (service.set)(said, view.offers) {
        Err(why) => Answer::say(why),
        Ok(value) => stored(
            sharing.with_value(Some(&value)),
            speech!(
                "Those who may see when you are online are told your {} when they send you /{}. \
                 /set {} off ends that, and /privacy says who is told.",
                service.name,
                service.name,
                service.name
            ),
        ),
    }
}

/// Says who is told what, or changes that for all or for one.
pub(crate) fn privacy(arguments: &str, view: &View<'_>) -> Answer {
    if arguments.is_empty() {
        let services = SERVICES.iter().map(|service| state(service, view));
        let lines: Vec<_> = services.chain(status::states(view)).collect();
        return Answer::say(Speech::join(&lines, "\n"));
    }
    let (typed, rest) = first_word(arguments);
    // All that is left is the name: a person's own for somebody may have blanks.
    let (switch, whom) = first_word(rest);
    let service = match named(typed) {
        Ok(service) => service,
        Err(answer) => return answer,
    };
    let is_told = match switch.to_lowercase().as_str() {
        "on" => true,
        "off" => false,
        _ => {
            return Answer::say(speech!(
                "Write /privacy {} on or off, and the name of whom it is about unless it is all.",
                service.name
            ));
        }
    };
    let sharing = Sharing::of(service.name, view.roster.settings());
    let verb = if is_told { "is told" } else { "is not told" };
    if whom.is_empty() {
        let say = speech!("Whoever you did not name {} your {}.", verb, service.name);
        return stored(sharing.with_exception(None, is_told), say);
    }
    match resolve(whom, view) {
        Err(why) => Answer::say(why),
        Ok(whom) => {
            let say = speech!("{} {} your {}.", name(&whom, view), verb, service.name);
            stored(sharing.with_exception(Some(&whom), is_told), say)
        }
    }
}

/// Whether a command may have a token in it.
pub fn hides(command: &str) -> bool {
    let command = command.trim();
    let mut words = command.strip_prefix('/').unwrap_or(command).split_whitespace();
    let is_set = words.next().is_some_and(|word| word.eq_ignore_ascii_case("set"));
    let service = words.next().unwrap_or_default().trim_start_matches('/').to_lowercase();
    // Also where a site is misspelt.
    is_set && SERVICES.iter().all(|known| known.name != service)
}

/// The first word, and what follows it.
fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

fn stored(settings: Result<Vec<String>, Speech>, say: Speech) -> Answer {
    match settings {
        Ok(settings) => Answer::say(say).and(Action::Settings(settings)),
        Err(why) => Answer::say(why),
    }
}

fn named(typed: &str) -> Result<&'static PersonService, Answer> {
    let service = by_name(&typed.trim_start_matches('/').to_lowercase());
    service.ok_or_else(|| {
        let all: Vec<_> = SERVICES.iter().map(|service| speech!("{}", service.name)).collect();
        let all = Speech::join(&all, ", ");
        Answer::say(if typed.is_empty() {
            speech!("Which of these: {}?", all)
        } else {
            speech!("There is no {}. There are: {}.", Quoted::name(typed), all)
        })
    })
}

/// What others are told of one service, in a line.
fn state(service: &PersonService, view: &View<'_>) -> Speech {
    let sharing = Sharing::of(service.name, view.roster.settings());
    let Some(value) = sharing.value() else {
        return speech!("{}: off, nobody is told", service.name);
    };
    let all = if sharing.is_with_all() {
        "told to who may see when you are online"
    } else {
        "told to nobody you did not name"
    };
    let mut line = speech!("{}: {}, {}", service.name, Quoted::words(value), all);
    for (whom, is_told) in sharing.exceptions() {
        let but = if is_told { "to" } else { "not to" };
        line = speech!("{}, {} {}", line, but, name(&whom, view));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_may_hold_a_token_is_hidden() {
        for command in ["/set mastodon https://a.test t", " SET  /x token", "/set mastdon h token"]
        {
            assert!(hides(command), "{command}");
        }
        for command in ["/set location Rome", "/set music lastfm rj", "/settle", "hello", "/who"] {
            assert!(!hides(command), "{command}");
        }
    }
}

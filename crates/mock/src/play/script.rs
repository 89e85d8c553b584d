//! Translation from the words of a play to those of a client.

use std::sync::Arc;

use crosstalk_core::{Address, Names, RichText};

use super::grammar::{Part, Play};
use super::lines::Does;
use super::person;
use crate::{Act, Network, by_id};

/// Name of the control contact in plays.
const CONTROL: &str = "crosstalk";

/// Spelling of names by one of the cast.
pub(super) struct Spelling<'a> {
    pub(super) play: &'a Play,
    pub(super) names: Arc<Names>,
    /// The writer.
    pub(super) of: &'a Part,
}

impl Spelling<'_> {
    /// `whom`, who is one of the cast, the control contact or an address.
    pub(super) fn name(&self, whom: &str) -> Result<String, String> {
        let network = network(self.play, self.of)?;
        let address = match self.play.part(whom) {
            _ if whom == CONTROL => Address::control(),
            Ok(part) if part.network == self.of.network => return Ok(network.local(&part.account)),
            Ok(part) => address(self.play, &self.names, part)?,
            Err(not_cast) => whom.parse().map_err(|_| not_cast)?,
        };
        Ok(network.spell(&self.names, &address))
    }

    /// `whom` so that spellings that mean the same are equal.
    pub(super) fn key(&self, whom: &str) -> Result<String, String> {
        Ok(person::key(&self.names, &self.name(whom)?))
    }

    /// `text` with the names in braces spelled out.
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, (whom, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            expanded.push_str(before);
            expanded.push_str(&self.name(whom)?);
            rest = after;
        }
        Ok(expanded + rest)
    }

    /// Whether `whom` is on another network.
    pub(super) fn is_foreign(&self, whom: &str) -> bool {
        self.play.part(whom).map_or(true, |part| part.network != self.of.network)
    }
}

/// Network that one of the cast uses.
pub(super) fn network(play: &Play, part: &Part) -> Result<&'static dyn Network, String> {
    by_id(play.protocol(&part.network)).ok_or_else(|| "there is no such network".into())
}

/// The address of one of the cast.
pub(super) fn address(play: &Play, names: &Names, part: &Part) -> Result<Address, String> {
    let network = network(play, part)?;
    let id = part.network.parse().map_err(|_| "a network is not called that")?;
    names.address(&network.local(&part.account), &id).map_err(|e| format!("{}: {e}", part.name))
}

/// Act of a client for `does`; none where the line only watches.
pub(super) fn act(does: &Does, spelling: &Spelling<'_>) -> Result<Option<Act>, String> {
    let name = |whom: &String| spelling.name(whom);
    Ok(Some(match does {
        Does::SignOff => Act::SignOff,
        Does::Add(whom) => Act::Add(name(whom)?),
        Does::Remove(whom) => Act::Remove(name(whom)?),
        Does::Accept(whom) => Act::Accept(name(whom)?),
        Does::Deny(whom) => Act::Deny(name(whom)?),
        Does::Block(whom) => Act::Block(name(whom)?),
        Does::Unblock(whom) => Act::Unblock(name(whom)?),
        Does::Say { to, text, style } => {
            let mut said = RichText::default();
            said.push(&spelling.text(text)?, style.as_slice());
            Act::Say { to: name(to)?, text: said }
        }
        Does::Nudge(whom) => Act::Nudge(name(whom)?),
        Does::Invite(whom) => Act::Invite(name(whom)?),
        Does::Type { to, typing } => Act::Type { to: name(to)?, typing: *typing },
        Does::GoAway(text) => Act::Away(text.clone()),
        Does::ComeBack => Act::Back,
        Does::GoIdle(time) => Act::Idle(*time),
        Does::Invisible(invisible) => Act::Invisible(*invisible),
        _ => return Ok(None),
    }))
}

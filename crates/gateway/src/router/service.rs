//! Replies of the control contact, for accounts.

use std::sync::Arc;

use crosstalk_core::{Address, Envelope, Failure, Question, RichText};
use crosstalk_router::{Action, Full, RecordsRequest, Reply, Service, View};
use crosstalk_services as services;

use crate::sources::Sources;

/// The commands and words of [`crosstalk_services`].
pub(super) struct ControlService(pub(super) Arc<Sources>);

impl ControlService {
    /// A view as services have it.
    fn seen<'a>(&'a self, view: &View<'a>) -> services::View<'a> {
        let View { user, names, roster, presence, now } = *view;
        services::View { user, names, roster, presence, offers: self.0.offers(), now }
    }
}

impl Service for ControlService {
    fn answer(&self, text: &str, view: &View<'_>) -> Reply {
        reply(services::answer(text, &self.seen(view)))
    }

    fn in_words(&self, envelope: &Envelope, name: &str) -> Vec<RichText> {
        services::in_words(envelope, name).into_iter().map(RichText::from).collect()
    }

    fn kept(&self, name: &str, is_there: bool) -> RichText {
        let words = if is_there { services::delayed(name) } else { services::kept(name) };
        words.into()
    }

    fn not_changed(&self, full: Full) -> RichText {
        let words = match full {
            Full::Domain => services::domain_is_full(),
            Full::Disk => services::disk_is_full(),
        };
        words.into()
    }

    fn question(&self, text: &str) -> Option<Question> {
        services::question(text)
    }

    fn shares(
        &self,
        question: &Question,
        by: &Address,
        settings: &[String],
    ) -> Result<Box<str>, Failure> {
        services::shares(question, by, settings)
    }

    fn said_to(&self, text: &str, with: &Address, view: &View<'_>) -> Option<Reply> {
        services::said_to(text, with, &self.seen(view)).map(reply)
    }

    fn flow(&self, envelope: &Envelope, settings: &[String]) -> Option<Vec<String>> {
        services::flows_of(envelope, settings, self.0.offers())
    }

    fn not_forwarded(&self, name: &str) -> RichText {
        services::not_forwarded(name).into()
    }

    fn unanswered(&self, question: &Question, name: &str, why: Failure) -> RichText {
        services::unanswered(question, name, why).into()
    }

    fn looks_outward(&self, settings: &[String]) -> bool {
        services::status::looks_outward(settings)
    }

    fn hides(&self, command: &str) -> bool {
        services::hides(command)
    }
}

/// An answer as accounts take it.
fn reply(answer: services::Answer) -> Reply {
    let act = answer.act.into_iter().map(|action| match action {
        services::Action::Edit(edit) => Action::Edit(edit),
        services::Action::Consent(to, step) => Action::Consent(to, step),
        services::Action::Settings(settings) => Action::Settings(settings),
        services::Action::Export(part) => Action::Records(RecordsRequest::Export { part }),
        services::Action::Forget => Action::Records(RecordsRequest::Forget),
        services::Action::Errand { about, words } => Action::Errand { about, words },
        services::Action::Dismiss(about) => Action::Dismiss(about),
    });
    Reply { say: answer.say.into(), act: act.collect() }
}

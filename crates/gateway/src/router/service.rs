//! Replies of the control contact, for accounts.

use std::sync::Arc;

use crosstalk_core::{Address, Envelope, Failure, Question, RichText};
use crosstalk_router::{Action, Full, Reply, Service, View};
use crosstalk_services as services;

use crate::sources::Sources;

/// The commands and words of [`crosstalk_services`].
pub(super) struct ControlService(pub(super) Arc<Sources>);

impl Service for ControlService {
    fn answer(&self, text: &str, view: &View<'_>) -> Reply {
        let View { user, names, roster, presence, now } = *view;
        let offers = self.0.offers();
        let view = services::View { user, names, roster, presence, offers, now };
        let answer = services::answer(text, &view);
        let act = answer.act.into_iter().map(|action| match action {
            services::Action::Edit(edit) => Action::Edit(edit),
            services::Action::Consent(to, step) => Action::Consent(to, step),
            services::Action::Settings(settings) => Action::Settings(settings),
        });
        Reply { say: answer.say.into(), act: act.collect() }
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

    fn unanswered(&self, question: &Question, name: &str, why: Failure) -> RichText {
        services::unanswered(question, name, why).into()
    }
}

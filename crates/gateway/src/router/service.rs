//! Replies of the control contact, for accounts.

use crosstalk_core::{Envelope, RichText};
use crosstalk_router::{Action, Full, Reply, Service, View};
use crosstalk_services as services;

/// The commands and words of [`crosstalk_services`].
pub(super) struct ControlService;

impl Service for ControlService {
    fn answer(&self, text: &str, view: &View<'_>) -> Reply {
        let View { user, names, roster, presence, now } = *view;
        let answer = services::answer(text, &services::View { user, names, roster, presence, now });
        let act = answer.act.into_iter().map(|action| match action {
            services::Action::Edit(edit) => Action::Edit(edit),
            services::Action::Consent(to, step) => Action::Consent(to, step),
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
}

//! Everything that is stored about a person: told, or forgotten, when the person says so.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, RichText, Stamp, Style};
use crosstalk_overlay::{Records, Wiped};
use crosstalk_router::RecordsRequest;
use crosstalk_services as services;
use tokio::time::sleep;

use super::RouterState;

/// Longest time that a change is waited for which is being saved.
const SAVING: Duration = Duration::from_secs(2);

/// Something under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A part of the gateway beside the router that keeps something of people.
pub trait Keeper: Send + Sync {
    /// Forgets what is kept of `who`. Returns whether it is forgotten.
    fn forget<'a>(&'a self, who: &'a Address) -> Doing<'a, bool>;

    /// Writes down everything that is stored about `who`: `records`, and what is kept here. With a
    /// number in messages, of which it is this part, the first being 1.
    fn export<'a>(
        &'a self,
        who: &'a Address,
        records: Records,
        part: Option<usize>,
    ) -> Doing<'a, Option<Exported>>;
}

/// Everything that is stored about somebody, written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// At this address, once.
    Link(String),
    /// In messages.
    Part {
        /// The messages of this part.
        messages: Vec<String>,
        /// Which part it is, and of how many.
        part: usize,
        /// Number of parts.
        parts: usize,
    },
}

impl RouterState {
    /// Does what somebody wants about everything that is stored. Returns what to say of it.
    pub(super) async fn records(
        self: &Arc<Self>,
        who: &Address,
        request: RecordsRequest,
        newest: Stamp,
    ) -> Vec<RichText> {
        match request {
            RecordsRequest::Export { part } => self.export(who, part, newest).await,
            RecordsRequest::Forget => {
                let wiped = self.overlay.wipe_after(who, newest).await;
                let is_kept_by_none = match self.keeper.get() {
                    Some(keeper) => keeper.forget(who).await,
                    None => true,
                };
                let is_in_no_archive = self.sources.forget(who).await;
                let said = if is_kept_by_none && is_in_no_archive {
                    services::forgotten(&self.in_numbers(wiped))
                } else {
                    services::forget_fails()
                };
                vec![said.into()]
            }
        }
    }

    async fn export(&self, who: &Address, part: Option<usize>, newest: Stamp) -> Vec<RichText> {
        let records = self.stored(who, newest).await;
        let exported = match self.keeper.get() {
            Some(keeper) => keeper.export(who, records, part).await,
            None => None,
        };
        match exported {
            None => vec![services::export_fails().into()],
            Some(Exported::Link(link)) => {
                let mut text = RichText::from(services::export_link());
                text.push(&link, [&Style::Link(link.clone())]);
                vec![text]
            }
            Some(Exported::Part { messages, part, parts }) => {
                let first = services::export_part(part, parts).into();
                std::iter::once(first).chain(messages.into_iter().map(RichText::plain)).collect()
            }
        }
    }

    /// Everything that is stored. A change that was made a moment ago is saved behind its answer: it
    /// is waited for, but not where the disk does not follow.
    async fn stored(&self, who: &Address, newest: Stamp) -> Records {
        let begun = Instant::now();
        loop {
            let records = self.overlay.records(who).await;
            if records.roster.stamp() >= newest || begun.elapsed() >= SAVING {
                return records;
            }
            sleep(SAVING / 100).await;
        }
    }

    fn in_numbers(&self, Wiped { taken_back, homes }: Wiped) -> services::Forgotten {
        let names = &self.settings.names;
        let others = || homes.iter().filter(|home| home.id != self.here);
        services::Forgotten {
            taken_back: taken_back.into_iter().map(|(to, n)| (names.universal(&to), n)).collect(),
            elsewhere: others().count(),
            away: others().filter(|home| !home.is_reached).count(),
        }
    }
}

//! State of the client, and the events it shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use msnp11_sdk::{Event, MsnpList, MsnpStatus};
use serde_json::json;
use tokio::sync::{Notify, watch};

use crate::emit;
use crate::talks::Talk;

/// State of the client.
#[derive(Default)]
pub(crate) struct Known {
    notes: Mutex<Notes>,
    /// Somebody came to a conversation.
    pub(crate) joined: Notify,
    /// Whether the client is signed on.
    pub(crate) online: watch::Sender<bool>,
}

#[derive(Default)]
pub(crate) struct Notes {
    /// The buddies and their GUIDs.
    buddies: BTreeMap<String, String>,
    /// The status and the personal message of each.
    presences: BTreeMap<String, (&'static str, String)>,
    pub(crate) talks: BTreeMap<String, Arc<Talk>>,
    /// Number of sign-ons of the client so far.
    turn: u64,
}

impl Known {
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew. Returns the count of sign-ons.
    pub(crate) fn forget(&self) -> u64 {
        let mut notes = self.notes();
        *notes = Notes { turn: notes.turn + 1, ..Notes::default() };
        notes.turn
    }

    /// Whether that sign-on is the last.
    pub(crate) fn is_at(&self, turn: u64) -> bool {
        self.notes().turn == turn
    }

    /// Resolves when the client is not signed on.
    pub(crate) async fn is_offline(&self) {
        let _ = self.online.subscribe().wait_for(|online| !online).await;
    }

    pub(crate) fn guid(&self, name: &str) -> Option<String> {
        self.notes().buddies.get(name).cloned()
    }

    pub(crate) fn remove(&self, name: &str) {
        self.notes().buddies.remove(name);
    }

    /// Tells the whole buddy list.
    pub(crate) fn list(&self) {
        for name in self.notes().buddies.keys() {
            emit(&json!({ "event": "listed", "name": name }));
        }
        emit(&json!({ "event": "list-end" }));
    }

    /// Takes in what the notification server said.
    pub(crate) fn shows(self: &Arc<Self>, event: Event) {
        match event {
            Event::ContactInForwardList { email, guid, .. } => {
                self.notes().buddies.insert(email, guid);
            }
            Event::Contact { lists, .. } if lists != [MsnpList::ReverseList] => {}
            Event::Contact { email, .. } | Event::AddedBy { email, .. } => {
                emit(&json!({ "event": "request", "name": email }));
            }
            Event::RemovedBy(email) => emit(&json!({ "event": "removed", "name": email })),
            Event::InitialPresenceUpdate { email, presence, .. }
            | Event::PresenceUpdate { email, presence, .. } => {
                self.notes().presences.entry(email.clone()).or_default().0 = word(&presence.status);
                self.tell(&email);
            }
            Event::PersonalMessageUpdate { email, personal_message } => {
                self.notes().presences.entry(email.clone()).or_default().1 = personal_message.psm;
                self.tell(&email);
            }
            Event::ContactOffline { email } => {
                self.notes().presences.remove(&email);
                emit(&json!({ "event": "buddy", "name": email, "online": "no" }));
            }
            Event::SessionAnswered(board) => drop(Talk::begin(self, board)),
            Event::LoggedInAnotherDevice | Event::Disconnected => {
                self.online.send_replace(false);
                emit(&json!({ "event": "disconnected" }));
            }
            _ => {}
        }
    }

    fn tell(&self, name: &str) {
        if let Some((show, status)) = self.notes().presences.get(name).filter(|p| !p.0.is_empty()) {
            emit(&json!({
                "event": "buddy", "name": name, "online": "yes", "show": show, "status": status,
            }));
        }
    }
}

/// A status in the words of the other drivers.
const fn word(status: &MsnpStatus) -> &'static str {
    match status {
        MsnpStatus::Online => "available",
        MsnpStatus::Busy | MsnpStatus::OnThePhone => "busy",
        MsnpStatus::Idle => "idle",
        MsnpStatus::Away | MsnpStatus::OutToLunch | MsnpStatus::BeRightBack => "away",
        MsnpStatus::AppearOffline => "offline",
    }
}

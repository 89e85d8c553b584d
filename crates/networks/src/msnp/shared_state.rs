//! State that the connections of one person share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crosstalk_core::ConnectionId;

use super::account_messages::ToNotification;
use super::context::Cx;
use super::foreign_list::ForeignList;

/// The state of one person, shared by the notification connection and its switchboards.
#[derive(Clone)]
pub(super) struct SharedState {
    state: Arc<Mutex<AccountState>>,
    /// The notification connection.
    notification: ConnectionId,
}

/// Shared state of one person's connections.
#[derive(Default)]
pub(super) struct AccountState {
    /// The whole list, also for the address book.
    pub(super) book: ForeignList,
}

/// A state that may be gone.
pub(super) struct WeakState {
    state: Weak<Mutex<AccountState>>,
    notification: ConnectionId,
}

impl WeakState {
    pub(super) fn is_there(&self) -> bool {
        self.state.strong_count() > 0
    }

    pub(super) fn upgrade(&self) -> Option<SharedState> {
        Some(SharedState { state: self.state.upgrade()?, notification: self.notification })
    }
}

impl SharedState {
    /// An empty state, of this notification connection.
    pub(super) fn new(notification: ConnectionId) -> Self {
        Self { state: Arc::default(), notification }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, AccountState> {
        // A panic elsewhere cannot leave the maps half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn downgrade(&self) -> WeakState {
        WeakState { state: Arc::downgrade(&self.state), notification: self.notification }
    }

    /// Tells the notification connection that something changed. One that has left needs to know
    /// of nothing.
    pub(super) fn wake(&self, cx: &mut Cx<'_>) {
        ToNotification::Changed.tell(self.notification, cx);
    }
}

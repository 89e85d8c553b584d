//! Texts on their way through nodes, for accounts.

use std::sync::Arc;

use crosstalk_core::{Address, Envelope};
use crosstalk_router::{FlowAction, Input, Outcome, Record, Ticket};
use crosstalk_services as services;

use super::RouterState;
use super::accounts::Answer;
use super::eager::Eager;

/// A text that is to run through nodes.
pub(super) struct Flow {
    pub(super) ticket: Ticket,
    pub(super) envelope: Envelope,
    pub(super) lines: Vec<String>,
}

impl RouterState {
    /// Has a text run through its nodes; one whose nodes call nobody has done so at once.
    pub(super) fn flow(self: &Arc<Self>, flow: Flow) -> Eager<Input<Answer>> {
        let sources = Arc::clone(&self.sources);
        Eager::new(async move {
            let services::Outcome { shown, trouble, actions } =
                sources.run(flow.envelope, &flow.lines).await;
            let actions = actions.into_iter().map(action).collect();
            Input::Flowed(flow.ticket, Outcome { shown, trouble, actions })
        })
    }

    /// Writes a text to somebody's archive.
    pub(super) fn archive(&self, owner: &Address, record: Record) {
        let Record { kind, lines } = record;
        if let Some(format) = services::Format::of(kind) {
            self.sources.archive(owner, services::Record { format, lines });
        }
    }
}

fn action(action: services::FlowAction) -> FlowAction {
    match action {
        services::FlowAction::Forward(to, text) => FlowAction::Forward(to, text),
        services::FlowAction::AwayAnswer(text) => FlowAction::AwayAnswer(text),
        services::FlowAction::Archive(services::Record { format, lines }) => {
            FlowAction::Archive(Record { kind: format.name(), lines })
        }
    }
}

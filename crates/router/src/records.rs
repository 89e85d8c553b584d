//! Everything that is stored about the person: told, or forgotten, when the person says so.

use crosstalk_core::{RichText, Roster};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::ids::{SessionId, Ticket};
use crate::pending::InFlight;

/// Request of a person about everything that is stored about that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordsRequest {
    /// It is to be told: in messages, of which it is this part, or as suits the gateway.
    Export {
        /// Which part, the first being 1.
        part: Option<usize>,
    },
    /// It is to be forgotten, at every gateway.
    Forget,
}

impl<A> Account<A> {
    /// Has the driver do it, for a session of the person.
    pub(crate) fn request_records(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        request: RecordsRequest,
    ) {
        if request == RecordsRequest::Forget {
            // What ends later would make a file again that is forgotten.
            self.forgo_actions();
        }
        let ticket = cx.ticket();
        if request == RecordsRequest::Forget {
            self.outward.errands = None;
        }
        let newest = self.roster.as_ref().map(Roster::stamp).unwrap_or_default();
        cx.push(Effect::Records { ticket, request, newest });
        self.pending().in_flight.push((ticket, InFlight::Records(session)));
    }

    /// Has the control contact say what came of it.
    pub(crate) fn told_records(&mut self, cx: &mut Cx<'_, A>, ticket: Ticket, say: Vec<RichText>) {
        let Some(InFlight::Records(session)) = self.landed(ticket) else { return };
        for text in say {
            let envelope = self.said_by_control(cx, text);
            self.deliver_to_all(cx, &envelope, Some(session), None);
        }
    }
}

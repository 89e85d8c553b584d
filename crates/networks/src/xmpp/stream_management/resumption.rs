//! The elements by which a client resumes a session (XEP-0198, section 5), passed on in the other
//! side's count.

use bytes::Bytes;
use crosstalk_core::{Address, Claim, ClaimResult, Fault, Side};

use super::MAX_ID;
use crate::xmpp::context::Cx;
use crate::xmpp::handoff::{Resumable, key_of};
use crate::xmpp::sign_on::SignOn;
use crate::xmpp::sign_on::stages::{Authenticated, Failing, Former, Looking, Stage, unasked};
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

impl SignOn {
    /// `<resume/>` of a client that the server authenticated: it goes to the server if there is
    /// such a session of that account.
    pub(in crate::xmpp) fn resume_from_client(
        &mut self,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let resume = cx.parse(Side::Client, &raw)?;
        let Stage::Authenticated(authenticated) = std::mem::take(&mut self.stage) else {
            return Err(unasked());
        };
        cx.out.withhold();
        let h = resume.attr("h").and_then(|h| h.parse().ok());
        let id = resume.attr("previd").filter(|id| (1..=MAX_ID).contains(&id.len()));
        let Some(former) = id.zip(h).map(|(id, h)| Former { id: id.to_owned(), h }) else {
            return self.refuse_resume(authenticated, None, &resume, cx);
        };
        let accounts = authenticated.accounts(cx.link.naming.domain(), &cx.context.network);
        let mut keys = accounts.iter().map(|account| key_of(account, &former.id));
        let Some(first) = keys.next() else {
            return self.refuse_resume(authenticated, Some(former), &resume, cx);
        };
        let h = former.h;
        let claim = Claim::read(first, move |handoff| {
            let session = handoff.note.downcast_ref::<Resumable>()?;
            let (user, full) = (session.account.user.clone(), session.account.full.clone());
            // Not noted: whether the session goes on is for the server to say.
            Some((user, full, session.acks.count_of_client(h)))
        });
        cx.claim(keys.fold(claim, Claim::or));
        self.stage = Stage::Looking(Box::new(Looking { authenticated, former, raw }));
        Ok(())
    }

    /// The gateway knows no such session: in a count that it does not know, the server must not
    /// hear of it.
    fn refuse_resume(
        &mut self,
        mut authenticated: Box<Authenticated>,
        former: Option<Former>,
        resume: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        authenticated.refuse(former)?;
        self.stage = Stage::Authenticated(authenticated);
        let missing = Element::new("item-not-found", ns::STANZAS);
        let failed = Element::new("failed", resume.ns()).child(missing);
        cx.out.insert(Side::Client, failed.to_xml());
        Ok(())
    }

    /// Passes `<resume/>` on in the server's own count, if there is such a session.
    pub(in crate::xmpp) fn looked(
        &mut self,
        looking: Looking,
        found: ClaimResult,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let Looking { authenticated, former, raw } = looking;
        let mut resume = cx.parse(Side::Client, &raw)?;
        let found = found.read::<(Address, String, Result<u32, Fault>)>();
        let Some((user, full, theirs)) = found else {
            return self.refuse_resume(authenticated, Some(former), &resume, cx);
        };
        resume.set("h", theirs?.to_string());
        let resuming = authenticated.resume(former, user, full);
        self.stage = Stage::Resuming(Box::new(resuming));
        cx.out.insert(Side::Server, resume.to_xml());
        Ok(())
    }

    /// `<resumed/>`: the session goes on here, if the gateway lets its person in.
    pub(in crate::xmpp) fn resumed(&mut self, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let resuming = match std::mem::take(&mut self.stage) {
            Stage::Resuming(resuming) => resuming,
            Stage::Unfollowed => {
                self.stage = Stage::Unfollowed;
                cx.out.forward(Side::Client, raw);
                return Ok(());
            }
            _ => return Err(unasked()),
        };
        let resumed = cx.parse(Side::Server, &raw)?;
        let bound = resuming.resumed(resumed.attr("previd"))?;
        cx.out.withhold();
        self.begin_to_enter(bound.enter(Some(raw)), cx);
        Ok(())
    }

    /// `<failed/>`: the client will start anew, and say again what it thinks lost.
    pub(in crate::xmpp) fn resume_failed(
        &mut self,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let resuming = match std::mem::take(&mut self.stage) {
            Stage::Resuming(resuming) => resuming,
            stage => {
                self.stage = stage;
                cx.out.forward(Side::Client, raw);
                return Ok(());
            }
        };
        let failed = cx.parse(Side::Server, &raw)?;
        let Some(h) = failed.attr("h").and_then(|h| h.parse().ok()) else {
            self.stage = resuming.failed().into();
            cx.out.forward(Side::Client, raw);
            return Ok(());
        };
        cx.claim(Claim::read(key_of(resuming.user(), resuming.id()), move |handoff| {
            let session = handoff.note.downcast_ref::<Resumable>()?;
            Some(session.acks.count_of_server(h))
        }));
        self.stage = Stage::Failing(Box::new(Failing { resuming: *resuming, raw }));
        Ok(())
    }

    /// Passes `<failed/>` on in the client's own count.
    pub(in crate::xmpp) fn failed(
        &mut self,
        failing: Failing,
        found: ClaimResult,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let Failing { resuming, raw } = failing;
        self.stage = resuming.failed().into();
        let Some(ours) = found.read::<Result<u32, Fault>>() else {
            cx.out.forward(Side::Client, raw);
            return Ok(());
        };
        let mut failed = cx.parse(Side::Server, &raw)?;
        failed.set("h", ours?.to_string());
        cx.replace(Side::Client, &failed);
        Ok(())
    }
}

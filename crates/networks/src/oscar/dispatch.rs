//! The handlers of SNACs, and which frames are looked at.

use bytes::Bytes;
use crosstalk_core::{Fault, NameClass, Now, Side};

use super::account::{Account, ConnectionKind};
use super::context::Cx;
use super::foreign_names::is_words;
use super::verdict::Verdict;
use super::wire::flap::HEADER;
use super::wire::kinds::{
    admin, buddy, feedbag, icbm, icq, invite, locate, oservice, permit_deny, user_lookup,
};
use super::wire::message::Head;
use super::wire::snac::Kind;
use super::wire::{Channel, Reader, Snac};

/// A SNAC, and the frame that it came in.
pub(super) struct Received<'a> {
    snac: &'a Snac,
    raw: &'a Bytes,
}

impl Received<'_> {
    /// The body behind a prefix; empty where that is cut short.
    fn content(&self) -> &[u8] {
        self.snac.content().unwrap_or_default()
    }
}

type Handler = fn(&mut Account, &Received<'_>, &mut Cx<'_>) -> Result<Verdict, Fault>;

/// Condition under which SNACs of a kind are looked at; others are forwarded in a run with their
/// neighbours, without a copy.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// A foreign name may stand in it.
    MayBeForeign,
    /// A name of the client's that looks foreign may stand in it.
    HasAt,
    /// It is not known yet what the connection is for.
    Undecided,
    /// Answers to edits are awaited.
    AcksAwaited,
}

/// The handler of SNACs of one kind.
struct Route {
    kind: Kind,
    when: When,
    handler: Handler,
}

const fn row(kind: Kind, when: When, handler: Handler) -> Route {
    Route { kind, when, handler }
}

/// Handlers of a client's SNACs. One that is not here is looked through for foreign names.
///
/// Messages come first, being the most; the table is short enough to be walked.
const FROM_CLIENT: &[Route] = {
    use When::{Always, MayBeForeign as Named};
    &[
        row(icbm::CHANNEL_MESSAGE_TO_HOST, Named, |a, r, cx| Ok(a.message_out(r.snac, cx))),
        row(icbm::CLIENT_EVENT, Named, |a, r, cx| Ok(a.typing_out(r.snac, cx))),
        row(oservice::CLIENT_ONLINE, Always, |a, r, cx| Ok(a.ready(r.raw, cx))),
        row(oservice::NICK_INFO_QUERY, Always, |a, _, _| Ok(a.asked_who())),
        row(oservice::IDLE_NOTIFICATION, Always, |a, r, cx| Ok(a.own_presence(r.snac, cx))),
        row(oservice::SET_NICK_INFO_FIELDS, Always, |a, r, cx| Ok(a.own_presence(r.snac, cx))),
        row(locate::SET_INFO, Always, |a, r, cx| Ok(a.own_presence(r.snac, cx))),
        row(locate::USER_INFO_QUERY, Named, |a, r, cx| Ok(a.asked_about(r.snac, cx))),
        row(locate::USER_INFO_QUERY_2, Named, |a, r, cx| Ok(a.asked_about(r.snac, cx))),
        row(locate::GET_DIR_INFO, Named, |a, r, cx| Ok(a.asked_about(r.snac, cx))),
        row(buddy::ADD_BUDDIES, Named, |a, r, cx| Ok(a.watched(r.snac, cx))),
        row(buddy::DEL_BUDDIES, Named, |a, r, cx| Ok(a.unwatched(r.snac, cx))),
        row(buddy::ADD_TEMP_BUDDIES, Named, |a, r, cx| Ok(a.watched(r.snac, cx))),
        row(buddy::DEL_TEMP_BUDDIES, Named, |a, r, cx| Ok(a.unwatched(r.snac, cx))),
        row(icbm::ADD_PARAMETERS, Always, |a, r, _| Ok(a.parameters(r.snac))),
        row(icbm::EVIL_REQUEST, Named, |a, r, cx| Ok(a.warning_out(r.snac, cx))),
        row(icbm::CLIENT_ERROR, Named, |a, r, cx| Ok(a.reply_out(r.snac, cx))),
        row(invite::REQUEST, Named, |a, r, cx| Ok(a.invitation(r.snac, cx))),
        row(admin::INFO_CHANGE_REQUEST, Named, |a, r, cx| Ok(a.account_change(r.snac, cx))),
        row(permit_deny::ADD_PERMIT, Always, |a, r, cx| Ok(a.permits(r.snac, cx))),
        row(permit_deny::DEL_PERMIT, Always, |a, r, cx| Ok(a.permits(r.snac, cx))),
        row(permit_deny::ADD_DENY, Always, |a, r, cx| Ok(a.permits(r.snac, cx))),
        row(permit_deny::DEL_DENY, Always, |a, r, cx| Ok(a.permits(r.snac, cx))),
        row(permit_deny::ADD_TEMP_PERMIT, Always, |a, r, cx| Ok(a.permits(r.snac, cx))),
        row(permit_deny::DEL_TEMP_PERMIT, Always, |a, r, cx| Ok(a.permits(r.snac, cx))),
        row(user_lookup::FIND_BY_EMAIL, Named, |a, r, cx| Ok(a.search_out(r.snac, cx))),
        row(feedbag::RIGHTS_QUERY, Always, |a, _, cx| Ok(a.list.asked(cx.now.instant))),
        row(feedbag::QUERY, Always, |a, _, cx| Ok(a.list.asked(cx.now.instant))),
        row(feedbag::QUERY_IF_MODIFIED, Always, |a, r, cx| Ok(a.cached_list(r.snac, cx))),
        row(feedbag::INSERT_ITEMS, Always, |a, r, cx| a.edit(r.snac, cx)),
        row(feedbag::UPDATE_ITEMS, Always, |a, r, cx| a.edit(r.snac, cx)),
        row(feedbag::DELETE_ITEMS, Always, |a, r, cx| a.edit(r.snac, cx)),
        row(feedbag::START_CLUSTER, Always, |a, _, _| Ok(a.edits.begin())),
        row(feedbag::END_CLUSTER, Always, |a, _, cx| Ok(a.edits_end(cx))),
        row(feedbag::PRE_AUTHORIZE_BUDDY, Named, |a, r, cx| Ok(a.consent_out(r.snac, cx))),
        row(feedbag::REVOKE_AUTHORIZATION, Named, |a, r, cx| Ok(a.consent_out(r.snac, cx))),
        row(feedbag::REQUEST_AUTHORIZE_TO_HOST, Named, |a, r, cx| Ok(a.consent_out(r.snac, cx))),
        row(feedbag::RESPOND_AUTHORIZE_TO_HOST, Named, |a, r, cx| Ok(a.consent_out(r.snac, cx))),
        row(icq::DB_QUERY, Named, |a, r, cx| Ok(a.details(r.snac, cx))),
    ]
};

/// Handlers of a server's SNACs. One that is not here passes.
const FROM_SERVER: &[Route] = {
    use When::{AcksAwaited, Always, HasAt, Undecided};
    &[
        row(icbm::CHANNEL_MESSAGE_TO_CLIENT, HasAt, |a, r, cx| Ok(a.servers_message(r, cx))),
        row(icbm::CLIENT_EVENT, HasAt, |a, r, cx| Ok(a.servers_message(r, cx))),
        row(oservice::HOST_ONLINE, Undecided, |a, r, _| Ok(a.families(r.content()))),
        row(oservice::SERVICE_RESPONSE, Always, |a, r, cx| Ok(a.redirected(r.snac, cx))),
        row(oservice::RATE_PARAMS_REPLY, Always, |a, r, cx| {
            a.rates.learn(r.content(), cx.now.instant);
            Ok(Verdict::Forward)
        }),
        row(oservice::RATE_PARAM_CHANGE, Always, |a, r, cx| {
            a.rates.adjust(r.content(), cx.now.instant);
            Ok(Verdict::Forward)
        }),
        row(oservice::NICK_INFO_UPDATE, Always, |a, r, cx| a.self_info(r.snac, r.raw, cx)),
        row(feedbag::REPLY, Always, |a, r, cx| Ok(a.listed(r.snac, r.raw, cx))),
        row(feedbag::INSERT_ITEMS, Always, |a, r, cx| Ok(a.pushed(r.snac, r.raw, cx))),
        row(feedbag::UPDATE_ITEMS, Always, |a, r, cx| Ok(a.pushed(r.snac, r.raw, cx))),
        row(feedbag::DELETE_ITEMS, Always, |a, r, cx| Ok(a.pushed(r.snac, r.raw, cx))),
        row(feedbag::STATUS, AcksAwaited, |a, r, cx| Ok(a.acknowledged(r.snac, r.content(), cx))),
        row(feedbag::REPLY_NOT_MODIFIED, Always, |a, _, _| Ok(a.unchanged())),
    ]
};

fn route(side: Side, kind: Kind) -> Option<&'static Route> {
    let routes = match side {
        Side::Client => FROM_CLIENT,
        Side::Server => FROM_SERVER,
    };
    routes.iter().find(|route| route.kind == kind)
}

impl Account {
    /// Whether a frame has to be looked at. Counts those that pass unseen.
    pub(super) fn wants(&mut self, now: Now, side: Side, channel: Channel, body: &[u8]) -> bool {
        if self.list.holds() && side == Side::Server {
            return true;
        }
        if channel != Channel::Data {
            return false;
        }
        let kind = Snac::peek(body);
        let wanted = match (route(side, kind), side) {
            (Some(route), _) => self.is_due(route.when, body),
            (None, Side::Server) => false,
            // Of what nobody knows it is known at least how a foreign name looks.
            (None, Side::Client) => body.contains(&b'@') && !is_words(kind),
        };
        if !wanted && side == Side::Client {
            self.rates.saw(kind, now.instant);
        }
        wanted
    }

    fn is_due(&self, when: When, body: &[u8]) -> bool {
        match when {
            When::Always => true,
            // Every foreign name has an @, but those that stand in for one in a prompt.
            When::MayBeForeign => body.contains(&b'@') || self.asked.is_open(),
            When::HasAt => body.contains(&b'@'),
            When::Undecided => self.kind == ConnectionKind::Undecided,
            When::AcksAwaited => !self.acks.is_empty() || self.feedbag.awaits_mode(),
        }
    }

    /// Takes a frame that [is wanted](Self::wants).
    pub(super) fn frame(&mut self, side: Side, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let body = raw.slice(HEADER.min(raw.len())..);
        let snac = Snac::parse(&body);
        let verdict = match (&snac, side) {
            // Everything of the server's waits with its list, even what is unreadable: nothing
            // overtakes anything.
            _ if side == Side::Server && self.list.holds() => self.hold(&raw, snac.ok(), cx),
            (Err(_), _) => Verdict::Forward,
            (Ok(snac), side) => match route(side, snac.kind()) {
                Some(route) => (route.handler)(self, &Received { snac, raw: &raw }, cx)?,
                None if side == Side::Client => self.unread(snac, cx),
                None => Verdict::Forward,
            },
        };
        match verdict {
            Verdict::Forward => {
                if side == Side::Client {
                    self.rates.saw(Snac::peek(&body), cx.now.instant);
                }
                cx.forward(side.other(), raw);
            }
            Verdict::Withhold => cx.withhold(side.other()),
            Verdict::Done => {}
        }
        // Behind the frame, which may be the server's answer that ours wait for: clients match answers
        // by their order.
        self.answer_edits(cx);
        self.settle(cx);
        Ok(())
    }

    /// 04/07 and 04/14 of the server: it must not speak under the name of somebody foreign.
    fn servers_message(&self, received: &Received<'_>, cx: &Cx<'_>) -> Verdict {
        match Head::read(&mut Reader::new(received.content())) {
            Ok(head) if self.class_of(head.name, cx) != NameClass::Own => Verdict::Withhold,
            _ => Verdict::Forward,
        }
    }
}

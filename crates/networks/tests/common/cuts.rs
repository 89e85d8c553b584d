//! Connections that end at any point of a sign-on: a text for the person comes once, on that or on
//! the next, a presence comes on each that lasts, and what the person said has left once.

use crosstalk_core::{
    Address, Body, Envelope, EnvelopeId, Event, Input, Network, Presence, Roster, Side,
};

use super::{Gateway, Random, Shared};

const SAID: &str = "said meanwhile";

/// A sign-on in frames with some of what follows it, and two people.
pub struct SignOn {
    pub network: &'static dyn Network,
    pub roster: Roster,
    pub script: Vec<(Side, Vec<u8>)>,
    /// The person who signs on, and the friend who says something meanwhile.
    pub person: Address,
    pub friend: Address,
    /// Frames in which the person says and changes something.
    pub sent: [Sent; 2],
    /// Number of times that a client is shown the friend online.
    pub arrivals: fn(&Gateway) -> usize,
}

/// Number of a frame of the script, and whether an event is what that frame says.
pub type Sent = (usize, fn(&Event) -> bool);

/// Envelopes for an engine, given when it takes them, as the router does.
#[derive(Default)]
struct Router {
    waits: Option<Envelope>,
    is_present: bool,
}

impl SignOn {
    /// Cuts at every frame and at 1,000 bytes by `seed`, with a text at any point.
    pub fn is_cut_anywhere(&self, seed: u64) {
        let mut ends = vec![0];
        for (_, frame) in &self.script {
            ends.push(ends.last().unwrap() + frame.len());
        }
        let end = *ends.last().unwrap();
        for cut in &ends {
            for said in ends.iter().filter(|said| **said < end) {
                self.check(*said, *cut, end);
            }
        }
        let mut random = Random(seed);
        for _ in 0..1_000 {
            self.check(random.below(end), random.below(end + 1), end);
        }
    }

    fn check(&self, said: usize, cut: usize, end: usize) {
        let told = format!("{}: said at {said}, cut at {cut}", self.network.name());
        let mut router = Router::default();
        let first = self.play(&mut router, Some(said), cut);
        router.is_present = false;
        let second = self.play(&mut router, (said >= cut).then_some(said), end);
        assert_eq!(times_shown(&first) + times_shown(&second), 1, "{told}");
        // What the person said and changed has left if its last byte came, and once.
        let mut came = 0;
        for (at, (_, frame)) in self.script.iter().enumerate() {
            came += frame.len();
            let Some((_, what)) = self.sent.iter().find(|(sent, _)| *sent == at) else { continue };
            for (gateway, cut) in [(&first, cut), (&second, end)] {
                let times = gateway.events.iter().filter(|event| what(event)).count();
                assert_eq!(times, usize::from(came <= cut), "{told}: frame {at}");
            }
        }
        assert_eq!((self.arrivals)(&second), 1, "{told}: the friend is shown online once");
    }

    /// Plays the script up to `cut`; the friend says something at `said`, if that comes before. Both
    /// count bytes.
    fn play(&self, router: &mut Router, said: Option<usize>, cut: usize) -> Gateway {
        let shared = Shared::default();
        let mut gateway = Gateway::new(self.network, &shared, self.roster.clone());
        let mut at = 0;
        for (side, frame) in &self.script {
            let mut rest = &frame[..frame.len().min(cut - at)];
            while !rest.is_empty() {
                let before = said.filter(|said| (at..at + rest.len()).contains(said));
                if before == Some(at) {
                    let text = Body::Text { text: SAID.into(), auto: false };
                    router.waits = Some(self.envelope(&gateway, text));
                    self.look(router, &mut gateway);
                }
                let end = before.filter(|said| *said > at).map_or(rest.len(), |said| said - at);
                gateway.bytes(*side, &rest[..end]).unwrap();
                self.look(router, &mut gateway);
                at += end;
                rest = &rest[end..];
            }
        }
        gateway
    }

    fn look(&self, router: &mut Router, gateway: &mut Gateway) {
        let signed_in = gateway.events.iter().any(|e| matches!(e, Event::SignedIn { .. }));
        if signed_in && !std::mem::replace(&mut router.is_present, signed_in) {
            let presence = Presence::available();
            gateway.input(Input::Presence { of: self.friend.clone(), presence }).unwrap();
        }
        if gateway.takes_texts()
            && let Some(said) = router.waits.take()
        {
            gateway.input(Input::Deliver(said)).unwrap();
        }
    }

    fn envelope(&self, gateway: &Gateway, body: Body) -> Envelope {
        let (from, to, sent_at) = (self.friend.clone(), self.person.clone(), gateway.now.wall);
        Envelope { id: EnvelopeId(7), from, to, sent_at, body, details: None }
    }
}

fn times_shown(gateway: &Gateway) -> usize {
    memchr::memmem::find_iter(gateway.sent(Side::Client), SAID).count()
}

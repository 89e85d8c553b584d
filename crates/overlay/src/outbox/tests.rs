use super::*;
use crosstalk_core::{Body, Consent, Envelope, EnvelopeId, Typing, UnixMillis};

const HERE: GatewayId = GatewayId::from_bytes([0; 32]);
const THERE: GatewayId = GatewayId::from_bytes([1; 32]);
const ELSEWHERE: GatewayId = GatewayId::from_bytes([2; 32]);

/// An outbox, its disk, and what happened.
struct Bench {
    outbox: Outbox,
    now: Instant,
    /// Where Bob is.
    at: Vec<GatewayId>,
    sent: Vec<(u128, GatewayId)>,
    /// What is under way, to be answered by the test.
    open: Vec<(u64, GatewayId)>,
    disk: BTreeMap<u64, Post>,
    /// Whether what is kept comes to disk.
    writes: bool,
    settled: Vec<(u64, Result<Fate, Failure>)>,
    watched: BTreeSet<Address>,
}

fn bob() -> Address {
    "bob@yahoo".parse().unwrap()
}

fn says(id: u128, body: Body) -> Message {
    let from = "alice@aol".parse().unwrap();
    Message::Envelope(Envelope {
        id: EnvelopeId(id),
        from,
        to: bob(),
        sent_at: UnixMillis(0),
        body,
        details: None,
    })
}

fn text(id: u128) -> Message {
    says(id, Body::Text { text: "hello".into(), auto: false })
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let mut outbox = Outbox::new(HERE, limits, 7);
        let now = Instant::now();
        for gateway in [THERE, ELSEWHERE] {
            outbox.linked(now, gateway);
        }
        Self {
            outbox,
            now,
            at: Vec::new(),
            sent: Vec::new(),
            open: Vec::new(),
            disk: BTreeMap::new(),
            writes: true,
            settled: Vec::new(),
            watched: BTreeSet::new(),
        }
    }

    fn says(&mut self, id: u128) -> u64 {
        let number = self.outbox.post(self.now, text(id), true);
        self.work();
        number
    }

    fn work(&mut self) {
        while let Some(next) = self.outbox.next() {
            match next {
                Do::Locate(number, user) => {
                    let at = if user == bob() { self.at.clone() } else { vec![HERE] };
                    self.outbox.located(self.now, number, &at);
                }
                Do::Send { number, to, message, .. } => {
                    let id = match message {
                        Message::Envelope(envelope) => envelope.id,
                        Message::Report { of, .. } => of,
                        other => panic!("{other:?}"),
                    };
                    self.sent.push((id.0, to));
                    self.open.push((number, to));
                }
                Do::Keep { number, revision, post, .. } => {
                    if self.writes {
                        self.disk.insert(number, post);
                        self.outbox.kept(self.now, number, revision);
                    }
                }
                Do::Forget(number) => drop(self.disk.remove(&number)),
                Do::Settled(number, fate) => self.settled.push((number, fate)),
                Do::Watch(user) => assert!(self.watched.insert(user)),
                Do::Unwatch(user) => assert!(self.watched.remove(&user)),
            }
        }
    }

    /// Bob signs on at a gateway.
    fn arrives(&mut self, at: GatewayId) {
        self.at = vec![at];
        self.outbox.arrived(self.now, &bob());
        self.work();
    }

    /// What is under way first ends so; with none, the gateway is silent.
    fn answers(&mut self, outcome: Option<Outcome>) {
        let (number, by) = self.open.remove(0);
        match outcome {
            Some(outcome) => self.outbox.answered(self.now, number, by, outcome),
            None => self.outbox.doubted(self.now, number, by),
        }
        self.work();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_secs(1).max(time / 100));
            self.outbox.tick(self.now);
            self.work();
        }
    }

    fn restart(self) -> Self {
        let mut bench = Self { disk: self.disk, now: self.now, ..Self::new(Limits::default()) };
        let posts = bench.disk.clone().into_iter();
        let posts = posts.map(|(number, post)| (number, post, Duration::from_mins(1))).collect();
        bench.outbox.restore(bench.now, posts);
        bench.work();
        bench
    }
}

#[test]
fn what_is_delivered_at_once_never_comes_near_the_disk() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let first = bench.says(1);
    bench.says(2);
    assert_eq!(bench.sent, [(1, THERE)], "one at a time");
    bench.answers(Some(Ok(())));
    assert_eq!(bench.settled, [(first, Ok(Fate::Delivered))]);
    assert_eq!(bench.sent, [(1, THERE), (2, THERE)]);
    assert!(bench.disk.is_empty() && bench.watched.is_empty());
}

#[test]
fn what_nobody_is_there_for_waits_in_order_and_over_a_restart() {
    let mut bench = Bench::new(Limits::default());
    let numbers = [bench.says(1), bench.says(2)];
    let kept = |n: usize| (numbers[n], Ok(Fate::Kept { first: n == 0 }));
    assert_eq!(bench.settled, [kept(0), kept(1)]);
    assert_eq!(bench.watched, BTreeSet::from([bob()]));
    let mut bench = bench.restart();
    bench.arrives(THERE);
    bench.answers(Some(Ok(())));
    bench.answers(Some(Ok(())));
    assert_eq!(bench.sent, [(1, THERE), (2, THERE)]);
    assert!(bench.disk.is_empty() && bench.watched.is_empty());
}

#[test]
fn a_later_message_waits_behind_one_that_failed() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    bench.says(1);
    bench.answers(Some(Err(Failure::Busy)));
    bench.says(2);
    assert_eq!(bench.sent, [(1, THERE)]);
    bench.pass(FIRST_WAIT);
    bench.answers(Some(Ok(())));
    bench.answers(Some(Ok(())));
    assert_eq!(bench.sent, [(1, THERE), (1, THERE), (2, THERE)]);
}

#[test]
fn all_endpoints_get_it_and_one_is_enough() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE, ELSEWHERE];
    let number = bench.says(1);
    assert_eq!(bench.sent, [(1, THERE), (1, ELSEWHERE)]);
    bench.answers(Some(Err(Failure::Busy)));
    bench.answers(Some(Ok(())));
    assert_eq!(bench.settled, [(number, Ok(Fate::Delivered))]);
}

#[test]
fn a_gateway_that_may_have_shown_it_is_asked_before_another_gets_it() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    bench.says(1);
    bench.outbox.lost(&THERE);
    bench.answers(None);
    bench.arrives(ELSEWHERE);
    bench.pass(DOUBT / 2);
    assert_eq!(bench.sent, [(1, THERE)]);
    bench.outbox.linked(bench.now, THERE);
    bench.work();
    assert_eq!(bench.sent, [(1, THERE), (1, THERE)]);
    bench.answers(Some(Err(Failure::Offline)));
    assert_eq!(bench.sent[2..], [(1, ELSEWHERE)]);
}

#[test]
fn it_is_asked_also_after_a_restart_but_not_for_ever() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let number = bench.says(1);
    bench.outbox.keep_meanwhile(bench.now, number);
    bench.work();
    assert_eq!(bench.disk[&number].tried, BTreeSet::from([THERE]));
    let mut bench = bench.restart();
    assert_eq!(bench.sent, [(1, THERE)]);
    bench.outbox.lost(&THERE);
    bench.answers(None);
    bench.arrives(ELSEWHERE);
    bench.pass(DOUBT + LAST_WAIT);
    assert!(bench.sent.contains(&(1, ELSEWHERE)), "rather twice than never");
}

#[test]
fn where_a_kept_message_goes_is_on_disk_before_it_leaves() {
    let mut bench = Bench::new(Limits::default());
    let number = bench.says(1);
    bench.writes = false;
    bench.arrives(THERE);
    bench.pass(KEEP_DEADLINE * 2);
    assert!(bench.sent.is_empty(), "a slow disk is waited for");
    bench.outbox.kept(bench.now, number, 2);
    bench.work();
    assert_eq!(bench.sent, [(1, THERE)]);
}

#[test]
fn what_is_on_disk_is_not_given_up_when_the_disk_is_slow_later() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let (first, second) = (bench.says(1), bench.says(2));
    bench.outbox.keep_meanwhile(bench.now, second);
    bench.work();
    bench.writes = false;
    bench.answers(Some(Ok(())));
    bench.pass(KEEP_DEADLINE * 2);
    let (delivered, kept) = (Ok(Fate::Delivered), Ok(Fate::Kept { first: false }));
    assert_eq!(bench.settled, [(first, delivered), (second, kept)]);
    bench.outbox.kept(bench.now, second, 2);
    bench.work();
    assert_eq!(bench.sent, [(1, THERE), (2, THERE)]);
}

#[test]
fn who_had_no_room_is_not_asked_after_a_restart_what_another_one_showed() {
    let mut bench = Bench::new(Limits::default());
    bench.says(1);
    bench.at = vec![THERE, ELSEWHERE];
    bench.outbox.arrived(bench.now, &bob());
    bench.work();
    let number = bench.says(2) - 1;
    bench.answers(Some(Err(Failure::Busy)));
    bench.writes = false;
    bench.answers(Some(Ok(())));
    assert_eq!(bench.sent, [(1, THERE), (1, ELSEWHERE)], "the next one waits");
    bench.outbox.kept(bench.now, number, 3);
    bench.work();
    assert_eq!(bench.sent[2..], [(2, THERE), (2, ELSEWHERE)]);
    assert!(bench.disk.is_empty());
}

#[test]
fn what_expires_or_does_not_fit_is_reported() {
    let limits = Limits { messages: 1, ..Limits::default() };
    let mut bench = Bench::new(limits);
    bench.says(1);
    let second = bench.says(2);
    assert_eq!(bench.settled[1], (second, Err(Failure::Busy)));
    bench.pass(limits.age);
    assert_eq!(bench.sent, [(1, HERE)], "the report goes to Alice, who is here");
    assert!(matches!(
        bench.disk.values().next().unwrap().message,
        Message::Report { of: EnvelopeId(1), why: Failure::Expired, .. }
    ));
    bench.answers(Some(Ok(())));
    assert!(bench.disk.is_empty());
    bench.says(3);
    assert_eq!(bench.disk.len(), 1, "there is room again");
}

#[test]
fn what_may_not_be_kept_fails_at_once() {
    let mut bench = Bench::new(Limits::default());
    let number = bench.outbox.post(bench.now, text(1), false);
    bench.work();
    assert_eq!(bench.settled, [(number, Err(Failure::Offline))]);
    let mut off = Bench::new(Limits { messages: 0, ..Limits::default() });
    let number = off.says(1);
    assert_eq!(off.settled, [(number, Err(Failure::Offline))]);
    assert!(off.disk.is_empty() && off.watched.is_empty());
}

#[test]
fn what_may_have_been_shown_is_not_called_undelivered() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let silent = bench.outbox.post(bench.now, text(1), false);
    bench.work();
    bench.answers(None);
    let dropped = bench.outbox.post(bench.now, text(2), false);
    bench.work();
    bench.answers(Some(Err(Failure::Unreachable)));
    let away = bench.outbox.post(bench.now, text(3), false);
    bench.work();
    bench.answers(Some(Err(Failure::Offline)));
    let (unsure, lost) = (Err(Failure::Unconfirmed), Err(Failure::Offline));
    assert_eq!(bench.settled, [(silent, unsure), (dropped, unsure), (away, lost)]);
}

#[test]
fn of_two_gateways_the_one_that_said_nothing_decides_what_is_told() {
    for outcome in [Failure::Offline, Failure::Busy, Failure::Refused] {
        let mut bench = Bench::new(Limits::default());
        bench.at = vec![THERE, ELSEWHERE];
        let number = bench.outbox.post(bench.now, text(1), false);
        bench.work();
        bench.answers(None);
        bench.answers(Some(Err(outcome)));
        assert_eq!(bench.settled, [(number, Err(Failure::Unconfirmed))], "{outcome:?}");
    }
}

#[test]
fn what_expires_while_in_doubt_is_reported_as_such_also_after_a_restart() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    bench.says(1);
    bench.answers(None);
    bench.outbox.lost(&THERE);
    bench.at = Vec::new();
    let mut bench = bench.restart();
    bench.answers(None);
    bench.outbox.lost(&THERE);
    bench.pass(Limits::default().age);
    let reports = bench.disk.values().filter_map(|post| match &post.message {
        Message::Report { why, .. } => Some(*why),
        _ => None,
    });
    assert_eq!(reports.collect::<Vec<_>>(), [Failure::Unconfirmed]);
}

#[test]
fn a_disk_that_takes_nothing_is_no_promise() {
    let mut bench = Bench::new(Limits::default());
    bench.writes = false;
    let number = bench.says(1);
    assert!(bench.settled.is_empty());
    bench.pass(KEEP_DEADLINE);
    assert_eq!(bench.settled, [(number, Err(Failure::Busy))]);
    bench.arrives(THERE);
    assert!(bench.sent.is_empty(), "who was told that it is lost does not see it arrive");
}

#[test]
fn a_block_looks_like_absence_and_what_was_said_is_forgotten() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let number = bench.says(1);
    bench.answers(Some(Err(Failure::Blocked)));
    assert_eq!(bench.settled, [(number, Ok(Fate::Kept { first: true }))]);
    let Message::Envelope(Envelope { body: Body::Text { text, .. }, .. }) =
        &bench.disk[&number].message
    else {
        panic!("a text is kept")
    };
    assert!(text.text().is_empty());
    let mut bench = bench.restart();
    bench.arrives(THERE);
    assert!(bench.sent.is_empty());
}

#[test]
fn a_step_of_consent_takes_the_place_of_one_that_waits() {
    let mut bench = Bench::new(Limits::default());
    for (id, step) in
        [(1, Consent::Request("hi".into())), (2, Consent::Grant), (3, Consent::Cancel)]
    {
        bench.outbox.post(bench.now, says(id, Body::Contact(step)), true);
        bench.work();
    }
    bench.arrives(THERE);
    bench.answers(Some(Ok(())));
    bench.answers(Some(Ok(())));
    assert_eq!(bench.sent, [(2, THERE), (3, THERE)]);
    assert!(bench.disk.is_empty());
}

#[test]
fn a_disk_that_fails_delays_nobody_who_is_there() {
    let mut bench = Bench { at: vec![THERE], writes: false, ..Bench::new(Limits::default()) };
    let (first, second) = (bench.says(1), bench.says(2));
    bench.outbox.keep_meanwhile(bench.now, second);
    bench.outbox.answered(bench.now, first, THERE, Ok(()));
    bench.work();
    assert_eq!(bench.sent, [(1, THERE)], "where it goes is to be written down first");
    bench.outbox.disk_failed(bench.now);
    bench.work();
    assert_eq!(bench.sent, [(1, THERE), (2, THERE)]);
}

#[test]
fn what_is_not_kept_does_not_overtake_and_is_over_where_words_wait() {
    let mut bench = Bench::new(Limits::default());
    bench.at = vec![THERE];
    let typing = |typing| Body::Typing(typing);
    let texts = [(1, text(1)), (2, says(2, typing(Typing::Active))), (3, says(3, Body::Attention))];
    for (id, message) in texts {
        bench.outbox.post(bench.now, message, id == 1);
    }
    bench.outbox.post(bench.now, text(4), true);
    // The state of typing that counts is the last one.
    bench.outbox.post(bench.now, says(5, typing(Typing::Paused)), false);
    bench.outbox.post(bench.now, says(6, typing(Typing::Idle)), false);
    bench.work();
    for _ in 0..4 {
        bench.answers(Some(Ok(())));
    }
    assert_eq!(bench.sent.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3, 4, 6]);
    bench.at.clear();
    bench.says(7);
    for (id, body) in [(8, typing(Typing::Active)), (9, Body::Attention)] {
        let number = bench.outbox.post(bench.now, says(id, body), false);
        bench.work();
        assert_eq!(bench.settled.last(), Some(&(number, Err(Failure::Offline))));
    }
    assert_eq!((bench.disk.len(), bench.sent.len()), (1, 4));
}

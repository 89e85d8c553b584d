use super::*;
use crosstalk_core::{Body, Envelope, EnvelopeId, UnixMillis};

const PEER: GatewayId = GatewayId::from_bytes([1; 32]);
const AGE: Duration = Duration::ZERO;
const FIRST: Call = Call { boot: 0, number: 1 };

fn envelope(id: u128) -> Message {
    Message::Envelope(Envelope {
        id: EnvelopeId(id),
        from: "alice@aol".parse().unwrap(),
        to: "bob@yahoo".parse().unwrap(),
        sent_at: UnixMillis(0),
        body: Body::Attention,
        details: None,
    })
}

/// Sends a message from `from`.
fn send(from: &mut Delivery<u64>, now: Instant, id: u64) -> Result<Frame, Failure> {
    let frame = from.say(PEER, envelope(u128::from(id)), AGE)?;
    from.wait(now, PEER, frame.clone(), AGE, id, true);
    Ok(frame)
}

fn answer(of: &mut Delivery<u64>, call: Call, outcome: Outcome) -> Vec<Frame> {
    of.answer(Instant::now(), &PEER, call, outcome)
}

fn take(to: &mut Delivery<u64>, frame: Frame) -> Verdict {
    let Frame::Said { number, settled, message, .. } = frame else { panic!("{frame:?}") };
    to.received(PEER, number, settled, message).unwrap()
}

fn new(call: Call, id: u128) -> Verdict {
    Verdict::New(call, envelope(id), Fingerprint::of(&envelope(id)))
}

#[test]
fn a_message_is_handed_on_once_and_answered_once() {
    let (mut ours, mut theirs) = (Delivery::new(), Delivery::<u64>::new());
    let now = Instant::now();
    let frame = send(&mut ours, now, 1).unwrap();
    assert_eq!(take(&mut theirs, frame), new(FIRST, 1));
    let again = ours.linked(PEER, 0).remove(0);
    assert_eq!(take(&mut theirs, again.clone()), Verdict::Waits);
    assert_eq!(answer(&mut theirs, FIRST, Ok(())), [Frame::Answer { number: 1, outcome: Ok(()) }]);
    assert!(answer(&mut theirs, FIRST, Ok(())).is_empty());
    assert_eq!(take(&mut theirs, again), Verdict::Answered(Ok(())));
    assert_eq!((ours.answered(&PEER, 1), ours.answered(&PEER, 1)), (Some(1), None));
    assert!(ours.linked(PEER, 0).is_empty());
}

#[test]
fn what_is_unanswered_is_repeated_in_order() {
    let mut ours = Delivery::new();
    for n in 1..=3 {
        send(&mut ours, Instant::now(), n).unwrap();
    }
    ours.answered(&PEER, 2);
    let numbers: Vec<_> = ours
        .linked(PEER, 0)
        .into_iter()
        .map(|frame| match frame {
            Frame::Said { number, settled, .. } => (number, settled),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [(1, 1), (3, 1)]);
}

#[test]
fn an_envelope_that_was_delivered_is_not_handed_on_under_another_number() {
    let mut theirs = Delivery::<u64>::new();
    theirs.received(PEER, 1, 1, envelope(9)).unwrap();
    assert_eq!(theirs.received(PEER, 2, 1, envelope(9)), Ok(Verdict::Waits));
    assert_eq!(answer(&mut theirs, FIRST, Ok(())).len(), 2, "both are answered");
    assert_eq!(theirs.received(PEER, 3, 1, envelope(9)), Ok(Verdict::Answered(Ok(()))));
}

#[test]
fn an_envelope_that_failed_may_be_tried_again() {
    let mut theirs = Delivery::<u64>::new();
    theirs.received(PEER, 1, 1, envelope(9)).unwrap();
    answer(&mut theirs, FIRST, Err(Failure::Offline));
    assert_eq!(theirs.received(PEER, 2, 1, envelope(9)), Ok(new(Call { boot: 0, number: 2 }, 9)));
}

#[test]
fn what_waits_too_long_or_for_a_lost_gateway_fails() {
    let mut ours = Delivery::new();
    let now = Instant::now();
    send(&mut ours, now, 1).unwrap();
    send(&mut ours, now + DEADLINE / 2, 2).unwrap();
    assert!(ours.expired(now).is_empty());
    let unanswered = |ticket| Unanswered { ticket, has_left: true };
    assert_eq!(ours.expired(now + DEADLINE), [(PEER, unanswered(1))]);
    assert_eq!(ours.lost(&PEER), [unanswered(2)]);
    assert!(ours.expired(now + DEADLINE * 2).is_empty());
}

#[test]
fn both_sides_bound_what_waits() {
    let (mut ours, mut theirs) = (Delivery::new(), Delivery::<u64>::new());
    let now = Instant::now();
    for n in 0..MAX_WAITING as u64 {
        send(&mut ours, now, n).unwrap();
    }
    assert_eq!(send(&mut ours, now, 99), Err(Failure::Busy));
    let mut flood = (1..).map(|n| theirs.received(PEER, n, 0, envelope(n.into())));
    assert_eq!(flood.find_map(Result::err).map(|fault| fault.blame), Some(Blame::Peer));
}

#[test]
fn an_answer_to_an_older_boot_answers_nothing_of_the_new_one() {
    let mut theirs = Delivery::<u64>::new();
    theirs.received(PEER, 1, 1, envelope(1)).unwrap();
    theirs.linked(PEER, 7);
    let call = Call { boot: 7, number: 1 };
    let second = theirs.received(PEER, 1, 1, envelope(2));
    assert_eq!(second, Ok(new(call, 2)));
    assert!(answer(&mut theirs, FIRST, Err(Failure::Offline)).is_empty());
    assert_eq!(answer(&mut theirs, call, Ok(())).len(), 1);
}

#[test]
fn one_slow_answer_holds_nobody_up() {
    let mut theirs = Delivery::<u64>::new();
    theirs.received(PEER, 1, 1, envelope(1)).unwrap();
    for number in 2..100_000 {
        let probe = Message::Probe { of: "bob@yahoo".parse().unwrap(), by: Vec::new() };
        theirs.received(PEER, number, 1, probe).unwrap();
        assert_eq!(answer(&mut theirs, Call { boot: 0, number }, Ok(())).len(), 1);
    }
    assert!(theirs.pairs[&PEER].answers.len() <= MAX_ANSWERS);
    assert_eq!(answer(&mut theirs, FIRST, Ok(())).len(), 1);
}

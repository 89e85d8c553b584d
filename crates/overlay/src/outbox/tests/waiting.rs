//! Tests of waiting messages: their order, and their ends.

use super::attempt::FIRST_WAIT;
use super::*;

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
fn a_report_is_not_given_up_for_a_slow_disk() {
    let mut bench = Bench { writes: false, ..Bench::new(Limits::default()) };
    let (from, to, why) = (bob(), "alice@aol".parse().unwrap(), Failure::Offline);
    let report = Message::Report { of: EnvelopeId(1), from, to, why };
    let number = bench.outbox.post(bench.now, report, true);
    bench.work();
    bench.pass(2 * KEEP_DEADLINE);
    assert!(bench.settled.is_empty());
    bench.writes = true;
    bench.arrives(THERE);
    bench.answers(Some(Ok(())));
    assert_eq!(bench.sent, [(1, THERE)]);
    assert!(!bench.settled.iter().any(|(n, fate)| *n == number && fate.is_err()));
    assert!(bench.disk.is_empty());
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

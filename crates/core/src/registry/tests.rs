use std::time::Duration;

use super::*;

fn told(registry: &mut Registry, by: ConnectionId, to: Recipient, message: Message) -> TellResult {
    let outcome = registry.perform(Instant::now(), by, Exchange::Tell(to, message));
    let Some(Input::Told(told)) = outcome.answer else { panic!("no answer") };
    told
}

fn listener(key: &str) -> Recipient {
    Recipient::Listener(key.into())
}

fn claim(registry: &mut Registry, now: Instant, claim: Claim) -> ClaimResult {
    let by = ConnectionId::default();
    let outcome = registry.perform(now, by, Exchange::Claim(claim));
    let Some(Input::Claimed(claimed)) = outcome.answer else { panic!("no answer") };
    claimed
}

fn leave(registry: &mut Registry, now: Instant, key: &str, handoff: Handoff) {
    let exchange = Exchange::Leave(key.into(), handoff);
    drop(registry.perform(now, ConnectionId::default(), exchange));
}

#[test]
fn a_handoff_is_taken_once_and_only_in_time() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let later = now + Duration::from_mins(1);
    let bos = HostPort::new("bos", 1);
    leave(&mut registry, now, "cookie", Handoff::new(1_u16, later).to(bos.clone()));
    assert!(registry.expects(now, &bos) && !registry.expects(later, &bos));
    let take = || Claim::take("cookie");
    let taken = claim(&mut registry, now, take()).taken().unwrap();
    assert_eq!(taken.note.downcast_ref::<u16>(), Some(&1));
    assert!(matches!(claim(&mut registry, now, take()), ClaimResult::Nothing));
    leave(&mut registry, now, "cookie", Handoff::new(2_u16, later));
    assert!(matches!(claim(&mut registry, later, take()), ClaimResult::Nothing));
}

#[test]
fn a_claim_that_is_refused_or_only_reads_consumes_nothing() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    leave(&mut registry, now, "b", Handoff::new("alice", now + Duration::from_mins(1)));
    let note = |handoff: &Handoff| handoff.note.downcast_ref::<&str>().copied();
    let is = |name: &'static str| {
        Claim::take_if("a", move |handoff| note(handoff) == Some(name)).or("b")
    };
    assert!(matches!(claim(&mut registry, now, is("mallory")), ClaimResult::Refused));
    let read = claim(&mut registry, now, Claim::read("b", note));
    assert_eq!(read.read::<&str>(), Some("alice"));
    assert!(claim(&mut registry, now, is("alice")).taken().is_some());
    assert!(matches!(claim(&mut registry, now, is("alice")), ClaimResult::Nothing));
}

#[test]
fn the_last_who_began_to_listen_hears_and_then_the_one_before() {
    let mut registry = Registry::default();
    let [first, second, teller] = [(); 3].map(|()| registry.connect(()));
    for id in [first, second] {
        drop(registry.perform(Instant::now(), id, Exchange::Listen("account".into())));
    }
    let heard = told(&mut registry, teller, listener("account"), Message::new(1_u8, 0));
    assert!(matches!(heard, TellResult::Hears(id) if id == second));
    assert!(registry.hear(first).is_none() && registry.weight_of(second) > 0);
    assert_eq!(registry.disconnect(second).len(), 1, "the teller learns that it left");
    assert!(matches!(registry.hear(teller), Some(Input::Left(id)) if id == second));
    let heard = told(&mut registry, teller, listener("account"), Message::new(1_u8, 0));
    assert!(matches!(heard, TellResult::Hears(id) if id == first));
    drop(registry.disconnect(first));
    let heard = told(&mut registry, teller, listener("account"), Message::new(1_u8, 0));
    let TellResult::Nobody(message) = heard else { panic!() };
    assert!(message.downcast::<u8>().is_ok(), "it comes back");
    let heard = told(&mut registry, teller, Recipient::Connection(first), Message::new(1_u8, 0));
    assert!(matches!(heard, TellResult::Nobody(_)));
    drop(registry.disconnect(teller));
    assert!(registry.connections.is_empty() && registry.listeners.is_empty());
}

#[test]
fn what_waits_to_be_heard_is_bounded() {
    let mut registry = Registry::default();
    let [ann, teller] = [(); 2].map(|()| registry.connect(()));
    let to = Recipient::Connection(ann);
    let large = || Message::new((), 30_000).within(64 << 10);
    let all = [(); 3].map(|()| told(&mut registry, teller, to.clone(), large()));
    assert!(matches!(all, [TellResult::Hears(_), TellResult::Hears(_), TellResult::Full(_)]));
    assert!(matches!(registry.hear(ann), Some(Input::Heard(from, _)) if from == teller));
    assert!(matches!(told(&mut registry, teller, to.clone(), large()), TellResult::Hears(_)));
    while registry.hear(ann).is_some() {}
    let small = || Message::new((), 0);
    let heard = (0..5_000).filter(|_| {
        matches!(told(&mut registry, teller, to.clone(), small()), TellResult::Hears(_))
    });
    assert_eq!(heard.count(), MAX_MESSAGES);
    while registry.hear(ann).is_some() {}
    assert_eq!(registry.weight_of(ann), size_of::<Member>());
}

#[test]
fn keys_listeners_and_tellers_are_bounded() {
    let mut registry = Registry::default();
    let ann = registry.connect(());
    for number in 0..10_000_u32 {
        let listen = Exchange::Listen(number.to_be_bytes().into());
        drop(registry.perform(Instant::now(), ann, listen));
    }
    assert_eq!(registry.listeners.len(), MAX_KEYS);
    for _ in 0..1_000 {
        let id = registry.connect(());
        drop(registry.perform(Instant::now(), id, Exchange::Listen("account".into())));
        drop(told(&mut registry, id, Recipient::Connection(ann), Message::new((), 0)));
    }
    assert_eq!(registry.listeners[&Key::from("account")].len(), MAX_LISTENERS);
    assert_eq!(registry.disconnect(ann).len(), MAX_TELLERS);
}

#[test]
fn what_fits_is_left_until_it_has_expired() {
    let (mut registry, now) = (Registry::<()>::new(1 << 15), Instant::now());
    for key in 0..100_u8 {
        let handoff = Handoff::new(key, now + Duration::from_mins(1));
        leave(&mut registry, now, &key.to_string(), handoff);
    }
    assert!((1 << 14..=1 << 15).contains(&registry.weight()), "{}", registry.weight());
    let last = || Claim::read("99", |handoff| handoff.note.downcast_ref::<u8>().copied());
    assert_eq!(claim(&mut registry, now, last()).read(), Some(99_u8));
    let later = now + Duration::from_mins(1);
    assert_eq!(claim(&mut registry, later, last()).read::<u8>(), None);
    assert_eq!(registry.weight(), 0);
}

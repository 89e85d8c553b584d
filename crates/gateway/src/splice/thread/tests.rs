use super::*;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use bytes::BytesMut;
use crosstalk_core::{Budgets, Payer};

use crate::memory::{Charge, Memory};
use crate::splice::{Broken, Owner, PlainSide};

/// An owner that is charged.
struct Charged(Charge);

impl Owner for Charged {
    fn charge(&mut self) -> &mut Charge {
        &mut self.0
    }

    fn ended(&mut self, _: (u64, u64), _: Option<Broken>) {}
}

/// A side for the thread, and its other end.
fn side() -> (PlainSide, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    near.set_nonblocking(true).unwrap();
    let tcp = tokio::net::TcpStream::from_std(near).unwrap();
    (PlainSide { tcp, unsent: BytesMut::new(), received: 0, ended: false }, far)
}

/// Gives those their turn that wait for one.
fn again(thread: &mut Thread) {
    for id in take(&mut thread.again) {
        thread.turn(id);
    }
}

#[tokio::test]
async fn who_may_not_be_read_waits_for_one_turn_however_much_comes() {
    let memory = Memory::new(Budgets { whole: 1, unknown: 1, payer: 1 << 20 });
    let open = memory.open(&Payer::Address(Ipv4Addr::LOCALHOST.into()));
    let ((client, mut client_far), (server, _server_far)) = (side(), side());
    let owner = Box::new(Charged(open.entry().charge()));
    let limits = SpliceLimits { patience: Duration::from_secs(10), pipes: 1 };
    let (mut thread, inbox) = Thread::new(limits).unwrap();
    inbox.splice(Box::new(Spliced::new((client, server), owner).unwrap())).unwrap();
    assert!(thread.asked());
    let mut events = Events::with_capacity(EVENTS);
    for _ in 0..5 {
        client_far.write_all(b"more").unwrap();
        thread.poll.poll(&mut events, Some(Duration::from_secs(5))).unwrap();
        events.iter().filter(|event| event.token() != INBOX).for_each(|event| thread.heard(event));
        // As in the loop, with those that waited.
        again(&mut thread);
        assert_eq!(thread.again.len(), 1);
        assert_eq!(thread.wait(), Some(PAUSE), "it is asked again, and not at once");
    }
    drop(open);
    again(&mut thread);
    assert_eq!(thread.again.len(), 0, "all was read once there was room");
}

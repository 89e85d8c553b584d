//! A gateway in a process of its own, killed and frozen.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure, HostPort};
use crosstalk_overlay::{Config, GatewayId, Inbound, Member, Message, Overlay};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Environment variable with the child process's orders: state directory, address to dial, id to
/// find there.
const ORDERS: &str = "CROSSTALK_TEST_ORDERS";

fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

/// Not a test: the other process. Signs Alice on and answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let [state, at, id] = orders.split(' ').collect::<Vec<_>>()[..] else { panic!("{orders}") };
    let addresses = vec![at.parse().unwrap()];
    let member = Member { id: id.parse().unwrap(), addresses, networks: Vec::new() };
    let config = Config {
        networks: vec!["aol".parse().unwrap()],
        members: vec![member],
        ..Config::default()
    };
    let (overlay, mut inbound) = Overlay::join(&config, Path::new(state)).unwrap();
    overlay.sign_on(&alice()).await;
    let mut unanswered = Vec::new();
    while let Some(event) = inbound.recv().await {
        unanswered.push(event);
    }
}

/// This process's gateway, and the child's.
struct Bench {
    overlay: Overlay,
    inbound: Receiver<Inbound>,
    other: GatewayId,
    states: [TempDir; 2],
    at: HostPort,
    child: Child,
}

impl Bench {
    /// Both are up, and Alice was seen at the child.
    async fn new() -> Self {
        let states = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let other = Overlay::identify(states[1].path()).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let networks = vec!["aol".parse().unwrap()];
        let config = Config {
            listen: vec![socket],
            members: vec![Member { id: other, addresses: Vec::new(), networks }],
            ..Config::default()
        };
        let (overlay, inbound) = Overlay::join(&config, states[0].path()).unwrap();
        overlay.watch(&[alice()]).await;
        let at = HostPort::new("127.0.0.1", socket.port());
        let child = spawn(states[1].path(), &at, overlay.id());
        let mut bench = Self { overlay, inbound, other, states, at, child };
        bench.expect_alice().await;
        bench
    }

    async fn next(&mut self, within: Duration) -> Inbound {
        timeout(within, self.inbound.recv()).await.expect("an event in time").unwrap()
    }

    async fn expect_alice(&mut self) {
        let event = self.next(Duration::from_secs(15)).await;
        assert!(matches!(event, Inbound::Arrived { at, .. } if at == self.other), "{event:?}");
    }

    async fn expect_loss(&mut self, within: Duration) {
        let event = self.next(within).await;
        assert!(matches!(event, Inbound::Lost(gateway) if gateway == self.other), "{event:?}");
    }

    async fn probe(&self) -> (Result<(), Failure>, Duration) {
        let start = Instant::now();
        let probe = Message::Probe { of: alice(), by: Vec::new() };
        (self.overlay.send(&self.other, probe).await, start.elapsed())
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(state: &Path, at: &HostPort, id: GatewayId) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env(ORDERS, format!("{} {at} {id}", state.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_is_lost_within_seconds_and_found_when_it_restarts() {
    let mut bench = Bench::new().await;
    bench.child.kill().unwrap();
    bench.child.wait().unwrap();
    let (sent, took) = bench.probe().await;
    // It went out, or the link was gone by then.
    assert!(matches!(sent, Err(Failure::Unconfirmed | Failure::Unreachable)), "{sent:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    bench.expect_loss(Duration::from_secs(8)).await;
    let (sent, took) = bench.probe().await;
    assert_eq!(sent, Err(Failure::Unreachable));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(bench.overlay.locate(&alice()).await.is_empty());
    bench.child = spawn(bench.states[1].path(), &bench.at, bench.overlay.id());
    bench.expect_alice().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_gateway_is_lost_with_its_lease_and_back_when_it_thaws() {
    let mut bench = Bench::new().await;
    bench.signal("-STOP");
    let (sent, took) = bench.probe().await;
    assert_eq!(sent, Err(Failure::Unconfirmed), "it is shown when it thaws");
    assert!(took < Duration::from_secs(11), "{took:?}");
    bench.expect_loss(Duration::from_secs(16)).await;
    bench.signal("-CONT");
    bench.expect_alice().await;
}

use libp2p_identity::ed25519;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::membership::identity;
use crate::membership::{GatewayId, Member};
use crate::overlay::{Config, Overlay};
use crate::wire::frame::{Hello, NEWEST, OLDEST};

const PATIENCE: Duration = Duration::from_mins(1);

/// A key whose gateway is the lower one of a pair with `other`, and opens its streams.
fn lower_than(other: &GatewayId) -> (Keypair, GatewayId) {
    loop {
        let key = Keypair::from(ed25519::Keypair::generate());
        let id = identity::gateway_id(&key).unwrap();
        if id < *other {
            return (key, id);
        }
    }
}

/// Greets well and says nonsense, again and again, on a fresh connection as soon as it has one.
async fn break_the_rules(key: Keypair, victim: PeerId, at: Multiaddr) {
    let mut swarm = make_swarm(&key).unwrap();
    swarm.behaviour_mut().members.allow_peer(victim);
    let control = swarm.behaviour().streams.new_control();
    let dial = || DialOpts::peer_id(victim).addresses(vec![at.clone()]).allocate_new_port().build();
    swarm.dial(dial()).unwrap();
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { .. } => {
                let mut control = control.clone();
                tokio::spawn(async move {
                    let stream = control.open_stream(victim, PROTOCOL).await.ok()?;
                    talk_nonsense(stream).await.ok()
                });
            }
            SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let _ = swarm.dial(dial());
            }
            _ => {}
        }
    }
}

async fn talk_nonsense(stream: Stream) -> std::io::Result<()> {
    let mut stream = stream.compat();
    let hello = Hello { oldest: OLDEST, newest: NEWEST, epoch: 1, addresses: Vec::new() };
    for frame in [&hello.encode().unwrap()[..], b"nonsense"] {
        stream.write_u32(frame.len() as u32).await?;
        stream.write_all(frame).await?;
    }
    stream.flush().await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_the_rules_again_and_again_waits_longer_and_longer() {
    let state = tempfile::tempdir().unwrap();
    let victim = Overlay::identify(state.path()).unwrap();
    let (key, id) = lower_than(&victim);
    let member = Member { id, addresses: Vec::new(), networks: Vec::new() };
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let config = Config { listen, members: vec![member], ..Config::default() };
    let (overlay, _inbound) = Overlay::join(&config, state.path()).unwrap();
    let at = multiaddr(&overlay.listening().await.unwrap());

    let start = Instant::now();
    let attack = tokio::spawn(break_the_rules(key, victim.peer_id().unwrap(), at));
    let caught = async {
        while overlay.counts().faults < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, caught).await.expect("it is linked again in between");
    assert!(start.elapsed() >= FIRST_WAIT * (1 + 2 + 4), "{:?}", start.elapsed());
    attack.abort();
}

//! Gateways that come and go, and where people are.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_of_a_sign_on_at_another_gateway() {
    let mesh = Mesh::new(&["aol", "yahoo", "msn"]);
    let mut all = mesh.start_all().await;
    let at = all[0].id();
    all[1].overlay.watch(&[alice()]).await;
    all[0].overlay.sign_on(&alice()).await;
    assert_eq!(all[1].arrival().await, (alice(), at));
    assert_eq!(all[1].overlay.locate(&alice()).await, [at]);
    all[2].overlay.watch(&[alice()]).await;
    assert_eq!(all[2].arrival().await, (alice(), at), "who watches late hears it too");
    all[0].overlay.sign_off(&alice()).await;
    assert!(matches!(all[1].next().await, Inbound::Left { user, .. } if user == alice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_found_wherever_the_records_live() {
    let mesh = Mesh::new(&["aol"; 5]);
    let all = mesh.start_all().await;
    for n in 0..10 {
        let user: Address = format!("user{n}@aol").parse().unwrap();
        all[0].overlay.sign_on(&user).await;
        for seeker in &all {
            let found = async {
                while seeker.overlay.locate(&user).await != [all[0].id()] {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(PATIENCE, found).await.expect("found everywhere");
        }
    }
    assert!(all[3].overlay.locate(&bob()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_link_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("this machine has no IPv6");
    }
    let mesh = Mesh::at("[::1]:0", &["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let _heard = there.answering(Ok(()));
    assert_eq!(here.overlay.send(&to, text(alice(), 1)).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_is_lost_and_back_when_it_restarts() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (mut there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let stopped = here.id();
    there.overlay.watch(&[alice()]).await;
    here.overlay.sign_on(&alice()).await;
    assert_eq!(there.arrival().await, (alice(), stopped));
    here.overlay.shutdown().await;
    drop(here);
    assert_eq!(there.loss().await, stopped);
    assert!(there.overlay.locate(&alice()).await.is_empty());
    let start = Instant::now();
    let sent = there.overlay.send(&stopped, text(bob(), 1)).await;
    assert_eq!(sent, Err(Failure::Unreachable));
    assert!(start.elapsed() < Duration::from_secs(1), "known to be gone");

    let here = mesh.start(0);
    here.linked_to(1).await;
    here.overlay.sign_on(&alice()).await;
    assert_eq!(there.arrival().await, (alice(), stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn either_of_a_pair_can_restart_at_any_time() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    for n in [0, 1, 1, 0] {
        let old = all.remove(n);
        old.overlay.shutdown().await;
        drop(old);
        all.insert(n, mesh.start(n));
        let (fresh, other) = (&all[n], &all[1 - n]);
        fresh.linked_to(1).await;
        other.linked_to(1).await;
        fresh.overlay.sign_on(&alice()).await;
        let seen = async {
            while !other.overlay.locate(&alice()).await.contains(&fresh.id()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if n == 0 {
            timeout(PATIENCE, seen).await.expect("seen after the restart");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_garbage_disturb_nobody() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    for garbage in
        [&[0u8; 5000][..], b"GET / HTTP/1.1\r\n\r\n", b"\x13/multistream/1.0.0\n\xff\xff"]
    {
        let mut socket = TcpStream::connect(mesh.listen[1]).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("closed");
    }
    let elsewhere = Mesh::new(&["aol"]);
    let stranger = elsewhere.start_as(0, Vec::new(), mesh.members.clone());
    let counted = async {
        while there.overlay.counts().strangers < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, counted).await.expect("strangers are counted");
    assert!(stranger.overlay.linked().is_empty());
    let (to, expected) = (there.id(), HashSet::from([here.id()]));
    assert_eq!(there.overlay.linked().into_iter().collect::<HashSet<_>>(), expected);
    let _heard = there.answering(Ok(()));
    assert_eq!(here.overlay.send(&to, text(alice(), 1)).await, Ok(()));
}

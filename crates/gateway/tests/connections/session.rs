use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use std::time::Duration;

use crosstalk_gateway::config::Config;

use crate::support::{echo, exactly, gateway, line, rest, server, socks5, soon};

#[tokio::test]
async fn people_on_direct_listeners_talk_through_the_router() {
    let gateway = gateway(echo().await, |_| {});
    let connect = || TcpStream::connect(gateway.direct[0].1);
    let (mut ann, mut bob) = (connect().await.unwrap(), connect().await.unwrap());
    ann.write_all(b"!signin ann@lines\nto the server\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "to the server");
    bob.write_all(b"!signin bob@lines\n!send ann@lines hi\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "bob@lines: hi");
}

#[tokio::test]
async fn a_server_of_one_network_cannot_speak_the_protocol_of_another() {
    let echo = echo().await;
    let gateway = gateway(echo, |config| {
        let mut usual = Config::alone("/nonexistent".into()).networks;
        let (id, mut jabber) = usual.remove_entry(&"jabber".parse().unwrap()).unwrap();
        assert_eq!(jabber.protocol.name(), "xmpp");
        jabber.hosts = vec!["chat.test".parse().unwrap()];
        config.networks.insert(id, jabber);
        let lines = config.networks.get_mut(&"lines".parse().unwrap()).unwrap();
        lines.hosts = vec!["127.0.0.1".parse().unwrap()];
        lines.ports = vec![echo.port()];
    });
    let mut client = socks5(gateway.proxies[0], echo).await;
    // The engine of XMPP would refuse to compress.
    let said = b"<stream:stream to='chat.test' xmlns='jabber:client' \
        xmlns:stream='http://etherx.jabber.org/streams'><compress/>";
    client.write_all(said).await.unwrap();
    assert_eq!(exactly(&mut client, said.len()).await, said);
}

#[tokio::test]
async fn a_fault_in_an_unaltered_stream_lets_it_pass_and_in_an_altered_one_ends_it() {
    let gateway = gateway(echo().await, |_| {});
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    client.write_all(b"line\n").await.unwrap();
    assert_eq!(line(&mut client).await, "line");
    client.write_all(b"!fault\nmore\n").await.unwrap();
    assert!(rest(&mut client).await.is_empty());
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    let long = vec![b'x'; (1 << 20) + 1];
    let (mut read, mut write) = client.split();
    let both = async {
        write.write_all(&long).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let (said, ()) = tokio::join!(rest(&mut read), both);
    assert!(said == long, "what has no end of line passes uninterpreted");
}

#[tokio::test]
async fn a_fault_after_somebody_signed_in_ends_even_an_unaltered_stream() {
    let gateway = gateway(echo().await, |_| {});
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    client.write_all(b"?signin ann@lines\n").await.unwrap();
    assert_eq!(line(&mut client).await, "?signin ann@lines");
    client.write_all(b"?fault\nmore\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert!(!rest(&mut client).await.ends_with(b"more\n"));
}

#[tokio::test]
async fn both_ends_are_told_the_end_of_the_other() {
    let server = server(|mut tcp| async move {
        let all = rest(&mut tcp).await;
        let _ = tcp.write_all(&[&all[..], b"bye\n"].concat()).await;
    })
    .await;
    let gateway = gateway(server, |_| {});
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    client.write_all(b"one\ntwo\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"one\ntwo\nbye\n");
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_long_is_given_up() {
    let (told, gone) = tokio::sync::oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let flood = server(move |mut tcp| {
        let told = told.lock().unwrap().take();
        async move {
            while tcp.write_all(b"a line\n").await.is_ok() {}
            told.map(|told| told.send(()));
        }
    })
    .await;
    let gateway = gateway(flood, |config| config.limits.stall = Duration::from_millis(300));
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    assert_eq!(exactly(&mut client, 7).await, b"a line\n");
    soon(gone).await.unwrap();
}

#[tokio::test]
async fn a_client_that_reads_no_answer_is_heard_no_further_until_it_does() {
    let gateway = gateway(echo().await, |_| {});
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    let (mut read, mut write) = client.split();
    let order = format!("!answer {}\n", "x".repeat(1000));
    let orders = order.repeat(100);
    let mut said = 0;
    while tokio::time::timeout(Duration::from_secs(1), write.write_all(orders.as_bytes()))
        .await
        .is_ok()
    {
        said += 100;
        assert!(said < 100_000, "100 MB of answers wait in memory");
    }
    let answers = exactly(&mut read, said * 1001).await;
    assert!(answers.chunks(1001).all(|answer| answer.ends_with(b"x\n")));
}

#[tokio::test]
async fn a_connection_is_woken_by_what_another_tells_it() {
    let gateway = gateway(echo().await, |_| {});
    let connect = || TcpStream::connect(gateway.direct[0].1);
    let (mut ann, mut bob) = (connect().await.unwrap(), connect().await.unwrap());
    ann.write_all(b"!listen ann\nready\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "ready");
    bob.write_all(b"!tell ann hello\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "heard hello");
    drop(ann);
    assert_eq!(line(&mut bob).await, "left");
    bob.write_all(b"!tell ann hello\n").await.unwrap();
    assert_eq!(line(&mut bob).await, "nobody");
}

#[tokio::test]
async fn what_is_claimed_comes_before_what_was_read_behind_the_claim() {
    let gateway = gateway(echo().await, |_| {});
    let connect = || TcpStream::connect(gateway.direct[0].1);
    let (mut ann, mut bob) = (connect().await.unwrap(), connect().await.unwrap());
    ann.write_all(b"!leave cookie hers\nready\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "ready");
    bob.write_all(b"!claim cookie\n!claim cookie\nbehind\n").await.unwrap();
    let lines = [line(&mut bob).await, line(&mut bob).await, line(&mut bob).await];
    assert_eq!(lines, ["claimed hers", "claimed nothing", "behind"]);
}

#[tokio::test]
async fn what_waits_for_another_connection_comes_before_the_end_of_who_said_it() {
    let gateway = gateway(echo().await, |_| {});
    let connect = || TcpStream::connect(gateway.direct[0].1);
    let (mut ann, mut bob) = (connect().await.unwrap(), connect().await.unwrap());
    ann.write_all(b"!listen ann\n!answer waits\n!wait\nsaid at last\n").await.unwrap();
    ann.shutdown().await.unwrap();
    assert_eq!(line(&mut ann).await, "waits");
    // Her end has come by the time that she is told something.
    tokio::time::sleep(Duration::from_millis(50)).await;
    bob.write_all(b"!tell ann go on\n").await.unwrap();
    assert_eq!(rest(&mut ann).await, b"heard go on\nsaid at last\n");
}

#[tokio::test]
async fn an_engine_can_leave_its_server_and_go_on_with_the_client_and_with_another() {
    let other = echo().await;
    let (heard, mut was_heard) = tokio::sync::mpsc::channel(1);
    let first = server(move |mut tcp| {
        let heard = heard.clone();
        async move { heard.send(rest(&mut tcp).await).await.unwrap() }
    })
    .await;
    let gateway = gateway(first, |_| {});
    let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    client.write_all(b"!alone\n").await.unwrap();
    assert_eq!(line(&mut client).await, "alone");
    assert_eq!(soon(was_heard.recv()).await.unwrap(), b"", "the server is left unspoken to");
    client.write_all(format!("!nothing\n!dial {other}\nmore\n").as_bytes()).await.unwrap();
    assert_eq!(line(&mut client).await, "hello");
    assert_eq!(line(&mut client).await, "more");
}

#[tokio::test]
async fn a_client_that_says_much_is_read_more_slowly_and_all_of_it_arrives() {
    let gateway = gateway(echo().await, |config| {
        config.limits.texts = 20;
        config.limits.texts_per_second = 100;
    });
    let connect = || TcpStream::connect(gateway.direct[0].1);
    let (mut ann, mut bob) = (connect().await.unwrap(), connect().await.unwrap());
    ann.write_all(b"!signin ann@lines\nready\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "ready");
    bob.write_all(b"!signin bob@lines\n!send ann@lines hello\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "bob@lines: hello");
    let said = (0..70).fold(String::new(), |all, i| all + &format!("!send ann@lines {i}\n"));
    let begun = std::time::Instant::now();
    bob.write_all(said.as_bytes()).await.unwrap();
    for i in 0..70 {
        assert_eq!(line(&mut ann).await, format!("bob@lines: {i}"));
    }
    // What comes behind it is read when that is made up for, and not refused.
    bob.write_all(b"!send ann@lines last\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "bob@lines: last");
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_lost_the_server_is_offline_at_once() {
    let server = server(|mut tcp| async move {
        exactly(&mut tcp, 6).await;
        let _ = tcp.write_all(b"bye!\n").await;
    })
    .await;
    let gateway = gateway(server, |_| {});
    let connect = || TcpStream::connect(gateway.direct[0].1);
    let (mut ann, mut bob) = (connect().await.unwrap(), connect().await.unwrap());
    ann.write_all(b"!signin ann@lines\n!answer ready\n").await.unwrap();
    assert_eq!(line(&mut ann).await, "ready");
    ann.write_all(b"leave\n").await.unwrap();
    // Her client leaves the connection open.
    assert_eq!(rest(&mut ann).await, b"bye!\n");
    bob.write_all(b"!signin bob@lines\n!send ann@lines hi\n").await.unwrap();
    assert_eq!(line(&mut bob).await, "undelivered: the receiver is offline");
    // What she says last is heard.
    ann.write_all(b"!send bob@lines still here\n").await.unwrap();
    assert_eq!(line(&mut bob).await, "ann@lines: still here");
}

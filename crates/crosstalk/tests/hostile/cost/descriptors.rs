//! Behaviour when file descriptors run out: what they are needed for most goes on, and the rest
//! comes back with them.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, cases};
use crate::chat::Chat;
use crate::gateway::{Gateway, PROXY, Plan, until};
use crate::jabber::server::listen;
use crate::jabber::{Client, Route, Server};
use crate::world::{EVIL, FRIEND};

/// Longest time for the gateway to see that nothing will come of a connection.
const SECONDS: Duration = Duration::from_secs(40);

pub(crate) fn cases() -> Vec<Case> {
    cases![
        the_api_and_chats_go_on_while_files_run_out_and_after,
        a_client_that_left_keeps_no_descriptors,
        two_silent_sides_keep_no_descriptors,
    ]
    .into()
}

async fn answers(gateway: &Gateway, words: &[&str], when: &str) {
    let done = gateway.ask(words).await;
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?} {when}: {said}\n{}", gateway.log());
}

async fn the_api_and_chats_go_on_while_files_run_out_and_after() {
    let _friends = Server::start(FRIEND);
    let plan = Plan::new().limited("--nofile=256");
    assert!(plan.ask(&["mesh", "init", "--at", "127.0.0.1:7799"]).await.status.success());
    let gateway = plan.start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    answers(&gateway, &["mesh", "status"], "before").await;
    let proxy = PROXY.parse::<SocketAddr>().unwrap();
    let connect = |_| TcpStream::connect_timeout(&proxy, Duration::from_millis(200)).ok();
    let many: Vec<_> = (0..400).filter_map(connect).collect();
    sleep(Duration::from_millis(1500)).await;
    answers(&gateway, &["mesh", "status"], "while files have run out").await;
    answers(&gateway, &["wipe", "x@aol"], "while files have run out").await;
    chat.once().await;
    drop(many);
    let free = until(SECONDS, || gateway.files() < 64).await;
    assert!(free, "{} files are open", gateway.files());
    answers(&gateway, &["mesh", "status"], "after").await;
    answers(&gateway, &["wipe", "x@aol"], "after").await;
    drop(Client::sign_on("cid", FRIEND.0).await);
    assert!(gateway.data().join("api.sock").exists());
}

/// Some connections to a server that never says anything.
async fn silent(connections: usize) -> (Gateway, usize, Vec<tokio::net::TcpStream>, Kept) {
    let listener = listen(SocketAddr::from((Ipv4Addr::from(EVIL.1), 5222)));
    let kept = Kept(tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    }));
    let gateway = Gateway::start().await;
    let before = gateway.files();
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Route::to(EVIL.0).dial().await.unwrap());
    }
    assert!(gateway.files() >= before + 2 * connections);
    (gateway, before, clients, kept)
}

struct Kept(tokio::task::JoinHandle<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn a_client_that_left_keeps_no_descriptors() {
    let (gateway, before, clients, _kept) = silent(50).await;
    sleep(Duration::from_secs(3)).await;
    drop(clients);
    let free = until(SECONDS, || gateway.files() < before + 10).await;
    assert!(free, "{} files are open, {before} were before", gateway.files());
}

async fn two_silent_sides_keep_no_descriptors() {
    let (gateway, before, _clients, _kept) = silent(50).await;
    let free = until(SECONDS, || gateway.files() < before + 10).await;
    assert!(free, "{} files are open, {before} were before", gateway.files());
}

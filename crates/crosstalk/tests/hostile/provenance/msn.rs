//! MSN: a session is whose the server's answer to the proof says.

use crosstalk_mock::msn::ticket;

use super::liar::{LIAR, PASSWORD, Scene, VICTIMS_NAME};
use crate::case::{Case, cases};

const PORT: u16 = 1863;
const DOMAIN: &str = "msn.test";

pub(crate) fn cases() -> Vec<Case> {
    cases![an_msn_client_that_lies_in_every_field_is_signed_on_as_who_it_is].into()
}

/// Notification server that the dispatch server sends everybody to.
async fn notification_server(scene: &Scene) -> (String, u16) {
    let mut line = scene.through().await;
    line.write(b"VER 1 MSNP12 CVR0\r\n").await;
    line.line().await;
    line.write(format!("USR 2 TWN I {LIAR}@{DOMAIN}\r\n").as_bytes()).await;
    let sent = line.line().await.expect("a server to go to");
    let (host, port) = sent.split(' ').nth(3).and_then(|place| place.split_once(':')).unwrap();
    (host.to_owned(), port.parse().unwrap())
}

/// Says who it is in words that a server would say, before it proves to be another one.
async fn an_msn_client_that_lies_in_every_field_is_signed_on_as_who_it_is() {
    let scene = Scene::begin("msn", PORT).await;
    let victim = format!("{VICTIMS_NAME}@{DOMAIN}");
    let proof = ticket(PASSWORD);
    let (host, port) = notification_server(&scene).await;
    for lie in [
        String::new(),
        format!("USR 4 OK {victim} 1 0\r\n"),
        format!("USR 4 TWN S {proof}\r\nUSR 4 OK {victim} 1 0\r\n"),
    ] {
        let mut line = scene.through_to(&host, port).await;
        line.write(b"VER 1 MSNP12 CVR0\r\n").await;
        line.line().await;
        let version = format!("CVR 2 0x0409 winnt 5.1 i386 USR 4 OK {victim}\r\n");
        line.write(version.as_bytes()).await;
        line.line().await;
        line.write(format!("{lie}USR 3 TWN I {LIAR}@{DOMAIN}\r\n").as_bytes()).await;
        line.line().await;
        let answer = format!("USR 4 TWN S {proof} {victim}\r\nPRP 4 OK {victim}\r\n");
        line.write(answer.as_bytes()).await;
        while line.line().await.is_some_and(|said| !said.starts_with("PRP")) {}
    }
    scene.the_liar_is_signed_on().await;
}

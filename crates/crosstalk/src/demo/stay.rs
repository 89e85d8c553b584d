//! Joining the demo with a client of one's own.

use crosstalk_core::RichText;
use crosstalk_mock::{Act, Event};

use super::actor::Actor;
use super::cast::{GUEST, PASSWORD};
use super::stage::Stage;
use super::tell::{Teller, say};

/// Says how to point a client at the demo, which goes on until a signal comes.
pub(crate) fn invite(tell: Teller, stage: &Stage) {
    let (Some(aim), Some(jabber)) = (stage.direct("aol"), stage.direct("jabber")) else { return };
    let Some(proxy) = stage.proxy() else { return };
    let called: Vec<_> = stage.bases().iter().map(|base| base.called.host.as_str()).collect();
    tell.chapter("Join in with a client of your own. Ctrl-C ends the demo");
    say(format_args!(
        "
  Pidgin, Jabber     username {GUEST}, domain jabber.test, password {PASSWORD}
                     Advanced: connection security \"Use encryption if available\",
                     allow plaintext auth over unencrypted streams,
                     connect port {}, connect server {}

  Pidgin, AIM        username {GUEST}, password {PASSWORD}
                     Advanced: server {}, port {},
                     connection security \"Don't use encryption\", login type \"MD5-based\"

  By proxy instead   SOCKS 5, host {}, port {};
                     the servers are {}, at their usual ports

  Then add a buddy. Everybody says yes, and repeats what you say:",
        jabber.port(),
        jabber.ip(),
        aim.ip(),
        aim.port(),
        proxy.ip(),
        proxy.port(),
        called.join(", "),
    ));
}

/// Says how to write somebody's name.
pub(crate) fn introduce(stage: &Stage, actor: &Actor) {
    say(format_args!("    {:<32} {}", stage.names().universal(&actor.address), actor.name));
}

/// Plays a person who says yes to everybody and repeats what is said.
pub(crate) async fn oblige(mut actor: Actor) {
    while let Some(event) = actor.next_event().await {
        match event {
            Event::Asked { by, .. } => actor.does(Act::Accept(by)).await,
            Event::Said { from, text, auto: false } => {
                let mut echo = RichText::plain("You said: ");
                for (run, styles) in text.runs() {
                    echo.push(run, &styles.into_iter().cloned().collect::<Vec<_>>());
                }
                actor.does(Act::Say { to: from, text: echo }).await;
            }
            _ => {}
        }
    }
}

//! Actions of each of the attackers.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Attack, Crowd};
use crate::cost::{dial_dead, flood, serve_unfinished, unfinished, worst_markup};
use crate::dns::RESOLVER;
use crate::jabber::client::open;
use crate::jabber::{Client, Route, Server};
use crate::world::{EVIL, HOLE};

/// Between two texts of the worst markup on one session.
const PAUSE: Duration = Duration::from_secs(1);
/// Number of writers to the sessions that read nothing.
const WRITERS: usize = 12;
const SINK: &str = "sink%evil.example@jabber.xt";
/// Receiver of the worst markup.
const CARL: &str = "carl%evil.example@jabber.xt";

/// Address that a kind of attack comes from.
const fn from(attack: Attack) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 2, 1 + attack as u8)
}

/// Runs the servers of the attackers.
pub(super) fn serve(tasks: &mut JoinSet<()>) {
    tasks.spawn(serve_unfinished(HOLE.1));
    tasks.spawn(async {
        let _server = Server::start(EVIL);
        let _never_answers = UdpSocket::bind(RESOLVER).await.unwrap();
        std::future::pending::<()>().await;
    });
}

/// Begins what so many attackers do.
pub(super) fn spawn(attack: Attack, count: usize, crowd: &Arc<Crowd>, tasks: &mut JoinSet<()>) {
    match attack {
        Attack::Unfinished => {
            let text: Arc<str> = (open(HOLE.0) + &unfinished()).into();
            for _ in 0..count {
                tasks.spawn(leave_unfinished(Arc::clone(crowd), Arc::clone(&text)));
            }
        }
        Attack::Unread => {
            for number in 0..count {
                tasks.spawn(read_nothing(Arc::clone(crowd), number));
            }
            (0..WRITERS).for_each(|number| drop(tasks.spawn(write(number))));
        }
        Attack::Markup => {
            tasks.spawn(read("carl", attack));
            let text: Arc<str> = worst_markup(CARL).into();
            for number in 0..count {
                tasks.spawn(mark_up(Arc::clone(crowd), number, Arc::clone(&text)));
            }
        }
        Attack::Names => {
            for number in 0..count {
                tasks.spawn(dial_nobody(Arc::clone(crowd), number));
            }
        }
    }
}

/// Signs on, if the gateway lets it.
async fn sign_on(user: &str, resource: &str, attack: Attack) -> Option<Client> {
    let way = Route::to(EVIL.0).from(from(attack)).tight();
    let mut client = Client::new(way.dial().await.ok()?);
    client.tries_to_sign_on(user, EVIL.0, resource).await?;
    Some(client)
}

async fn leave_unfinished(crowd: Arc<Crowd>, text: Arc<str>) {
    let way = Route::to(HOLE.0).from(from(Attack::Unfinished)).tight();
    let coming = async { way.dial().await.ok().map(Client::new) };
    if let Some(mut here) = crowd.come(coming).await {
        here.there.insists(&text).await;
        here.there.ignores_all().await;
    }
}

async fn read_nothing(crowd: Arc<Crowd>, number: usize) {
    let resource = format!("r{number}");
    let Some(here) = crowd.come(sign_on("sink", &resource, Attack::Unread)).await else { return };
    std::future::pending::<()>().await;
    drop(here);
}

async fn write(number: usize) {
    if let Some(client) = sign_on(&format!("src{number}"), "r", Attack::Unread).await {
        flood(client, SINK).await;
    }
}

async fn read(user: &str, attack: Attack) {
    if let Some(mut client) = sign_on(user, "r", attack).await {
        client.ignores_all().await;
    }
}

async fn mark_up(crowd: Arc<Crowd>, number: usize, text: Arc<str>) {
    let user = format!("e{number}");
    let Some(mut here) = crowd.come(sign_on(&user, "r", Attack::Markup)).await else { return };
    while here.there.insists(&text).await {
        sleep(PAUSE).await;
    }
}

async fn dial_nobody(crowd: Arc<Crowd>, number: usize) {
    let here = crowd.come(async { Some(()) }).await;
    dial_dead(number, from(Attack::Names)).await;
    drop(here);
}

//! CrossTalk between clients and servers that others wrote.
//!
//! A [`Stage`] is base networks (our AIM, Yahoo and MSN servers, a real Prosody or ejabberd) and a gateway
//! process before each, but AIM and Yahoo share theirs. A [`Person`] sits at a real client: [libpurple](Person::at_aim),
//! [msnp11-sdk](Person::at_msnp11) or [slixmpp](Person::at_slixmpp), driven through a program in
//! `drivers`, or at a client in a [`Terminal`]. [`Pidgin`], [`Gajim`] and [`Dino`] are the programs
//! themselves, on a [`Desktop`], and a [`Browser`] shows the chat page. At a [`Court`], a [`RawJabber`]
//! client lies to real servers.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test bench fails by panic")]

mod aim;
mod balanced;
mod browser;
mod certificate;
mod court;
mod crowd;
mod desktop;
mod dino;
mod directory;
mod driver;
mod ejabberd;
mod event;
mod gajim;
mod gateway;
mod haproxy;
mod jabber_clients;
mod jabber_server;
mod msn;
mod person;
mod pidgin;
mod process;
mod prosody;
mod proxychains;
mod raw_jabber;
mod schemathesis;
mod sqlite;
mod stage;
mod suite;
mod terminal;
mod trusting;
mod yahoo;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use aim::AimServer;
pub use balanced::Balanced;
pub use browser::Browser;
pub use court::Court;
pub use crowd::{Crowd, Friend};
pub use desktop::{Desktop, side_by_side};
pub use dino::Dino;
pub use directory::DirectoryExample;
pub use ejabberd::Ejabberd;
pub use event::Event;
pub use gajim::Gajim;
pub use gateway::{Gateway, crosstalk};
pub use msn::MsnServer;
pub use person::{Person, Route};
pub use pidgin::{JUST_COME, Pidgin};
pub use prosody::Prosody;
pub use raw_jabber::RawJabber;
pub use schemathesis::ApiUnderTest;
pub use stage::{Stage, fresh_directory};
pub use terminal::Terminal;
pub use yahoo::{YahooServer, YahooUser};

/// Path of a client that `cargo xtask peers` has built.
fn peer(name: &str) -> PathBuf {
    let peers = std::env::var_os("CROSSTALK_PEERS").map_or_else(usual_peers, PathBuf::from);
    let path = peers.join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask peers` first", path.display());
    path
}

/// The sources of the drivers.
fn drivers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers")
}

/// The build's own directory, such as `target/debug`.
fn build_directory() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().to_owned()
}

/// A binary of the same build as this test.
fn built(name: &str) -> PathBuf {
    let path = build_directory().join(name);
    assert!(path.exists(), "{} is missing: cargo build --workspace --bins", path.display());
    path
}

fn usual_peers() -> PathBuf {
    build_directory().with_file_name("peers")
}

/// A port on loopback that was free a moment ago. It is none that systems give out for outgoing
/// connections, so that it stays free while a gateway is dead.
fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let next = || {
        let number = std::process::id() + TAKEN.fetch_add(1, Ordering::Relaxed);
        u16::try_from(20_000 + number % 10_000).unwrap()
    };
    std::iter::repeat_with(next).find(free).unwrap()
}

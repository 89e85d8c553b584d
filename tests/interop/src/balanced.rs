//! A gateway behind `HAProxy`, between our AIM server and our Yahoo server.

use std::fs;
use std::path::PathBuf;

use crate::haproxy::{Front, HaProxy};
use crate::stage::fresh_directory;
use crate::{AimServer, Gateway, Person, Route, YahooServer, YahooUser, free_port};

/// Every password there.
const PASSWORD: &str = "s3cret-Passw0rd";
/// A gateway that knows its clients by what `HAProxy` says of them, in version 1 of the PROXY protocol
/// for AIM, and in version 2 for Yahoo.
pub struct Balanced {
    gateway: Gateway,
    _haproxy: HaProxy,
    _aim: AimServer,
    yahoo: YahooServer,
    /// Ports at which AIM and Yahoo clients come.
    ports: [u16; 2],
    directory: PathBuf,
}

impl Balanced {
    /// Address that AIM clients seem to have.
    pub const AT_AIM: &str = "198.51.100.7";
    /// Address that Yahoo clients seem to have.
    pub const AT_YAHOO: &str = "8.8.8.8";

    /// Starts everything, with `alice` at AIM and `yolanda` at Yahoo. Services know these `places`,
    /// a database, and ask the Last.fm at this port of loopback.
    pub fn start(places: &[u8], lastfm: u16) -> Self {
        let directory = fresh_directory();
        let database = directory.join("places.mmdb");
        fs::write(&database, places).unwrap();
        let aim = AimServer::start(&[("alice", PASSWORD)]);
        let yahoo = YahooServer::start(&[("yolanda", PASSWORD)]);
        let [ports, behind] = [(); 2].map(|()| [(); 2].map(|()| free_port()));
        // Clients of AIM are sent from one connection to the next, and that is at HAProxy too.
        let table = |network: &str, host: &str, server: u16, at: usize| {
            let (port, behind) = (ports[at], behind[at]);
            format!(
                "[networks.{network}]\nhosts = [\"{host}\"]\n\
                 [[networks.{network}.direct]]\nlisten = \"127.0.0.1:{behind}\"\n\
                 upstream = \"127.0.0.1:{server}\"\nadvertise = \"127.0.0.1:{port}\"\n\
                 behind = [\"127.0.0.1\"]\n"
            )
        };
        let services = format!(
            "[services]\nallow = [\"127.0.0.1:{lastfm}\"]\n\
             [services.music]\nlastfm = \"http://127.0.0.1:{lastfm}/2.0/\"\nkey = \"a key\"\n\
             [services.location]\ndatabases = [\"{}\"]\ncredit = \"a test\"\n",
            database.display()
        );
        let aol = table("aol", "login.aim.test", aim.port(), 0);
        let tables = aol + &table("yahoo", "scs.yahoo.test", yahoo.port(), 1) + &services;
        let mut gateway = Gateway::prepare(directory.join("gateway"));
        gateway.configure(&format!("proxy = []\n{tables}"), &behind);
        gateway.start();
        let fronts = [
            Front { port: ports[0], to: behind[0], says: "send-proxy", client: Self::AT_AIM },
            Front { port: ports[1], to: behind[1], says: "send-proxy-v2", client: Self::AT_YAHOO },
        ];
        let haproxy = HaProxy::start(&directory.join("haproxy"), &fronts);
        Self { gateway, _haproxy: haproxy, _aim: aim, yahoo, ports, directory }
    }

    /// Alice at libpurple's AIM, signed on through `HAProxy`.
    pub fn alice(&self) -> Person {
        let way = Route::Direct("localhost".to_owned(), self.ports[0]);
        let mut alice = Person::at_aim("alice", PASSWORD, &way, &self.directory.join("home"));
        alice.signs_on();
        alice
    }

    /// Yolanda at our own Yahoo client, signed on through `HAProxy`.
    pub fn yolanda(&self) -> YahooUser<'_> {
        self.yahoo.user("yolanda", PASSWORD, self.ports[1])
    }

    /// The gateway's log.
    pub fn log(&self) -> String {
        self.gateway.log()
    }
}

impl Drop for Balanced {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what this test left behind is in {}", self.directory.display());
        } else {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

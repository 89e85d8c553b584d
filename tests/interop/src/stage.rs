//! Three base networks and a gateway before each.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::jabber_clients::{self, Account};
use crate::jabber_server::{JabberServer, Kind};
use crate::prosody::DOMAIN;
use crate::suite::Suite;
use crate::{
    AimServer, Desktop, Dino, Gajim, Gateway, MsnServer, Person, Pidgin, Route, Terminal,
    YahooServer, YahooUser, free_port,
};

/// Every password on the stage. No log may hold it.
const PASSWORD: &str = "s3cret-Passw0rd";

/// The same in what SASL PLAIN sends for Romeo and for Juliet.
const IN_BASE64: [&str; 2] = ["AHJvbWVvAHMzY3JldC1QYXNzdzByZA", "AGp1bGlldABzM2NyZXQtUGFzc3cwcmQ"];

/// Name of the AIM server for clients that come through a proxy.
const AIM_HOST: &str = "login.aim.test";
const YAHOO_HOST: &str = "scs.yahoo.test";
const MSN_HOST: &str = "messenger.msn.test";

/// The domain of the MSN server's users.
const PASSPORTS: &str = "msn.test";

/// Our AIM server behind one gateway, a real Jabber server behind the next, our MSN server behind
/// the last.
pub struct Stage {
    /// The gateway of the AIM users.
    pub west: Gateway,
    /// The gateway of the Jabber users.
    pub east: Gateway,
    /// The gateway of the MSN users.
    pub south: Gateway,
    jabber: JabberServer,
    /// The AIM server.
    pub aim: AimServer,
    /// The MSN server.
    pub msn: MsnServer,
    yahoo: YahooServer,
    /// Port at which the gateway of the AIM users plays the Yahoo server.
    yahoo_listener: u16,
    aim_way: Route,
    jabber_way: Route,
    /// Release of the Jabber server and the terminal clients.
    suite: Suite,
    /// MSN users come as each wants to: through the proxy or to the listener.
    msn_ways: [Route; 2],
    directory: PathBuf,
}

impl Stage {
    /// A stage with Prosody, where clients come through SOCKS5.
    pub fn behind_socks() -> Self {
        Self::set(true, (Kind::Prosody, Suite::Own), "")
    }

    /// A stage with Prosody, where clients take the gateways for their servers.
    pub fn behind_listeners() -> Self {
        Self::set(false, (Kind::Prosody, Suite::Own), "")
    }

    /// A stage with ejabberd, where clients come through SOCKS5.
    pub fn of_ejabberd() -> Self {
        Self::set(true, (Kind::Ejabberd, Suite::Own), "")
    }

    /// A stage with the Prosody of Debian's next release, where clients come through SOCKS5.
    pub fn of_next_prosody() -> Self {
        Self::set(true, (Kind::Prosody, Suite::Next), "")
    }

    /// A stage with the ejabberd of Debian's next release, where clients come through SOCKS5.
    pub fn of_next_ejabberd() -> Self {
        Self::set(true, (Kind::Ejabberd, Suite::Next), "")
    }

    /// A stage with the Prosody and the terminal clients of Debian's next release, where clients
    /// take the gateway for their server and the gateway signs on in their place.
    pub fn reoriginating() -> Self {
        Self::set(false, (Kind::Prosody, Suite::Next), "options = [\"reoriginate\"]\n")
    }

    fn set(socks: bool, jabber: (Kind, Suite), options: &str) -> Self {
        let suite = jabber.1;
        let directory = fresh_directory();
        let aim = AimServer::start(&[("alice", PASSWORD), ("carol", PASSWORD), ("dave", PASSWORD)]);
        let msn = MsnServer::start(&[("mary", PASSWORD), ("mike", PASSWORD)]);
        let yahoo = YahooServer::start(&[("yolanda", PASSWORD)]);
        let users = [("romeo", PASSWORD), ("juliet", PASSWORD)];
        let jabber = JabberServer::start(jabber, &directory, &users);
        let [mut west, mut east, mut south] =
            ["west", "east", "south"].map(|name| Gateway::prepare(directory.join(name)));
        let ids = [&west, &east, &south].map(Gateway::id);
        let mesh: [Seat; 3] = [("aol", &ids[0]), ("jabber", &ids[1]), ("msn", &ids[2])]
            .map(|(network, id)| Seat { network, id, port: free_port() });
        // Its own table is the last one before what comes here.
        let tls = format!(
            "{options}[tls]\nterminate = [\"{DOMAIN}\", \"127.0.0.1\", \"localhost\"]\nroots = [\"{}\"]\n",
            jabber.ca().display()
        );
        let yahoo_listener = free_port();
        let web = free_port();
        let yahoo_too = network_table("yahoo", YAHOO_HOST, yahoo.port(), yahoo_listener)
            + &format!("[api]\nlisten = [\"127.0.0.1:{web}\"]\n");
        let [aim_ways, jabber_ways, msn_ways] = [
            (&mut west, AIM_HOST, aim.port(), 5190, yahoo_too.as_str()),
            (&mut east, DOMAIN, jabber.port(), 5222, &tls),
            (&mut south, MSN_HOST, msn.port(), 1863, ""),
        ]
        .into_iter()
        .zip(0..)
        .map(|((gateway, host, server, usual, more), own)| {
            let [proxy, listener] = [(); 2].map(|()| free_port());
            let networks = network_table(mesh[own].network, host, server, listener);
            let tables = [proxy_table(proxy), networks, more.to_owned(), mesh_tables(&mesh, own)];
            gateway.configure(&tables.concat(), &[proxy, listener, mesh[own].port]);
            gateway.start();
            [
                Route::Socks(proxy, host.to_owned(), usual),
                Route::Direct("localhost".to_owned(), listener),
            ]
        })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
        let chosen = usize::from(!socks);
        let [aim_way, jabber_way] = [aim_ways, jabber_ways].map(|ways| ways[chosen].clone());
        Self {
            west,
            east,
            south,
            jabber,
            aim,
            msn,
            yahoo,
            yahoo_listener,
            aim_way,
            jabber_way,
            suite,
            msn_ways,
            directory,
        }
    }

    /// A person at libpurple's AIM, signed on.
    pub fn aim(&self, name: &str) -> Person {
        let home = self.directory.join("home").join(name);
        let mut person = Person::at_aim(name, PASSWORD, &self.aim_way, &home);
        person.signs_on();
        person
    }

    /// A link that lets somebody in at the chat page of the gateway of the AIM users.
    pub fn invite(&self, name: &str) -> String {
        self.west.ask(&["api", "invite", name]).trim().to_owned()
    }

    /// Pidgin itself with an AIM account, signed on.
    pub fn pidgin_itself<'a>(&self, name: &str, desktop: &'a Desktop) -> Pidgin<'a> {
        let home = self.directory.join("home").join(format!("{name}-pidgin"));
        Pidgin::at_aim(name, PASSWORD, &self.aim_way, &home, desktop)
    }

    /// A person at our own Yahoo client, signed on.
    pub fn yahoo(&self, name: &str) -> YahooUser<'_> {
        self.yahoo.user(name, PASSWORD, self.yahoo_listener)
    }

    /// A person at libpurple's Jabber, signed on.
    pub fn pidgin(&self, name: &str) -> Person {
        let home = self.directory.join("home").join(name);
        let jid = self.jid(name);
        let trust = self.east.trust();
        let mut person = Person::at_purple_jabber(&jid, PASSWORD, &self.jabber_way, &home, &trust);
        person.signs_on();
        person
    }

    /// A person at slixmpp, signed on.
    pub fn slixmpp(&self, name: &str) -> Person {
        let ca = self.east.ca();
        let mut person = Person::at_slixmpp(&self.jid(name), PASSWORD, &self.jabber_way, &ca);
        person.signs_on();
        person
    }

    /// A person at Profanity, which signs on.
    pub fn profanity(&self, name: &str) -> Terminal {
        self.with_account(name, "profanity", jabber_clients::profanity)
    }

    /// A person at Poezio, which signs on.
    pub fn poezio(&self, name: &str) -> Terminal {
        self.with_account(name, "poezio", jabber_clients::poezio)
    }

    /// A person at Gajim, signed on.
    pub fn gajim<'a>(&self, name: &str, desktop: &'a Desktop) -> Gajim<'a> {
        self.with_account(name, "gajim", |account| Gajim::start(account, desktop))
    }

    /// A person at Dino, which signs on.
    pub fn dino<'a>(&self, name: &str, desktop: &'a Desktop) -> Dino<'a> {
        self.with_account(name, "dino", |account| Dino::start(account, desktop))
    }

    /// Sends `text` from a script of somebody's by go-sendxmpp, and returns what it complains of.
    pub fn go_sendxmpp(&self, name: &str, to: &str, text: &str) -> String {
        self.with_account(name, "go-sendxmpp", |at| jabber_clients::go_sendxmpp(at, to, text))
    }

    fn with_account<R>(&self, name: &str, client: &str, act: impl FnOnce(&Account<'_>) -> R) -> R {
        let home = self.directory.join("home").join(format!("{name}-{client}"));
        act(&Account {
            jid: &self.jid(name),
            password: PASSWORD,
            way: &self.jabber_way,
            suite: self.suite,
            ca: &self.east.ca(),
            home: &home,
        })
    }

    /// A person at msnp11-sdk who touches no hosts file, signed on.
    pub fn msn_behind_socks(&self, name: &str) -> Person {
        self.msn_by(name, &self.msn_ways[0])
    }

    /// A person at msnp11-sdk who takes the gateway for the server, signed on.
    pub fn msn_behind_listener(&self, name: &str) -> Person {
        self.msn_by(name, &self.msn_ways[1])
    }

    fn msn_by(&self, name: &str, way: &Route) -> Person {
        let home = self.directory.join("home").join(name);
        let passport = self.passport(name);
        let mut person = Person::at_msnp11(&passport, PASSWORD, way, &self.msn.nexus(), &home);
        person.signs_on();
        person
    }

    /// Directory of everything on stage, until the stage is dropped.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A user of the MSN server, as MSN users call each other.
    pub fn passport(&self, name: &str) -> String {
        format!("{name}@{PASSPORTS}")
    }

    /// A user of the MSN server, as AIM and Jabber users call them.
    pub fn msn_name(&self, name: &str) -> String {
        format!("{name}%{PASSPORTS}@msn.xt")
    }

    /// A user of the Jabber server, as Jabber users call each other.
    pub fn jid(&self, name: &str) -> String {
        format!("{name}@{DOMAIN}")
    }

    /// A user of the Jabber server, as AIM and MSN users call
    /// them.
    pub fn jabber_name(&self, name: &str) -> String {
        format!("{name}%{DOMAIN}@jabber.xt")
    }

    /// Checks what nobody may have learnt: the base servers no foreign name, and no log a secret,
    /// `said` being what was said on stage.
    pub fn kept_its_secrets(&self, said: &[&str]) {
        for foreign in ["romeo", "juliet", "jabber", "mary", "mike", "msn", ".xt", "crosstalk"] {
            assert!(!self.aim.has_heard(foreign), "the AIM server learnt of {foreign}");
        }
        for foreign in ["romeo", "juliet", "jabber", "alice", "carol", "aol", ".xt", "crosstalk"] {
            assert!(!self.msn.has_heard(foreign), "the MSN server learnt of {foreign}");
        }
        let memory = self.jabber.memory().to_lowercase();
        let told = self.aim.has_heard("alice") && memory.contains("<presence");
        assert!(told, "servers whose ears are stopped prove nothing");
        // Random names of connections have letters enough for a short word.
        for foreign in ["alice", "carol", "mary", "mike", "@aol", ".xt", "crosstalk@"] {
            let line = memory.lines().find(|line| line.contains(foreign));
            assert!(line.is_none(), "the Jabber server learnt of {foreign}: {line:?}");
        }
        let cookies = self.aim.cookies();
        assert!(!cookies.is_empty(), "AIM users sign on with cookies");
        let (tickets, given) = (self.msn.secrets(), cookies.iter().map(String::as_str));
        let given = given.chain(tickets.iter().map(String::as_str));
        let secrets: Vec<_> =
            given.chain(said.iter().copied()).chain(IN_BASE64).chain([PASSWORD]).collect();
        for log in [self.west.log(), self.east.log(), self.south.log()] {
            assert!(!log.is_empty());
            for secret in &secrets {
                let line = log.lines().find(|line| line.contains(secret));
                assert!(line.is_none(), "a log holds {secret}: {line:?}");
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what this test left behind is in {}", self.directory.display());
        } else {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// An empty directory, for a test to remove.
pub fn fresh_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("crosstalk-interop-{}-{count}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn proxy_table(port: u16) -> String {
    format!("[[proxy]]\nlisten = \"127.0.0.1:{port}\"\n")
}

fn network_table(network: &str, host: &str, server: u16, listener: u16) -> String {
    format!(
        "[networks.{network}]\nhosts = [\"{host}\"]\n\
         servers = {{ \"{host}\" = \"127.0.0.1:{server}\" }}\n\
         direct = [{{ listen = \"127.0.0.1:{listener}\", upstream = \"127.0.0.1:{server}\" }}]\n"
    )
}

/// A gateway's place in the mesh.
struct Seat<'a> {
    network: &'a str,
    id: &'a str,
    port: u16,
}

/// The mesh as the gateway at `own` has to know it.
fn mesh_tables(seats: &[Seat<'_>], own: usize) -> String {
    let others = seats.iter().zip(0..).filter(|(_, at)| *at != own);
    let members = others.map(|(Seat { network, id, port }, _)| {
        format!(
            "[[mesh.member]]\nid = \"{id}\"\naddresses = [\"127.0.0.1:{port}\"]\n\
             networks = [\"{network}\"]\n"
        )
    });
    let members: Vec<String> = members.collect();
    format!("[mesh]\nlisten = [\"127.0.0.1:{}\"]\n{}", seats[own].port, members.concat())
}

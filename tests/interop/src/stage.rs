//! Two base networks and a gateway before each.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::prosody::DOMAIN;
use crate::{AimServer, Gateway, Person, Prosody, Way, free_port};

/// Every password on the stage. No log may hold it.
const PASSWORD: &str = "s3cret-Passw0rd";

/// The same in what SASL PLAIN sends for Romeo and for Juliet.
const IN_BASE64: [&str; 2] = ["AHJvbWVvAHMzY3JldC1QYXNzdzByZA", "AGp1bGlldABzM2NyZXQtUGFzc3cwcmQ"];

/// What clients call the AIM server when they come through a proxy.
const AIM_HOST: &str = "login.aim.test";

/// Our AIM server behind one gateway, a real Prosody behind the other.
pub struct Stage {
    /// The gateway of the AIM users.
    pub west: Gateway,
    /// The gateway of the Jabber users.
    pub east: Gateway,
    /// The Jabber server.
    pub prosody: Prosody,
    /// The AIM server.
    pub aim: AimServer,
    aim_way: Way,
    jabber_way: Way,
    directory: PathBuf,
}

impl Stage {
    /// A stage where clients come through SOCKS5.
    pub fn behind_socks() -> Self {
        Self::set(true)
    }

    /// A stage where clients take the gateways for their servers.
    pub fn behind_listeners() -> Self {
        Self::set(false)
    }

    fn set(socks: bool) -> Self {
        let directory = fresh_directory();
        let aim = AimServer::start(&[("alice", PASSWORD), ("carol", PASSWORD)]);
        let prosody = Prosody::start(
            directory.join("prosody"),
            &[("romeo", PASSWORD), ("juliet", PASSWORD)],
            &[],
        );

        let mut west = Gateway::prepare(directory.join("west"));
        let mut east = Gateway::prepare(directory.join("east"));
        let [proxy, listener, east_proxy, east_listener, west_mesh, east_mesh] =
            [(); 6].map(|()| free_port());
        let aim_port = aim.port();
        west.configure(
            &format!(
                "{}\n[networks.aol]\nhosts = [\"{AIM_HOST}\"]\n\
                 servers = {{ \"{AIM_HOST}\" = \"127.0.0.1:{aim_port}\" }}\n\
                 direct = [{{ listen = \"127.0.0.1:{listener}\", upstream = \"127.0.0.1:{aim_port}\" }}]\n{}",
                proxy_table(proxy),
                mesh_tables(west_mesh, &east.id(), east_mesh, "jabber"),
            ),
            &[proxy, listener, west_mesh],
        );
        let jabber_port = prosody.port();
        east.configure(
            &format!(
                "{}\n[networks.jabber]\nhosts = [\"{DOMAIN}\"]\n\
                 servers = {{ \"{DOMAIN}\" = \"127.0.0.1:{jabber_port}\" }}\n\
                 direct = [{{ listen = \"127.0.0.1:{east_listener}\", upstream = \"127.0.0.1:{jabber_port}\" }}]\n\
                 [tls]\nterminate = [\"{DOMAIN}\", \"127.0.0.1\"]\nroots = [\"{}\"]\n{}",
                proxy_table(east_proxy),
                prosody.ca().display(),
                mesh_tables(east_mesh, &west.id(), west_mesh, "aol"),
            ),
            &[east_proxy, east_listener, east_mesh],
        );
        west.start();
        east.start();
        let (aim_way, jabber_way) = if socks {
            (
                Way::Socks(proxy, AIM_HOST.to_owned(), 5190),
                Way::Socks(east_proxy, DOMAIN.to_owned(), 5222),
            )
        } else {
            let here = || "localhost".to_owned();
            (Way::Direct(here(), listener), Way::Direct(here(), east_listener))
        };
        Self { west, east, prosody, aim, aim_way, jabber_way, directory }
    }

    /// A person at libpurple's AIM, signed on.
    pub fn aim(&self, name: &str) -> Person {
        let home = self.directory.join("home").join(name);
        let mut person = Person::at_aim(name, PASSWORD, &self.aim_way, &home);
        person.signs_on();
        person
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

    /// A user of the Jabber server, as Jabber users call each other.
    pub fn jid(&self, name: &str) -> String {
        format!("{name}@{DOMAIN}")
    }

    /// A user of the Jabber server, as AIM users call them.
    pub fn jabber_name(&self, name: &str) -> String {
        format!("{name}%{DOMAIN}@jabber.xt")
    }

    /// Checks what nobody may have learnt: the base servers no foreign name, and no log a secret,
    /// `said` being what was said on stage.
    pub fn kept_its_secrets(&self, said: &[&str]) {
        for foreign in ["romeo", "juliet", "jabber", ".xt", "crosstalk"] {
            assert!(!self.aim.has_heard(foreign), "the AIM server learnt of {foreign}");
        }
        let memory = self.prosody.memory().to_lowercase();
        let told = self.aim.has_heard("alice") && memory.contains("recv: <presence");
        assert!(told, "servers whose ears are stopped prove nothing");
        for foreign in ["alice", "carol", "aol", ".xt", "crosstalk@"] {
            let line = memory.lines().find(|line| line.contains(foreign));
            assert!(line.is_none(), "Prosody learnt of {foreign}: {line:?}");
        }
        let cookies = self.aim.cookies();
        assert!(!cookies.is_empty(), "AIM users sign on with cookies");
        let secrets = cookies.iter().map(String::as_str).chain(said.iter().copied());
        let secrets: Vec<_> = secrets.chain(IN_BASE64).chain([PASSWORD]).collect();
        for log in [self.west.log(), self.east.log()] {
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

fn fresh_directory() -> PathBuf {
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

fn mesh_tables(own_port: u16, peer: &str, peer_port: u16, peer_network: &str) -> String {
    format!(
        "[mesh]\nlisten = [\"127.0.0.1:{own_port}\"]\n[[mesh.member]]\nid = \"{peer}\"\n\
         addresses = [\"127.0.0.1:{peer_port}\"]\nnetworks = [\"{peer_network}\"]\n"
    )
}

//! A person at a real client.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::driver::{Driver, PATIENCE};
use crate::proxychains::proxychains;
use crate::{Event, built, drivers, peer};

/// Route of a client to its server.
#[derive(Clone, Debug)]
pub enum Route {
    /// Through the SOCKS5 proxy at this port, by the server's name and port.
    Socks(u16, String, u16),
    /// By connecting to this port of this host.
    Direct(String, u16),
}

/// The client's kind, where people have to behave differently.
#[derive(Clone, Copy)]
enum Kind {
    Slixmpp,
    Libpurple,
    Msnp11,
}

/// A client and what it has shown.
pub struct Person {
    client: Kind,
    driver: Driver,
}

impl Person {
    /// A person at libpurple's AIM, not signed on yet.
    pub fn at_aim(name: &str, password: &str, way: &Route, home: &Path) -> Self {
        let mut person = Self::at_purple(name, home, "prpl-aim", name, password);
        // The usual login asks a server on the web and would ignore where we send it.
        person.does(&["string", "login_type", "md5_login"]);
        person.does(&["string", "encryption", "no_encryption"]);
        person.goes(way, "server");
        person
    }

    /// A person at libpurple's Jabber, trusting the CAs in the directory `trust`; not signed on
    /// yet.
    pub fn at_purple_jabber(
        jid: &str,
        password: &str,
        way: &Route,
        home: &Path,
        trust: &Path,
    ) -> Self {
        let mut person =
            Self::at_purple(jid, home, "prpl-jabber", &format!("{jid}/pidgin"), password);
        person.does(&["string", "connection_security", "require_tls"]);
        person.does(&["trust", &trust.display().to_string()]);
        person.goes(way, "connect_server");
        person
    }

    /// A person at slixmpp, trusting the CA in the file `trust`; not signed on yet.
    pub fn at_slixmpp(jid: &str, password: &str, way: &Route, trust: &Path) -> Self {
        let mut command = Command::new(peer("venv/bin/python"));
        command.arg(drivers().join("slix.py")).args([jid, password]);
        match way {
            Route::Socks(proxy, host, port) => {
                command.args([host, &port.to_string(), &proxy.to_string()])
            }
            Route::Direct(host, port) => command.args([host, &port.to_string(), ""]),
        };
        command.arg(trust);
        Self::start(jid, Kind::Slixmpp, &mut command)
    }

    /// A person at msnp11-sdk, which gets its ticket at `nexus`; not signed on yet. It knows no
    /// proxy: one is put under it, as users of old clients do.
    pub fn at_msnp11(
        passport: &str,
        password: &str,
        way: &Route,
        nexus: &str,
        home: &Path,
    ) -> Self {
        let driver = built("msnp11");
        let (mut command, host, port) = match way {
            Route::Socks(proxy, host, port) => {
                // The web server that gives out tickets is no host of the proxy's; others at the
                // same address are.
                let web = nexus.trim_start_matches("http://").split('/').next();
                let mut command = proxychains(home, *proxy, web);
                command.arg(driver);
                (command, host, port)
            }
            Route::Direct(host, port) => (Command::new(driver), host, port),
        };
        command.args([passport, password, host, &port.to_string(), nexus]);
        Self::start(passport, Kind::Msnp11, &mut command)
    }

    fn at_purple(name: &str, home: &Path, protocol: &str, user: &str, password: &str) -> Self {
        std::fs::create_dir_all(home).unwrap();
        let aim = peer("aim");
        let mut command = Command::new(peer("purple"));
        command.arg(home).arg(&aim).env("LD_LIBRARY_PATH", &aim).env("HOME", home);
        let mut person = Self::start(name, Kind::Libpurple, &mut command);
        person.does(&["account", protocol, user, password]);
        person
    }

    fn goes(&mut self, way: &Route, server_setting: &str) {
        let (host, port) = match way {
            Route::Socks(proxy, host, port) => {
                self.does(&["proxy", "127.0.0.1", &proxy.to_string()]);
                (host, port)
            }
            Route::Direct(host, port) => (host, port),
        };
        self.does(&["string", server_setting, host]);
        self.does(&["number", "port", &port.to_string()]);
    }

    fn start(name: &str, client: Kind, command: &mut Command) -> Self {
        Self { client, driver: Driver::start(name, command) }
    }

    /// Gives the driver a command.
    pub fn does(&mut self, words: &[&str]) {
        self.driver.does(words);
    }

    /// Signs on and waits until the client says so.
    pub fn signs_on(&mut self) {
        self.calls();
        self.sees("connected", &[]);
    }

    /// Begins to sign on.
    pub fn calls(&mut self) {
        self.driver.buddies.clear();
        self.does(&["online"]);
    }

    /// Signs off.
    pub fn signs_off(&mut self) {
        self.does(&["offline"]);
        self.sees("disconnected", &[]);
    }

    /// Goes away with a text.
    pub fn goes_away(&mut self, text: &str) {
        let text = self.types(text);
        self.does(&["away", &text]);
    }

    /// Sends `html` (to libpurple) or text (to others).
    pub fn says(&mut self, to: &str, message: &str) {
        self.does(&["im", to, message]);
        self.sees("sent", &[("name", to)]);
    }

    /// Waits until the client asks whether `name` may add this person.
    #[track_caller]
    pub fn sees_request(&mut self, name: &str) -> Event {
        match self.client {
            Kind::Slixmpp => self.sees("subscription", &[("name", name), ("kind", "subscribe")]),
            Kind::Msnp11 => self.sees("request", &[("name", name)]),
            // AIM gives the name of somebody on another network as a nickname.
            Kind::Libpurple => self.sees_any("dialogue", |event| {
                event.has(&[("kind", "authorize")])
                    && [event.name(), event.get("title")].contains(&name)
            }),
        }
    }

    /// Answers yes to what [`Person::sees_request`] returned.
    pub fn grants(&mut self, request: &Event) {
        match self.client {
            Kind::Slixmpp | Kind::Msnp11 => self.does(&["answer", request.name(), "yes"]),
            Kind::Libpurple => self.does(&["answer", request.get("id"), "0"]),
        }
    }

    /// Answers no.
    pub fn refuses(&mut self, request: &Event) {
        match self.client {
            Kind::Slixmpp | Kind::Msnp11 => self.does(&["answer", request.name(), "no"]),
            Kind::Libpurple => self.does(&["answer", request.get("id"), "1"]),
        }
    }

    /// Adds the other, who is called `theirs` here and calls this person `mine`, and the other
    /// way round, each asking first.
    #[track_caller]
    pub fn befriends(&mut self, theirs: &str, other: &mut Self, mine: &str) {
        self.does(&["add", theirs, "Friends"]);
        let request = other.sees_request(mine);
        other.grants(&request);
        self.finds(theirs, &[("online", "yes")]);
        other.does(&["add", mine, "Friends"]);
        let request = self.sees_request(theirs);
        self.grants(&request);
        other.finds(mine, &[("online", "yes")]);
    }

    /// Text to give to [`Person::says`] for a plain text: libpurple's windows make HTML of it.
    pub fn types(&self, text: &str) -> String {
        match self.client {
            Kind::Slixmpp | Kind::Msnp11 => text.to_owned(),
            Kind::Libpurple => {
                let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                escaped.replace('\n', "<br>")
            }
        }
    }

    /// The most bytes of text that the client sends at once.
    pub fn longest(&self) -> usize {
        match self.client {
            Kind::Libpurple => 2_500,
            Kind::Slixmpp | Kind::Msnp11 => 3_000,
        }
    }

    /// Waits for an event, and takes it out of those that were not looked at yet.
    #[track_caller]
    pub fn sees(&mut self, kind: &str, fields: &[(&str, &str)]) -> Event {
        self.sees_any(&format!("{kind} {fields:?}"), |e| e.kind() == kind && e.has(fields))
    }

    #[track_caller]
    fn sees_any(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        self.driver.sees(PATIENCE, what, wanted)
    }

    /// Waits until the buddy list shows `name` so.
    #[track_caller]
    pub fn finds(&mut self, name: &str, fields: &[(&str, &str)]) {
        self.finds_within(PATIENCE, name, fields);
    }

    /// Like [`Person::finds`], with a deadline of its own.
    #[track_caller]
    pub fn finds_within(&mut self, within: Duration, name: &str, fields: &[(&str, &str)]) {
        self.driver.wait(within, &format!("{name} {fields:?} in the buddy list"), |driver| {
            driver.buddies.get(&name.to_lowercase()).is_some_and(|buddy| buddy.has(fields))
        });
    }

    /// The buddy list, by lower-case name.
    #[track_caller]
    pub fn buddy_list(&mut self) -> BTreeMap<String, Event> {
        self.driver.unseen.retain(|event| !matches!(event.kind(), "listed" | "list-end"));
        self.does(&["list"]);
        self.sees("list-end", &[]);
        let listed = self.driver.unseen.iter().filter(|event| event.kind() == "listed");
        listed.map(|event| (event.name().to_lowercase(), event.clone())).collect()
    }

    /// Whether an event came that was not looked at yet.
    pub fn has_seen(&mut self, kind: &str, fields: &[(&str, &str)]) -> bool {
        self.driver.has_seen(kind, fields)
    }

    /// Takes what was not looked at yet, and waits up to `within` for something.
    pub fn shown(&mut self, within: Duration) -> Vec<Event> {
        self.driver.shown(within)
    }

    /// Forgets everything not looked at so far.
    pub fn looks_away(&mut self) {
        self.driver.looks_away();
    }
}

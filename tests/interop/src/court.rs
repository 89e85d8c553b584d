//! One gateway between a Jabber server without TLS and our AIM server, for clients that lie.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crosstalk_mock::{Account, Act, Client, Event, Route, by_id};
use tokio::runtime::{Builder, Runtime};

use crate::prosody::DOMAIN;
use crate::stage::fresh_directory;
use crate::{AimServer, Ejabberd, Gateway, Prosody, RawJabber, free_port};

/// Longest wait for something that is to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Users of the Jabber server, with their passwords.
const USERS: [(&str, &str); 2] = [MALLORY, CEO];
const MALLORY: (&str, &str) = ("mallory", "mallory's");
const CEO: (&str, &str) = ("ceo", "the ceo's");
/// User of the AIM server, with the password.
const AIM_USER: (&str, &str) = ("alice", "alice's");
/// Spelling of the AIM user for Jabber users.
const ALICE: &str = "alice@aol.xt";

/// A Jabber server with accounts for `mallory` and `ceo`, and `alice` at AIM, who is a friend of
/// the `ceo`.
pub struct Court {
    gateway: Gateway,
    listener: u16,
    upstream: u16,
    alice: Client,
    runtime: Runtime,
    _servers: (AimServer, Box<dyn Send>),
    directory: PathBuf,
}

impl Court {
    /// Before a Prosody.
    pub fn of_prosody() -> Self {
        Self::set(|directory| {
            let prosody = Prosody::start_unencrypted(directory, &USERS);
            (prosody.port(), Box::new(prosody))
        })
    }

    /// Before a Prosody that offers SASL2.
    pub fn of_prosody_with_sasl2() -> Self {
        Self::set(|directory| {
            let prosody = Prosody::start_with_sasl2(directory, &USERS);
            (prosody.port(), Box::new(prosody))
        })
    }

    /// Before an ejabberd.
    pub fn of_ejabberd() -> Self {
        Self::set(|directory| {
            let ejabberd = Ejabberd::start_unencrypted(directory, &USERS);
            (ejabberd.port(), Box::new(ejabberd))
        })
    }

    fn set(serve: impl FnOnce(PathBuf) -> (u16, Box<dyn Send>)) -> Self {
        let directory = fresh_directory();
        let (upstream, server) = serve(directory.join("server"));
        let aim = AimServer::start(&[AIM_USER]);
        let mut gateway = Gateway::prepare(directory.join("gateway"));
        let [listener, aim_listener] = [(); 2].map(|()| free_port());
        let table = |network: &str, host: &str, port: u16, listener: u16| {
            format!(
                "[networks.{network}]\nhosts = [\"{host}\"]\n\
                 direct = [{{ listen = \"127.0.0.1:{listener}\", upstream = \"127.0.0.1:{port}\" }}]\n"
            )
        };
        let jabber = table("jabber", DOMAIN, upstream, listener);
        let aol = table("aol", "login.aim.test", aim.port(), aim_listener);
        gateway.configure(&(jabber + &aol), &[listener, aim_listener]);
        gateway.start();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let way = Route::Direct(SocketAddr::from(([127, 0, 0, 1], aim_listener)));
        let alice = Account::new(AIM_USER.0, AIM_USER.1);
        let alice = runtime.block_on(by_id("aol").unwrap().sign_on(&alice, &way)).unwrap();
        Self { gateway, listener, upstream, alice, runtime, _servers: (aim, server), directory }
    }

    /// A new connection through the gateway.
    pub fn connects(&self) -> RawJabber {
        RawJabber::connect(self.listener)
    }

    /// A new connection to the server itself.
    pub fn without_a_gateway(&self) -> RawJabber {
        RawJabber::connect(self.upstream)
    }

    /// A new connection on which the server knows that it is Mallory's.
    pub fn mallory(&self) -> RawJabber {
        let mut mallory = self.connects();
        mallory.authenticates(MALLORY.0, MALLORY.1);
        mallory
    }

    /// A new connection on which the server knows that it is the CEO's.
    pub fn ceo_unbound(&self) -> RawJabber {
        let mut ceo = self.connects();
        ceo.authenticates(CEO.0, CEO.1);
        ceo
    }

    /// The CEO at an honest client, befriended with Alice.
    pub fn ceo(&mut self) -> RawJabber {
        let mut ceo = self.ceo_unbound();
        ceo.binds("desk");
        ceo.hears("<presence");
        ceo.says(format_args!("<presence to='{ALICE}' type='subscribe'/>"));
        self.runtime.block_on(async {
            let asked = self.alice.expect(PATIENCE, |event| match event {
                Event::Asked { by, .. } => Some(by.clone()),
                _ => None,
            });
            let by = asked.await.expect("the CEO's request never came");
            self.alice.act(Act::Accept(by)).await;
        });
        ceo.hears("type='subscribed'");
        ceo
    }

    /// Alice says something to the CEO.
    pub fn alice_tells_the_ceo(&self, text: &str) {
        self.runtime.block_on(self.alice.say(&format!("ceo%{DOMAIN}@jabber.xt"), text));
    }

    /// Sender of Alice's next message with `text` in it.
    pub fn alice_hears(&mut self, text: &str) -> Option<String> {
        let said = |event: &Event| match event {
            Event::Said { from, text: said, .. } if said.text().contains(text) => {
                Some(from.clone())
            }
            _ => None,
        };
        self.runtime.block_on(self.alice.expect(PATIENCE, said))
    }

    /// Everybody whom the gateway let in at Jabber so far, by local part.
    pub fn let_in(&self) -> Vec<String> {
        let log = self.gateway.log();
        let names = log.lines().filter(|line| line.contains("signed in")).filter_map(|line| {
            let (_, user) = line.split_once("user=")?;
            let (local, rest) = user.split_once('@')?;
            rest.starts_with(DOMAIN).then(|| local.to_owned())
        });
        names.collect()
    }
}

impl Drop for Court {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what this test left behind is in {}", self.directory.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

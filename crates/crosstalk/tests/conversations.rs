//! One person of MSN, many conversations: each is a connection of its own through the gateway.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Body, EnvelopeIds, Event as Said, HostPort, Outgoing};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Direct, Proxy};
use crosstalk_gateway::mail::{Mail, Mails};
use crosstalk_gateway::router::{Member, Options, Router};
use crosstalk_mock::{Account, Client, Event, Server, Stream, Way, msn};
use crosstalk_networks::msnp::{message, wire::with_payload};
use crosstalk_overlay::Overlay;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Who talks with so many people at once.
const USERS: [&str; 2] = ["mary", "mike"];
const MANY: usize = 50;
/// What the mock server takes for the password of its users, which is `secret`.
const TICKET: &str = "5ebe2294ecd0e0f08eab7690d2a6ee69";
const PATIENCE: Duration = Duration::from_mins(1);

/// A gateway before an MSN server. People of other networks are at the gateway itself.
struct Stage {
    server: msn::Server,
    router: Router,
    gateway: Gateway,
    _state: TempDir,
}

impl Stage {
    async fn build() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = msn::Server::start(anywhere, &USERS.map(account)).await.unwrap();
        let upstream = HostPort::new("127.0.0.1", server.addr().port());
        let state = tempfile::tempdir().unwrap();
        let mut config = Config::alone(state.path().into());
        config.proxies = vec![Proxy::open(anywhere)];
        let network = config.networks.get_mut(&"msn".parse().unwrap()).unwrap();
        network.servers.insert("msn.test".into(), upstream.clone());
        network.direct = vec![Direct { listen: anywhere, upstream, advertise: None }];
        let (overlay, inbound) = Overlay::alone(state.path()).unwrap();
        let names = Arc::new(config.names());
        let router = Router::new(overlay, inbound, names, Options { control: true });
        let gateway = Gateway::start(config, router.clone()).unwrap();
        Self { server, router, gateway, _state: state }
    }

    fn ways(&self) -> [Way; 2] {
        let server = HostPort::new("msn.test", 1863);
        let proxy = self.gateway.proxies[0];
        let direct = self.gateway.direct.iter().find(|(id, _)| id.as_str() == "msn").unwrap().1;
        [Way::Socks5 { proxy, server }, Way::Direct(direct)]
    }

    /// The foreign friends of `user`.
    fn friends(&self, user: &str) -> Vec<Friend> {
        let of: Address = format!("{user}@msn.test@msn").parse().unwrap();
        let friend = |n| {
            let name = format!("friend{n}of{user}@aol");
            let user: Address = name.parse().unwrap();
            let (member, mail) = self.router.sign_in(user, "test".into());
            let ids = EnvelopeIds::new(n as u64);
            Friend { name: format!("{name}.xt"), of: of.clone(), member, mail, ids }
        };
        (0..MANY).map(friend).collect()
    }
}

fn account(user: &str) -> Account {
    Account::new(user, "secret")
}

/// Somebody on another network.
struct Friend {
    /// As MSN clients spell it.
    name: String,
    of: Address,
    member: Member,
    mail: Mails,
    ids: EnvelopeIds,
}

impl Friend {
    fn says(&mut self, text: &str) {
        let to = self.of.clone();
        let body = Body::Text { text: text.into(), auto: false };
        self.member.take(Said::Send(Outgoing { id: self.ids.next_id(), to, body }));
    }

    /// Waits for `expected`.
    async fn hears(&mut self, expected: &str) {
        let heard = async {
            loop {
                if let Mail::Deliver(envelope, handed) = *self.mail.recv().await.unwrap() {
                    handed.done();
                    match envelope.body {
                        Body::Text { text, .. } => return text.text().to_owned(),
                        Body::Undelivered { why, .. } => return why.to_string(),
                        _ => {}
                    }
                }
            }
        };
        assert_eq!(tokio::time::timeout(PATIENCE, heard).await.unwrap(), expected, "{}", self.name);
    }
}

/// Waits until the client has shown `text` of each of these friends.
async fn hears_all(client: &mut Client, friends: &[Friend], text: &str) {
    let mut missing: BTreeSet<&str> = friends.iter().map(|f| f.name.as_str()).collect();
    while !missing.is_empty() {
        let heard = client.expect(PATIENCE, |event| match event {
            Event::Said { from, text, .. } => Some((from.clone(), text.text().to_owned())),
            Event::Undelivered { to, why } => Some((to.clone(), why.clone())),
            _ => None,
        });
        let Some((from, heard)) = heard.await else { panic!("nothing of {missing:?}") };
        if !from.starts_with("crosstalk@") {
            assert!(heard == text && missing.remove(from.as_str()), "{from}: {heard}");
        }
    }
}

/// A client whose every command a test writes.
struct Raw {
    stream: BufReader<Box<dyn Stream>>,
}

impl Raw {
    async fn connect(way: &Way, place: &str) -> Self {
        let stream = way.dial_to(&place.parse().unwrap()).await.unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a command and reads up to the line that has `answer`.
    async fn asks(&mut self, command: &str, answer: &str) -> Vec<String> {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        self.reads(answer).await
    }

    async fn reads(&mut self, wanted: &str) -> Vec<String> {
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(PATIENCE, self.stream.read_line(&mut line)).await;
            assert_ne!(read.expect(wanted).unwrap(), 0, "{wanted} is waited for in vain");
            // A line may follow a payload that does not end one.
            if let Some(at) = line.find(wanted) {
                return line[at..].split_whitespace().map(str::to_owned).collect();
            }
        }
    }

    async fn says(&mut self, id: u32, text: &str) {
        let payload = &message::texts(&text.into())[0];
        let message = with_payload(&format!("MSG {id} N"), payload);
        self.stream.write_all(message.as_bytes()).await.unwrap();
    }

    /// Signs Mary on, and gives the place and the key of a conversation.
    async fn sign_on(way: &Way) -> (Self, String, String) {
        let mut first = Self { stream: BufReader::new(way.dial().await.unwrap()) };
        let notification = first.names_user("XFR 3 NS").await[3].clone();
        let mut raw = Self::connect(way, &notification).await;
        raw.names_user("USR 3 TWN").await;
        raw.asks(&format!("USR 4 TWN S {TICKET}"), "USR 4 OK").await;
        raw.asks("SYN 5 0 0", "LST N=crosstalk@gateway.xt").await;
        raw.asks("CHG 6 NLN 0", "CHG 6").await;
        let place = raw.asks("XFR 7 SB", "XFR 7 SB").await;
        (raw, place[3].clone(), place[5].clone())
    }

    async fn names_user(&mut self, answer: &str) -> Vec<String> {
        self.asks("VER 1 MSNP11 CVR0", "VER 1 MSNP11").await;
        self.asks("CVR 2 0x0409 winnt 5.1 i386 X 1 X mary@msn.test", "CVR 2").await;
        self.asks("USR 3 TWN I mary@msn.test", answer).await
    }
}

#[tokio::test]
async fn own_and_foreign_people_meet_in_one_conversation() {
    let stage = Stage::build().await;
    for way in stage.ways() {
        let mut friends = stage.friends("mary");
        let friend = &mut friends[0];
        let mut mike = msn::sign_on(&account("mike"), &way).await.unwrap();
        let (_mary, place, key) = Raw::sign_on(&way).await;
        let mut talk = Raw::connect(&way, &place).await;
        talk.asks(&format!("USR 1 mary@msn.test {key}"), "USR 1 OK").await;
        talk.asks(&format!("CAL 2 {}", friend.name), &format!("JOI {}", friend.name)).await;
        talk.says(3, "between us").await;
        friend.hears("between us").await;
        talk.asks("CAL 4 mike@msn.test", "JOI mike@msn.test").await;
        talk.says(5, "to both").await;
        friend.hears("to both").await;
        friend.says("to her alone\n");
        talk.reads("to her alone").await;
        talk.says(6, "and again").await;
        friend.hears("and again").await;
        for expected in ["to both", "and again"] {
            let heard = mike.expect(PATIENCE, |event| match event {
                Event::Said { from, text, .. } if from == "mary@msn.test" => {
                    Some(text.text().to_owned())
                }
                _ => None,
            });
            assert_eq!(heard.await.unwrap(), expected);
        }
    }
    let record = stage.server.record();
    assert!(record.contains("to both") && record.contains("CAL 4 mike@msn.test"));
    for words in ["friend", "between us", "alone"] {
        assert!(!record.contains(words), "the server was told of {words}");
    }
}

/// As many words as may be said at once are said by a person, and no more.
#[tokio::test]
async fn one_person_talks_with_fifty_at_once_and_the_server_knows_of_none() {
    let stage = Stage::build().await;
    for (way, user) in stage.ways().into_iter().zip(USERS) {
        let mut friends = stage.friends(user);
        let mut client = msn::sign_on(&account(user), &way).await.unwrap();
        // Half of them begin, and with the others the client does.
        let (callers, _) = friends.split_at_mut(MANY / 2);
        for friend in &mut *callers {
            friend.says("hello");
        }
        hears_all(&mut client, callers, "hello").await;
        for friend in &mut friends {
            client.say(&friend.name, format!("hello {}", friend.name)).await;
            friend.hears(&format!("hello {}", friend.name)).await;
        }
        for friend in &mut friends {
            friend.says("still here");
        }
        hears_all(&mut client, &friends, "still here").await;
    }
    for word in ["XFR", "CAL", "friend", "hello", "still"] {
        assert!(!stage.server.record().contains(word), "the server was told of {word}");
    }
}

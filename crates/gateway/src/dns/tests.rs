use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{Record, RecordType};
use tokio::net::UdpSocket;

use super::*;

/// A name server with a few names, which never answers for those under `dead.test`.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut packet = [0; 1500];
            loop {
                let (len, from) = socket.recv_from(&mut packet).await.unwrap();
                let asked = Message::from_vec(&packet[..len]).unwrap();
                let Some(answer) = answer(asked.id, &asked.queries[0]) else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Self { address, asked }
    }

    /// A resolver that asks this server.
    pub(crate) fn dns(&self) -> Arc<Dns> {
        let mut udp = ConnectionConfig::udp();
        udp.port = self.address.port();
        let server = NameServerConfig::new(self.address.ip(), true, vec![udp]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        Arc::new(Dns::with(System::fixed(config, "192.0.2.9 in-hosts.test\n"), 32))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn answer(id: u16, query: &Query) -> Option<Message> {
    let name = query.name();
    let srv = |port, target| RData::SRV(SRV::new(0, 0, port, Name::from_utf8(target).unwrap()));
    let found = match (name.to_ascii().as_str(), query.query_type()) {
        (dead, _) if dead.ends_with("dead.test.") => return None,
        ("chat.test.", RecordType::A) => vec![RData::A(A(Ipv4Addr::new(192, 0, 2, 1)))],
        ("xmpp.chat.test.", RecordType::A) => vec![RData::A(A(Ipv4Addr::new(192, 0, 2, 2)))],
        ("other.test.", RecordType::A) => vec![RData::A(A(Ipv4Addr::new(192, 0, 2, 3)))],
        ("many.test.", RecordType::A) => {
            (0..40).map(|i| RData::A(A(Ipv4Addr::new(192, 0, 2, i)))).collect()
        }
        ("_xmpp-client._tcp.chat.test.", RecordType::SRV) => {
            vec![srv(5222, "XMPP.chat.test."), srv(15222, "other.test.")]
        }
        ("_xmpp-client._tcp.none.test.", RecordType::SRV) => vec![srv(0, ".")],
        _ => Vec::new(),
    };
    let mut answer = Message::response(id, hickory_resolver::proto::op::OpCode::Query);
    answer.add_query(query.clone());
    answer.add_answers(found.into_iter().map(|data| Record::from_rdata(name.clone(), 60, data)));
    Some(answer)
}

fn client(last: u8) -> ClientOrigin {
    ClientOrigin::of([198, 51, 100, last].into())
}

#[tokio::test]
async fn names_lead_to_addresses_and_services_to_servers() {
    let server = Server::start().await;
    let dns = server.dns();
    let ips = |text: &str| Ok(Arc::from([text.parse().unwrap()]));
    assert_eq!(dns.addresses(&client(1), "chat.test").await, ips("192.0.2.1"));
    assert_eq!(dns.addresses(&client(1), "in-hosts.test").await, ips("192.0.2.9"));
    assert_eq!(dns.addresses(&client(1), "::1").await, ips("::1"));
    assert_eq!(dns.addresses(&client(1), "gone.test").await, Err(Unresolved::Unknown));
    assert_eq!(dns.addresses(&client(1), "no..name").await, Err(Unresolved::Unknown));
    assert_eq!(dns.addresses(&client(1), "many.test").await.unwrap().len(), RECORDS);
    let servers = async |domain| dns.servers(&client(1), "_xmpp-client._tcp", domain).await;
    let found = [HostPort::new("xmpp.chat.test", 5222), HostPort::new("other.test", 15222)];
    assert_eq!(servers("chat.test").await, Ok(found.into()));
    assert_eq!(servers("none.test").await, Err(Unresolved::Unknown), "the service is not offered");
    assert_eq!(servers("gone.test").await, Err(Unresolved::Unknown));
    assert_eq!(servers("dead.test").await, Err(Unresolved::Silent));
}

#[tokio::test]
async fn a_name_is_asked_for_once_while_its_answer_holds() {
    let server = Server::start().await;
    let dns = server.dns();
    for name in ["chat.test", "CHAT.test.", "chat.TEST", "gone.test", "gone.test"] {
        let _ = dns.addresses(&client(1), name).await;
    }
    assert_eq!(server.asked(), 4, "two names, each for IPv4 and IPv6");
}

#[tokio::test]
async fn dead_names_of_one_client_keep_nobody_else_waiting() {
    let server = Server::start().await;
    let dns = server.dns();
    for i in 0..300 {
        let dns = Arc::clone(&dns);
        tokio::spawn(async move { dns.addresses(&client(1), &format!("x{i}.dead.test")).await });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let soon = Duration::from_secs(1);
    let other = timeout(soon, dns.addresses(&client(2), "chat.test")).await;
    assert!(other.is_ok_and(|found| found.is_ok()), "another client's name");
    let own = timeout(soon, dns.addresses(&client(1), "in-hosts.test")).await;
    assert!(own.is_ok_and(|found| found.is_ok()), "what needs no name server");
    let known = timeout(soon, dns.addresses(&client(1), "chat.test")).await;
    assert!(known.is_ok_and(|found| found.is_ok()), "what is known");
}

#[tokio::test]
async fn a_dead_name_is_given_up_in_time() {
    let server = Server::start().await;
    let began = Instant::now();
    let dead = server.dns().addresses(&client(1), "x.dead.test").await;
    assert_eq!(dead, Err(Unresolved::Silent));
    assert!(began.elapsed() <= PATIENCE + Duration::from_secs(1));
}

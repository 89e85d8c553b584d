//! Sign-on: from a route to a session.

use crosstalk_networks::ymsg::wire::service;
use std::io;

use crosstalk_core::HostPort;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};

use super::{Outgoing, Read, Session};
use crate::incoming::{Incoming, invalid};
use crate::yahoo::packet::Packet;
use crate::yahoo::{USUAL, cookies, hash, proof, response};
use crate::{Account, Client, Route, SignOnError, Stream};

/// The usual port, and that of the look-up that tells newer clients their server. A server at
/// another port answers both there.
const PORT: u16 = 5050;
const LOOKUP_PORT: u16 = 80;
/// The longest answer of that look-up, in bytes.
const LONGEST_ANSWER: u64 = 4096;

/// Signs `account` on. The client has its list, or the first packet of it, when this returns.
pub async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
    let version = account.version().and_then(|v| u16::try_from(v).ok()).unwrap_or(USUAL);
    let stream = if version < 15 { way.dial().await? } else { look_up(way).await? };
    let (read, write) = split(stream);
    let mut read: Read = Incoming::new(read, None);
    let mut out = Outgoing { write, version, session: 0 };
    let user = account.name.to_lowercase();

    out.send(Packet::new(service::AUTH, 0).with(1, user.as_str())).await?;
    let challenge = expect(&mut read, &[service::AUTH]).await?;
    out.session = challenge.session;
    out.send(answer(version, &user, account.password.expose(), &challenge)?).await?;
    let list = expect(&mut read, &[service::LIST, service::LIST_15]).await?;

    let (client, driver) = Client::new();
    let mut session = Session::new(user, read, out, driver);
    session.take(&list).await?;
    session.begin().await?;
    tokio::spawn(session.run());
    Ok(client)
}

/// Asks which server to use, and connects to it.
async fn look_up(way: &Route) -> Result<Box<dyn Stream>, SignOnError> {
    let server = way.server();
    let mut asking = match server.port {
        PORT => way.dial_to(&HostPort::new(server.host.clone(), LOOKUP_PORT)).await?,
        _ => way.dial().await?,
    };
    let request = format!(
        "GET /capacity HTTP/1.0\r\nConnection: close\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\
         Host: {}\r\n\r\n",
        server.host
    );
    asking.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    asking.take(LONGEST_ANSWER).read_to_string(&mut answer).await?;
    let named = answer.lines().find_map(|line| line.strip_prefix("CS_IP_ADDRESS="));
    let named = named.ok_or(SignOnError::Protocol("no server was named"))?;
    Ok(way.dial_to(&HostPort::new(named.trim(), server.port)).await?)
}

/// The next packet, which must be of one of `services`.
async fn expect(read: &mut Read, services: &[u16]) -> Result<Packet, SignOnError> {
    let packet = read.next(Packet::take).await?;
    let packet = packet.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    match packet.service {
        service if services.contains(&service) => Ok(packet),
        service::AUTH_RESPONSE => {
            let why = match packet.text(66).as_str() {
                "3" => "there is no such name".to_owned(),
                "13" => "the password is wrong".to_owned(),
                other => format!("error {other}"),
            };
            Err(SignOnError::Refused(why))
        }
        service => Err(invalid(format!("an unexpected packet {service:#04x}")).into()),
    }
}

/// 0x54, in the form that the version wants.
fn answer(
    version: u16,
    user: &str,
    password: &str,
    challenge: &Packet,
) -> Result<Packet, SignOnError> {
    let seed = challenge.text(94);
    let packet = Packet::new(service::AUTH_RESPONSE, 0);
    if version >= 15 {
        if challenge.text(13) != "2" {
            return Err(SignOnError::Protocol("a way to sign on that the version has not"));
        }
        let [y, t] = cookies(user, password);
        let packet = packet.with(1, user).with(0, user).with(277, y).with(278, t);
        let packet = packet.with(307, proof(password, &seed)).with(244, "4194239");
        return Ok(packet.with(2, user).with(2, "1").with(98, "us"));
    }
    let answer = response(user, password, &seed);
    let answer = answer.ok_or(SignOnError::Protocol("the challenge is too short"))?;
    // What would come of the Unix crypt of the password, and servers take unread.
    let crypted = hash(answer.as_bytes());
    let packet = packet.with(0, user).with(6, answer).with(96, crypted).with(1, user);
    Ok(packet.with(244, "2097087").with(135, "8.1.0.421"))
}

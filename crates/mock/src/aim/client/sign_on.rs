//! Sign-on: from an account to a connection to BOS.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Channel, Reader, Snac, Writer, find, flap};
use tokio::io::split;

use super::{Read, Session, Write};
use crate::aim::digest;
use crate::aim::link::{Incoming, Outgoing};
use crate::incoming::invalid;
use crate::{Account, Client, Route, SignOnError, Stream};

/// Signs `account` on. The client has its whole buddy list when this returns.
pub async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
    let (host, cookie) = authorise(account, way).await?;
    let host = host.parse().map_err(|_| SignOnError::Protocol("a redirect without host:port"))?;
    let (incoming, outgoing) = connect(way.dial_to(&host).await?, Some(&cookie)).await?;
    let (client, driver) = Client::new();
    let mut session = Session::new(incoming, outgoing, driver);
    session.set_up().await?;
    tokio::spawn(session.run());
    Ok(client)
}

/// Exchanges greetings; a cookie joins the connection to an earlier one.
async fn connect(
    stream: Box<dyn Stream>,
    cookie: Option<&[u8]>,
) -> Result<(Read, Write), SignOnError> {
    let (read, write) = split(stream);
    let (mut incoming, mut outgoing) =
        (Incoming::new(read, None), Outgoing::new(write, fastrand::u16(..0x8000)));
    let hello = Writer::new().u32(flap::VERSION);
    let hello = match cookie {
        Some(cookie) => hello.tlv(0x06, cookie),
        None => hello,
    };
    outgoing.frame(Channel::SignOn, &hello.bytes()).await?;
    match incoming.frame().await? {
        Some(frame) if frame.channel == Channel::SignOn => Ok((incoming, outgoing)),
        Some(_) => Err(SignOnError::Protocol("the server did not greet")),
        None => Err(closed()),
    }
}

/// BUCP: BOS's `host:port` and the cookie for it.
async fn authorise(account: &Account, way: &Route) -> Result<(String, Vec<u8>), SignOnError> {
    let (mut incoming, mut outgoing) = connect(way.dial().await?, None).await?;
    let name = Writer::new().tlv(0x01, &account.name);
    let ask = name.tlv(0x4b, []).tlv(0x5a, []).bytes();
    outgoing.snac(&Snac::new(0x17, 0x06, 1, ask)).await?;
    while let Some(snac) = incoming.snac().await? {
        match snac.kind() {
            (0x17, 0x07) => {
                let key = Reader::new(&snac.body).long().map_err(invalid)?;
                let response = credentials(account, key);
                outgoing.snac(&Snac::new(0x17, 0x02, 2, response)).await?;
            }
            (0x17, 0x03) => {
                return match (find(&snac.body, 0x05), find(&snac.body, 0x06)) {
                    (Some(host), Some(cookie)) => {
                        Ok((String::from_utf8_lossy(host).into_owned(), cookie.to_vec()))
                    }
                    _ => Err(SignOnError::Refused(refusal(find(&snac.body, 0x08)))),
                };
            }
            _ => {}
        }
    }
    Err(closed())
}

/// 17/02, with the password hashed twice.
fn credentials(account: &Account, key: &[u8]) -> Bytes {
    Writer::new()
        .tlv(0x01, &account.name)
        .tlv(0x25, digest(key, account.password.expose(), true))
        .tlv(0x4c, [])
        .tlv(0x03, "CrossTalk's own client")
        .tlv(0x16, [0x01, 0x09])
        .tlv(0x17, [0, 1])
        .tlv(0x18, [0, 0])
        .tlv(0x19, [0, 0])
        .tlv(0x1a, [0, 1])
        .tlv(0x0f, "en")
        .tlv(0x0e, "us")
        .tlv(0x4a, [1])
        .bytes()
}

fn refusal(code: Option<&[u8]>) -> String {
    match code {
        Some([0, 0x01]) => "there is no such name".into(),
        Some([0, 0x05]) => "the password is wrong".into(),
        Some(other) => format!("error {other:02x?}"),
        None => "without a reason".into(),
    }
}

pub(super) fn closed() -> SignOnError {
    SignOnError::Connection(std::io::ErrorKind::UnexpectedEof.into())
}

//! Sign-on: BUCP, roasted passwords and cookies.

use std::io;

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Channel, Snac, Writer, find, flap};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Shared;
use super::state::{BOS, Pass};
use crate::aim::link::{Incoming, Outgoing};
use crate::aim::{digest, plain, roast};
use crate::incoming::invalid;

/// TLVs of the sign-on, in both directions.
const NAME: u16 = 0x01;
const ROASTED: u16 = 0x02;
const HOST: u16 = 0x05;
const COOKIE: u16 = 0x06;
const ERROR: u16 = 0x08;
const DIGEST: u16 = 0x25;
const HASHED: u16 = 0x4c;
const SSL: u16 = 0x8e;

/// Error codes of TLV 08.
const NO_SUCH_NAME: u16 = 0x0001;
const WRONG_PASSWORD: u16 = 0x0005;

/// Exchanges greetings. `Some` where the client brought a cookie; where it wanted one, it has
/// its answer.
pub(super) async fn welcome<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    shared: &Shared,
    incoming: &mut Incoming<R>,
    outgoing: &mut Outgoing<W>,
) -> io::Result<Option<Pass>> {
    outgoing.frame(Channel::SignOn, &flap::VERSION.to_be_bytes()).await?;
    let Some(hello) = incoming.frame().await? else { return Ok(None) };
    if hello.channel != Channel::SignOn {
        return Err(invalid("expected a greeting"));
    }
    let hello = hello.body();
    let tlvs = hello.get(4..).unwrap_or_default();
    if let Some(cookie) = find(tlvs, COOKIE) {
        return Ok(shared.state().redeem(cookie));
    }
    if let Some(roasted) = find(tlvs, ROASTED) {
        let name = find(tlvs, NAME).unwrap_or_default();
        let password = roast(roasted);
        let answer = answer(shared, name, |known| known.as_bytes() == password);
        outgoing.frame(Channel::SignOff, &answer).await?;
        return Ok(None);
    }
    bucp(shared, incoming, outgoing).await?;
    Ok(None)
}

/// The challenge and the response of BUCP, in which the password itself is never sent.
async fn bucp<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    shared: &Shared,
    incoming: &mut Incoming<R>,
    outgoing: &mut Outgoing<W>,
) -> io::Result<()> {
    let key = shared.state().fresh_key();
    while let Some(snac) = incoming.snac().await? {
        let name = find(&snac.body, NAME).unwrap_or_default();
        match snac.kind() {
            (0x17, 0x06) if shared.state().user(&plain(name)).is_none() => {
                let refusal = Writer::new().tlv(ERROR, NO_SUCH_NAME.to_be_bytes()).bytes();
                outgoing.snac(&Snac::new(0x17, 0x03, 0, refusal)).await?;
                return Ok(());
            }
            (0x17, 0x06) => {
                let challenge = Writer::new().long(&key).bytes();
                outgoing.snac(&Snac::new(0x17, 0x07, 0, challenge)).await?;
            }
            (0x17, 0x02) => {
                let given = find(&snac.body, DIGEST).unwrap_or_default();
                let hashed = find(&snac.body, HASHED).is_some();
                let right = |known: &str| digest(key.as_bytes(), known, hashed) == given;
                outgoing.snac(&Snac::new(0x17, 0x03, 0, answer(shared, name, right))).await?;
                outgoing.frame(Channel::SignOff, &[]).await?;
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The way to BOS, or the reason why not.
fn answer(shared: &Shared, name: &[u8], right: impl Fn(&str) -> bool) -> Bytes {
    let mut state = shared.state();
    let user = plain(name);
    let writer = Writer::new().tlv(NAME, name);
    let refusal = match state.user(&user) {
        None => NO_SUCH_NAME,
        Some(known) if !right(known.password.expose()) => WRONG_PASSWORD,
        Some(_) => {
            let cookie = state.issue(Pass { user, service: BOS });
            return writer
                .tlv(HOST, shared.addr.to_string())
                .tlv(COOKIE, cookie)
                .tlv(SSL, [0])
                .bytes();
        }
    };
    writer.tlv(ERROR, refusal.to_be_bytes()).bytes()
}

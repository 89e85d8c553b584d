//! Sign-on, in every version.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crosstalk_core::{HostPort, Side};
use crosstalk_networks::msnp::wire::Command;
use tokio::io::{AsyncWriteExt, split};

use super::{Incoming, Read, Write};
use crate::msn::{digest, passport, ticket};
use crate::{Account, Route, SignOnError, Stream};

/// Limit of the redirections (XFR) that a client follows.
const MAX_REDIRECTS: usize = 4;
/// Id of this one among several clients of one person, since MSNP16.
const MACHINE: &str = "{1BE99E6D-1C6E-4BEA-8B3E-9C464006A774}";

/// User, password and version of a sign-on.
pub(super) struct Signer {
    pub(super) version: u32,
    pub(super) user: String,
    password: String,
}

impl Signer {
    pub(super) fn new(account: &Account, version: u32) -> Self {
        let password = account.password.expose().clone();
        Self { version, user: passport(&account.name), password }
    }

    /// Name of the client at a switchboard.
    pub(super) fn seat(&self) -> String {
        if self.version >= 16 { format!("{};{MACHINE}", self.user) } else { self.user.clone() }
    }

    /// The ticket as MSNP and the address book want it.
    pub(super) fn ticket(&self) -> String {
        let ticket = ticket(&self.password);
        if self.version >= 13 { format!("t={ticket}&p=") } else { ticket }
    }

    /// Signs on at the dispatch server, and at whom that one sends us to.
    pub(super) async fn sign_on(&self, way: &Route) -> Result<(Read, Write), SignOnError> {
        let (mut read, mut write) = connect(way.dial().await?);
        for _ in 0..MAX_REDIRECTS {
            let challenge = self.begin(&mut read, &mut write).await?;
            if challenge.verb() != "XFR" {
                let proof = self.proof(challenge.words().next_back().unwrap_or_default());
                let how = self.how();
                ask(&mut read, &mut write, &format!("USR 4 {how} S {proof}")).await?;
                return Ok((read, write));
            }
            let place: HostPort = challenge.word(3).parse().map_err(std::io::Error::other)?;
            (read, write) = connect(way.dial_to(&place).await?);
        }
        Err(SignOnError::Protocol("sent around"))
    }

    /// Up to the server's challenge.
    async fn begin(&self, read: &mut Read, write: &mut Write) -> Result<Command, SignOnError> {
        let (version, user, how) = (self.version, &self.user, self.how());
        ask(read, write, &format!("VER 1 MSNP{version} CVR0")).await?;
        let second = match version {
            ..8 => "INF 2".to_owned(),
            8.. => format!("CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 MSMSGS {user}"),
        };
        ask(read, write, &second).await?;
        ask(read, write, &format!("USR 3 {how} I {user}")).await
    }

    const fn how(&self) -> &'static str {
        match self.version {
            ..8 => "MD5",
            8..15 => "TWN",
            15.. => "SSO",
        }
    }

    /// Proof that the client knows the password, for a server that asks with `challenge`.
    fn proof(&self, challenge: &str) -> String {
        let ticket = self.ticket();
        match self.version {
            ..8 => digest(&format!("{challenge}{}", self.password)),
            8..15 => ticket,
            15 => format!("{ticket} {}", answer(challenge)),
            16.. => format!("{ticket} {} {MACHINE}", answer(challenge)),
        }
    }
}

/// An answer to a nonce of the length and shape of those that need a secret shared with Passport.
fn answer(nonce: &str) -> String {
    let cipher = [nonce.as_bytes(), &[8; 8]].concat();
    let lengths = [28, 1, 0x6603, 0x8004, 8, 20, u32::try_from(cipher.len()).unwrap_or(0)];
    let mut bytes: Vec<u8> = lengths.iter().flat_map(|n: &u32| n.to_le_bytes()).collect();
    bytes.extend([0; 8 + 20]);
    bytes.extend(cipher);
    STANDARD.encode(bytes)
}

pub(super) fn connect(stream: Box<dyn Stream>) -> (Read, Write) {
    let (read, write) = split(stream);
    (Incoming::new(read, Side::Server, None), write)
}

pub(super) async fn say(write: &mut Write, line: &str) -> std::io::Result<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await
}

/// Sends a request, and skips to its answer.
pub(super) async fn ask(
    read: &mut Read,
    write: &mut Write,
    line: &str,
) -> Result<Command, SignOnError> {
    say(write, line).await?;
    let id: u32 = line.split(' ').nth(1).and_then(|w| w.parse().ok()).unwrap_or(0);
    while let Some(answer) = read.next().await? {
        if answer.transaction() == id {
            return if answer.verb().parse::<u16>().is_ok() {
                Err(SignOnError::Refused(format!("error {}", answer.verb())))
            } else {
                Ok(answer)
            };
        }
    }
    Err(SignOnError::Connection(std::io::ErrorKind::UnexpectedEof.into()))
}

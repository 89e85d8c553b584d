//! The protocols that no engine reads: they are recognised by what a client asks for, and refused.

mod asked;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use crosstalk_core::{
    Engine, Event, Fault, HostPort, Input, NetworkId, Now, Output, Side, Sniff, Unread,
};

pub(crate) use self::asked::Asked;
use crate::common::http::chunks::Trail;
use crate::common::http::head::Length;
use crate::common::http::{self, Head, Heads};

/// Longest wait for a client's first bytes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time for which a client that was refused may go on before its connection ends, so that it reads
/// the refusal: one that is cut off while it writes may not.
const LINGER: Duration = Duration::from_secs(2);
/// Length of the part of a request's body that is judged, in bytes.
const ENOUGH: usize = 64;

/// Response to a client over HTTP.
pub(crate) const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 73\r\nConnection: close\r\n\r\n\
    This gateway does not carry chat over HTTP. Connect without it, please.\r\n";

/// Stands between a client and a server on whose connection nobody recognised a protocol, until it
/// is clear that it is none of those that are refused; of HTTP, at each request.
pub struct Watch {
    /// Protocols that are refused, and the networks whose settings would let them pass.
    refused: Vec<(NetworkId, &'static Unread)>,
    /// Target of the client.
    place: HostPort,
    /// The server is not connected yet.
    undialled: bool,
    phase: Phase,
}

enum Phase {
    /// The client's first bytes are to come, or are not clear.
    Opening(Option<Instant>),
    /// It speaks HTTP.
    Http(Requests),
    /// It was refused.
    Refused(Instant, Fault),
}

/// Position in a client's requests.
#[derive(Default)]
struct Requests {
    heads: Heads,
    body: Option<Body>,
}

/// Rest of a body.
struct Body {
    end: End,
    /// The request's head and the first bytes of its body, until they are judged.
    judged: Option<BytesMut>,
    head: usize,
}

#[derive(Clone, Copy)]
enum End {
    Left(usize),
    Chunks(Trail),
}

impl Watch {
    /// Refuses these on a connection to `place`, whose server may have to be dialled.
    pub fn new(
        refused: Vec<(NetworkId, &'static Unread)>,
        place: HostPort,
        undialled: bool,
    ) -> Self {
        Self { refused, place, undialled, phase: Phase::Opening(None) }
    }

    fn client(&mut self, now: Now, buffer: &mut BytesMut, out: &mut Output) -> Result<(), Fault> {
        match self.phase {
            Phase::Opening(_) => self.opening(now, buffer, out),
            Phase::Http(_) => self.requests(now, buffer, out),
            Phase::Refused(..) => {
                buffer.clear();
                Ok(())
            }
        }
    }

    fn opening(&mut self, now: Now, buffer: &mut BytesMut, out: &mut Output) -> Result<(), Fault> {
        let is_http = match http::is_request(buffer) {
            Sniff::Yes if !is_head(buffer) => return Ok(()),
            sure => sure,
        };
        match (self.judge(buffer), is_http) {
            (Ok(refused), _) => self.refuse(now, refused, buffer, out),
            (Err(_), Sniff::Yes) => {
                if self.undialled {
                    out.emit(Event::Dial(self.place.clone()));
                }
                self.phase = Phase::Http(Requests::default());
                return self.requests(now, buffer, out);
            }
            (Err(Sniff::More), _) | (_, Sniff::More) => {}
            _ => out.emit(Event::Opaque),
        }
        Ok(())
    }

    /// Index of the refused protocol that begins so; `Err` says whether one still may.
    fn judge(&self, first: &[u8]) -> Result<usize, Sniff> {
        let mut otherwise = Sniff::No;
        for (at, (_, unread)) in self.refused.iter().enumerate() {
            match (unread.sniff)(first) {
                Sniff::Yes => return Ok(at),
                Sniff::More => otherwise = Sniff::More,
                Sniff::No => {}
            }
        }
        Err(otherwise)
    }

    fn requests(&mut self, now: Now, buffer: &mut BytesMut, out: &mut Output) -> Result<(), Fault> {
        while !buffer.is_empty() {
            let Phase::Http(requests) = &mut self.phase else { return Ok(()) };
            if requests.body.is_some() {
                if !self.body(now, buffer, out)? {
                    return Ok(());
                }
                continue;
            }
            let Some(head) = requests.heads.read(Side::Client, buffer)? else { return Ok(()) };
            let raw = buffer.get(..head.length).unwrap_or_default();
            if let Ok(refused) = self.judge(raw) {
                self.refuse(now, refused, buffer, out);
                return Ok(());
            }
            let raw = buffer.split_to(head.length);
            let upgrade = head.field("upgrade").unwrap_or_default();
            // Behind either comes no HTTP any more; what it is for was judged by this head.
            if upgrade.eq_ignore_ascii_case("websocket") || head.method == "CONNECT" {
                out.forward(Side::Server, raw.freeze());
                out.emit(Event::Opaque);
                return Ok(());
            }
            let end = match head.body()? {
                Length::Fixed(length) => End::Left(length),
                Length::Chunked => End::Chunks(Trail::default()),
                Length::ToTheEnd => return Err(Fault::client("a request has no end")),
            };
            if upgrade.is_empty() {
                out.forward(Side::Server, raw.clone().freeze());
            } else {
                out.withhold();
                // Another protocol behind an upgrade, such as HTTP/2, could carry what is refused:
                // the server is not offered it.
                out.insert(Side::Server, without_upgrade(&raw));
            }
            if let Phase::Http(requests) = &mut self.phase
                && !matches!(end, End::Left(0))
            {
                requests.body = Some(Body { end, head: raw.len(), judged: Some(raw) });
            }
        }
        Ok(())
    }

    /// Goes on with a body; false where more of it is needed or nothing more comes.
    fn body(&mut self, now: Now, buffer: &mut BytesMut, out: &mut Output) -> Result<bool, Fault> {
        let Phase::Http(Requests { body: Some(body), .. }) = &mut self.phase else {
            return Ok(false);
        };
        let mut end = body.end;
        let mut first = BytesMut::new();
        // Judged without the chunks' heads, which a client can put between any two bytes.
        let (length, over) = end.walk(buffer, |data| {
            let room = ENOUGH.saturating_sub(first.len());
            first.extend_from_slice(data.get(..room).unwrap_or(data));
        })?;
        if let Some(mut judged) = body.judged.take() {
            judged.truncate(body.head);
            judged.extend_from_slice(&first);
            match self.judge(&judged) {
                Ok(refused) => {
                    self.refuse(now, refused, buffer, out);
                    return Ok(false);
                }
                Err(Sniff::More) if !over && first.len() < ENOUGH => {
                    if let Phase::Http(Requests { body: Some(body), .. }) = &mut self.phase {
                        body.judged = Some(judged);
                    }
                    return Ok(false);
                }
                Err(_) => {}
            }
        }
        out.forward(Side::Server, buffer.split_to(length).freeze());
        if let Phase::Http(requests) = &mut self.phase {
            match &mut requests.body {
                Some(body) if !over => body.end = end,
                body => *body = None,
            }
        }
        Ok(over)
    }

    fn refuse(&mut self, now: Now, at: usize, buffer: &mut BytesMut, out: &mut Output) {
        buffer.clear();
        out.withhold();
        let Some((network, Unread { name, title, refusal, .. })) = self.refused.get(at) else {
            return;
        };
        out.insert(Side::Client, *refusal);
        let what = format!(
            "it speaks {title} to {}, which is not read here, so that names and texts for other \
             networks would go to the server: `pass = [\"{name}\"]` under [networks.{network}] \
             lets it pass unread",
            self.place
        );
        self.phase = Phase::Refused(now.instant + LINGER, Fault::client(what));
    }
}

impl Engine for Watch {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let told = match (input, &self.phase) {
            (Input::Start, Phase::Opening(_)) => {
                self.phase = Phase::Opening(Some(now.instant + PATIENCE));
                Ok(())
            }
            (Input::Bytes(Side::Client, buffer), _) => self.client(now, buffer, out),
            (Input::Bytes(Side::Server, buffer), Phase::Refused(..)) => {
                buffer.clear();
                Ok(())
            }
            (Input::Bytes(Side::Server, buffer), _) => {
                out.forward(Side::Client, buffer.split().freeze());
                Ok(())
            }
            (Input::Tick, Phase::Opening(_)) => Err(Fault::client("its first bytes are unclear")),
            (Input::Closed(Side::Client), Phase::Opening(_)) => {
                out.emit(Event::Opaque);
                Ok(())
            }
            (Input::Tick | Input::Closed(Side::Client), Phase::Refused(_, fault)) => {
                Err(fault.clone())
            }
            _ => Ok(()),
        };
        if told.is_err() {
            // What is not clear must not go on as a pipe.
            out.withhold();
        }
        told
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Opening(until) => *until,
            Phase::Http(_) => None,
            Phase::Refused(until, _) => Some(*until),
        }
    }

    fn weight(&self) -> usize {
        match &self.phase {
            Phase::Http(Requests { body: Some(body), .. }) => {
                body.judged.as_ref().map_or(0, BytesMut::capacity)
            }
            _ => 0,
        }
    }

    fn takes_texts(&self) -> bool {
        false
    }
}

impl End {
    /// Goes through what is there; returns how far, and whether the body ends there.
    fn walk(&mut self, coded: &[u8], mut take: impl FnMut(&[u8])) -> Result<(usize, bool), Fault> {
        match self {
            Self::Left(left) => {
                let data = coded.get(..*left).unwrap_or(coded);
                take(data);
                *left -= data.len();
                Ok((data.len(), *left == 0))
            }
            Self::Chunks(trail) => trail.walk(Side::Client, coded, take),
        }
    }
}

/// Whether the head of a request is there, or will never be.
fn is_head(first: &[u8]) -> bool {
    !matches!(Head::read(Side::Client, first), Ok(None))
}

/// A head that asks for no other protocol: a server may not take one that is not asked for.
fn without_upgrade(head: &[u8]) -> Bytes {
    let keeps = |line: &&[u8]| {
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        ![&b"upgrade"[..], b"http2-settings"].iter().any(|field| name.eq_ignore_ascii_case(field))
    };
    head.split_inclusive(|b| *b == b'\n').filter(keeps).collect::<Vec<_>>().concat().into()
}

#[cfg(test)]
mod tests;

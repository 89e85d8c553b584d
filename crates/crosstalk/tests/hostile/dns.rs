//! A name server that knows little.

use std::net::Ipv4Addr;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// The resolver of every gateway here.
pub(crate) const RESOLVER: &str = "127.0.0.53:53";
/// Of a message (RFC 1035, 4.1.1), in bytes.
const HEADER: usize = 12;
/// The flags of an answer, and of the answer that there is no such name.
const ANSWER: [u8; 2] = [0x81, 0x80];
const NO_SUCH_NAME: [u8; 2] = [0x81, 0x83];
const ADDRESS: u16 = 1;
const SERVICE: u16 = 33;
/// For how long an answer may be kept, in seconds.
const KEPT: u32 = 60;

/// One record: a name, and what it leads to.
pub(crate) enum Record {
    /// A host and its address.
    Host(&'static str, [u8; 4]),
    /// A service, and the host and port that serve it (RFC 2782).
    Service(&'static str, &'static str, u16),
}

/// A server of some records. Dropped, it is silent.
pub(crate) struct Names(JoinHandle<()>);

impl Names {
    pub(crate) async fn serve(records: Vec<Record>) -> Self {
        let socket = UdpSocket::bind(RESOLVER).await.unwrap();
        Self(tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                if let Some(answer) = answer(&question[..length], &records) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        }))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The answer to a message with one question.
fn answer(message: &[u8], records: &[Record]) -> Option<Vec<u8>> {
    let (name, end) = read_name(message)?;
    let kind = u16::from_be_bytes(message.get(end..end + 2)?.try_into().ok()?);
    let question = message.get(HEADER..end + 4)?;
    let known = records.iter().find_map(|record| record.data(&name, kind));
    let mut answer = message[..2].to_vec();
    answer.extend(if known.is_some() { ANSWER } else { NO_SUCH_NAME });
    answer.extend([0, 1, 0, u8::from(known.is_some()), 0, 0, 0, 0]);
    answer.extend(question);
    if let Some(data) = known {
        // The name of the question, by its place.
        answer.extend([0xc0, HEADER as u8]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1]);
        answer.extend(KEPT.to_be_bytes());
        answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

/// The name in the question, and where it ends.
fn read_name(message: &[u8]) -> Option<(String, usize)> {
    let (mut at, mut labels) = (HEADER, Vec::new());
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_lowercase(), at));
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).into_owned());
        at += length;
    }
}

impl Record {
    /// Record data for a name, if this rule is about it.
    fn data(&self, of: &str, asked: u16) -> Option<Vec<u8>> {
        match self {
            Self::Host(name, ip) if *name == of && asked == ADDRESS => {
                Some(Ipv4Addr::from(*ip).octets().to_vec())
            }
            Self::Service(name, host, port) if *name == of && asked == SERVICE => {
                let mut data = [[0; 2], [0; 2], port.to_be_bytes()].concat();
                for label in host.split('.') {
                    data.push(u8::try_from(label.len()).ok()?);
                    data.extend(label.as_bytes());
                }
                data.push(0);
                Some(data)
            }
            _ => None,
        }
    }
}

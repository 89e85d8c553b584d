//! The least that could carry the same messages: TCP, rustls, frames with a length, one answer
//! for each message, all read and written in place by the one task that wants to send.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_overlay::Message;
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::pair::{WINDOW, message};

pub(crate) type Frames = Framed<TlsStream<TcpStream>, LengthDelimitedCodec>;

pub(crate) type Writer = SplitSink<Frames, Bytes>;
pub(crate) type Reader = SplitStream<Frames>;

/// The sender's end.
pub(crate) struct Plain {
    sink: Writer,
    stream: Reader,
}

impl Plain {
    /// Two ends on loopback, of which the other answers.
    pub(crate) async fn connect() -> Self {
        let (near, far) = pair().await;
        tokio::spawn(answer(far));
        let (sink, stream) = near.split();
        Self { sink, stream }
    }

    /// Messages one after the other: how long each took to be answered.
    pub(crate) async fn singly(&mut self, id: &mut u128, count: u128) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..count {
            let message = message(id);
            let start = Instant::now();
            self.sink.send(encode(&message)).await.unwrap();
            self.stream.next().await.unwrap().unwrap();
            took.push(start.elapsed());
        }
        took
    }

    /// Messages with a window of unanswered ones: how long all took.
    pub(crate) async fn busily(&mut self, id: &mut u128, count: u128) -> Duration {
        let start = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            while sent < count && sent - answered < WINDOW as u128 {
                self.sink.feed(encode(&message(id))).await.unwrap();
                sent += 1;
            }
            self.sink.flush().await.unwrap();
            let mut next = Some(self.stream.next().await.unwrap());
            while let Some(answer) = next {
                answer.unwrap();
                answered += 1;
                next = self.stream.next().now_or_never().flatten();
            }
        }
        start.elapsed()
    }
}

/// The two ends of a connection on loopback.
pub(crate) async fn pair() -> (Frames, Frames) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder().with_no_client_auth();
    let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = async {
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(client)).connect(name, tcp).await.unwrap()
    };
    let far = async {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        TlsAcceptor::from(Arc::new(server)).accept(tcp).await.unwrap()
    };
    let (near, far) = tokio::join!(near, far);
    (frames(near.into()), frames(far.into()))
}

/// Reads every message and answers it, in as few writes as there are reads.
async fn answer(frames: Frames) {
    let (mut sink, mut stream) = frames.split();
    let mut waiting: VecDeque<Bytes> = VecDeque::new();
    while let Some(Ok(frame)) = stream.next().await {
        let mut next = Some(frame);
        while let Some(frame) = next {
            Message::from_bytes(&frame).unwrap();
            waiting.push_back(Bytes::from_static(b"\0"));
            next = stream.next().now_or_never().flatten().and_then(Result::ok);
        }
        for answer in waiting.drain(..) {
            sink.feed(answer).await.unwrap();
        }
        sink.flush().await.unwrap();
    }
}

pub(crate) fn encode(message: &Message) -> Bytes {
    message.to_bytes().into()
}

fn frames(tls: TlsStream<TcpStream>) -> Frames {
    Framed::new(tls, LengthDelimitedCodec::new())
}

//! A translator with `LibreTranslate`'s API: everything is French, and means "Hello".

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Reply of POST /translate (version 1.6) with a language that is to be detected.
const HELLO: &str =
    r#"{"detectedLanguage":{"confidence":92.0,"language":"fr"},"translatedText":"Hello"}"#;
/// The longest request that is read, in bytes.
const MAX_REQUEST: usize = 128 * 1024;

/// A server that translates, which ends when it is dropped.
pub struct Translator {
    /// Address of its API.
    pub addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Translator {
    /// Starts one at a free port of this machine.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (addr, mut tasks) = (listener.local_addr()?, JoinSet::new());
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A request at a time is enough for a play, and whoever breaks off breaks only that.
                let _ = answer(client).await;
            }
        });
        Ok(Self { addr, _tasks: tasks })
    }
}

async fn answer(mut client: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    // A request is one JSON object, and ends with it.
    while !request.ends_with(b"}") && request.len() < MAX_REQUEST {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = if request.starts_with(b"POST /translate HTTP/1.1\r\n") {
        ("200 OK", HELLO)
    } else {
        ("404 Not Found", r#"{"error":"not found"}"#)
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    client.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await
}

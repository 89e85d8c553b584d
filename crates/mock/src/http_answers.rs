//! A server that answers HTTP from a script: a request a connection, one after the other.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The longest request that is read, in bytes.
const MAX_REQUEST: usize = 128 * 1024;

/// Answers of a server.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    /// Last bytes of a request.
    pub(crate) end: &'static [u8],
    /// Status and body that answer a request.
    pub(crate) answer: fn(&[u8]) -> (&'static str, &'static str),
}

/// A server that ends when it is dropped.
pub(crate) struct HttpAnswers {
    pub(crate) addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl HttpAnswers {
    /// Starts one at a free port of this machine.
    pub(crate) async fn start(script: Script) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (addr, mut tasks) = (listener.local_addr()?, JoinSet::new());
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A request at a time is enough for a play, and whoever breaks off breaks only that.
                let _ = script.serve(client).await;
            }
        });
        Ok(Self { addr, _tasks: tasks })
    }
}

impl Script {
    async fn serve(self, mut client: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(self.end) && request.len() < MAX_REQUEST {
            if client.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let (status, body) = (self.answer)(&request);
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        client.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await
    }
}

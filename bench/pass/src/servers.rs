//! The servers behind the proxies, and the simplest proxy.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

/// Answers at `echo` what it hears, and at `bulk` as many bytes as it is asked for by eight.
pub(crate) fn serve(echo: SocketAddr, bulk: SocketAddr) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let (echo, bulk) = (TcpListener::bind(echo).await, TcpListener::bind(bulk).await);
        tokio::join!(each(echo.unwrap(), answer), each(bulk.unwrap(), pour));
    });
}

/// Copies between who connects at the first of each pair and the second, on as many threads as
/// there are processors.
pub(crate) fn copy([echo, bulk]: [(SocketAddr, SocketAddr); 2]) {
    Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        tokio::join!(copy_to(echo), copy_to(bulk));
    });
}

async fn copy_to((listen, to): (SocketAddr, SocketAddr)) {
    let listener = TcpListener::bind(listen).await.unwrap();
    each(listener, move |mut client| async move {
        let Ok(mut server) = TcpStream::connect(to).await else { return };
        let _ = server.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    })
    .await;
}

async fn each<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Ok((tcp, _)) = listener.accept().await {
        let _ = tcp.set_nodelay(true);
        tokio::spawn(serve(tcp));
    }
}

async fn answer(mut tcp: TcpStream) {
    let mut bytes = vec![0; 4096];
    while let Ok(n @ 1..) = tcp.read(&mut bytes).await {
        if tcp.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

async fn pour(mut tcp: TcpStream) {
    let bytes = vec![b'x'; 256 * 1024];
    while let Ok(mut left) = tcp.read_u64().await {
        while left > 0 {
            let n = bytes.len().min(usize::try_from(left).unwrap());
            if tcp.write_all(&bytes[..n]).await.is_err() {
                return;
            }
            left -= n as u64;
        }
    }
}

//! Memory while clients do not read; alone in its process, so that it measures nothing else.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "connections/support.rs"]
mod support;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use support::{gateway, server};

/// Resident memory of this process, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_makes_its_server_wait_and_not_our_memory_grow() {
    let flood = server(|mut tcp| async move {
        let lines = b"a line of the server's\n".repeat(1000);
        while tcp.write_all(&lines).await.is_ok() {}
    })
    .await;
    let gateway = gateway(flood, |_| {});
    let before = resident();
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.push(TcpStream::connect(gateway.direct[0].1).await.unwrap());
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 20 * 1024, "{grown} KiB for 20 stalled clients");
}

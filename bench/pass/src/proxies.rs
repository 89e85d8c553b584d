//! The proxies that are measured, each a process with its files in one directory.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench_processes::process::{Running, free_ports};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A proxy, with its doors to the server that echoes and to the one that pours.
pub(crate) struct Proxy {
    pub(crate) name: String,
    pub(crate) process: Running,
    doors: [u16; 2],
    /// The ports to ask for, at one that speaks SOCKS5.
    socks: Option<[u16; 2]>,
}

/// Server at the end of a proxy's connection.
#[derive(Clone, Copy)]
pub(crate) enum To {
    Echo,
    Bulk,
}

impl Proxy {
    /// A connection through it.
    pub(crate) async fn connect(&self, to: To) -> TcpStream {
        let mut tcp =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.doors[to as usize])).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let Some(ports) = self.socks else { return tcp };
        let [high, low] = ports[to as usize].to_be_bytes();
        tcp.write_all(&[5, 1, 0]).await.unwrap();
        let mut answer = [0; 10];
        tcp.read_exact(&mut answer[..2]).await.unwrap();
        tcp.write_all(&[5, 1, 0, 1, 127, 0, 0, 1, high, low]).await.unwrap();
        tcp.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[1], 0, "{} does not connect", self.name);
        tcp
    }
}

/// Starts the servers and all proxies that are installed.
pub(crate) fn start(home: &Path, crosstalk: &[PathBuf]) -> (Running, Vec<Proxy>) {
    let servers = free_ports::<2>();
    let own = || Command::new(std::env::current_exe().unwrap());
    let [echo, bulk] = servers.map(|port| format!("127.0.0.1:{port}"));
    let mut serve = own();
    serve.args(["serve", &echo, &bulk]);
    let server = Running::start(&mut serve, &home.join("servers"), &servers);
    let mut proxies = Vec::new();
    for (n, program) in crosstalk.iter().enumerate() {
        let [door] = free_ports();
        let (config, data) = (home.join(format!("{n}.toml")), home.join(format!("data{n}")));
        let text = format!(
            "data = \"{}\"\nlog = \"warn\"\n[[proxy]]\nlisten = \"127.0.0.1:{door}\"\n\
             allow = [\"127.0.0.1\"]\n[networks.jabber]\nservers = {{ \"a.test\" = \"127.0.0.1:1\" }}\n",
            data.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("gateway").arg("--config").arg(&config);
        let process = Running::start(&mut command, &home.join(format!("{n}.out")), &[door]);
        let name = if n == 0 { "CrossTalk".into() } else { program.display().to_string() };
        proxies.push(Proxy { name, process, doors: [door; 2], socks: Some(servers) });
    }
    if is_there("haproxy", "-v") {
        let doors = free_ports::<2>();
        let config = home.join("haproxy.cfg");
        fs::write(&config, haproxy(doors, servers)).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(&config);
        let process = Running::start(&mut command, &home.join("haproxy"), &doors);
        proxies.push(Proxy { name: "HAProxy, splice".into(), process, doors, socks: None });
    }
    if is_there("microsocks", "-h") {
        let [door] = free_ports();
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &door.to_string()]);
        let process = Running::start(&mut command, &home.join("microsocks"), &[door]);
        proxies.push(Proxy {
            name: "microsocks".into(),
            process,
            doors: [door; 2],
            socks: Some(servers),
        });
    }
    let doors = free_ports::<2>();
    let mut command = own();
    command.arg("copy").args(doors.map(|door| format!("127.0.0.1:{door}"))).args([&echo, &bulk]);
    let process = Running::start(&mut command, &home.join("copy"), &doors);
    proxies.push(Proxy { name: "tokio copy".into(), process, doors, socks: None });
    (server, proxies)
}

fn is_there(program: &str, option: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(option).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

fn haproxy([echo, bulk]: [u16; 2], servers: [u16; 2]) -> String {
    format!(
        "global\n maxconn 4000\ndefaults\n mode tcp\n option splice-auto\n timeout connect 10s\n \
         timeout client 1h\n timeout server 1h\n\
         listen echo\n bind 127.0.0.1:{echo}\n server one 127.0.0.1:{}\n\
         listen bulk\n bind 127.0.0.1:{bulk}\n server one 127.0.0.1:{}\n",
        servers[0], servers[1]
    )
}

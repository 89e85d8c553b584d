//! `HAProxy` as a load balancer in front of a gateway.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::Running;

/// A `HAProxy` that tells the gateway whose connections it passes on. Whoever comes to it is taken
/// for a client with a public address.
pub(crate) struct HaProxy {
    _process: Running,
}

/// A port of `HAProxy`'s.
pub(crate) struct Front {
    /// The port.
    pub(crate) port: u16,
    /// The gateway's port behind it.
    pub(crate) to: u16,
    /// Setting by which `HAProxy` says whose a connection is, such as `send-proxy`.
    pub(crate) says: &'static str,
    /// Address that it takes everybody for.
    pub(crate) client: &'static str,
}

impl HaProxy {
    /// Starts one with these ports in `directory`.
    pub(crate) fn start(directory: &Path, fronts: &[Front]) -> Self {
        fs::create_dir_all(directory).unwrap();
        let listens = fronts.iter().map(|Front { port, to, says, client }| {
            format!(
                "listen port{port}\n  bind 127.0.0.1:{port}\n  \
                 tcp-request connection set-src str({client})\n  \
                 server gateway 127.0.0.1:{to} {says} check check-send-proxy inter 200\n"
            )
        });
        let text = format!(
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n{}",
            listens.collect::<String>()
        );
        let config = directory.join("haproxy.cfg");
        fs::write(&config, text).unwrap();
        let mut command = Command::new("/usr/sbin/haproxy");
        command.arg("-db").arg("-f").arg(&config);
        let (log, within) = (directory.join("haproxy.log"), Duration::from_secs(20));
        let ports: Vec<u16> = fronts.iter().map(|front| front.port).collect();
        let process = Running::serving("HAProxy", &mut command, &log, &ports, within);
        Self { _process: process }
    }
}

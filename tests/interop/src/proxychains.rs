//! A proxy under a client that knows none, as users of old clients put it there.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A command under which a client's connections go through the SOCKS5 proxy at this port of
/// loopback, names unresolved; but none to the address and port `around`. Its configuration is in `home`.
pub(crate) fn proxychains(home: &Path, proxy: u16, around: Option<&str>) -> Command {
    fs::create_dir_all(home).unwrap();
    let config = home.join("proxychains.conf");
    let around = around.map(|to| format!("localnet {to}/255.255.255.255\n")).unwrap_or_default();
    let text = format!(
        "strict_chain\nproxy_dns\nremote_dns_subnet 224\ntcp_read_time_out 20000\n\
         tcp_connect_time_out 20000\n{around}[ProxyList]\nsocks5 127.0.0.1 {proxy}\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("proxychains4");
    command.arg("-q").arg("-f").arg(config);
    command
}

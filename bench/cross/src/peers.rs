//! The programs that are measured, each a process on loopback with its files in one directory.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bench_processes::process::{Running, free_ports};
use crosstalk_overlay::Overlay;

use crate::person::PASSWORD;

/// Domains of the one XMPP server; between the two it forwards nothing.
pub(crate) const LEFT: &str = "left.test";
pub(crate) const RIGHT: &str = "right.test";

fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Starts Prosody, where `users` have accounts at both domains. Returns its port.
pub(crate) fn prosody(home: &Path, users: &[String]) -> (Running, u16) {
    for domain in [LEFT, RIGHT] {
        // Prosody escapes everything but letters and digits in the names of its files.
        let accounts = home.join("data").join(domain.replace('.', "%2e")).join("accounts");
        fs::create_dir_all(&accounts).unwrap();
        for user in users {
            let account = format!("return {{ [\"password\"] = \"{PASSWORD}\" }};\n");
            fs::write(accounts.join(format!("{user}.dat")), account).unwrap();
        }
    }
    // BitlBee takes no others.
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let port = (5220..5230).find(is_free).expect("one of the ports 5220 to 5229");
    let (config, dir) = (home.join("prosody.cfg.lua"), home.display());
    let text = format!(
        "daemonize = false\nrun_as_root = true\npidfile = \"{dir}/pid\"\n\
         data_path = \"{dir}/data\"\nlog = {{ warn = \"{dir}/prosody.log\" }}\n\
         modules_enabled = {{ \"roster\", \"saslauth\", \"posix\" }}\n\
         modules_disabled = {{ \"s2s\", \"tls\" }}\ninterfaces = {{ \"127.0.0.1\" }}\n\
         c2s_ports = {{ {port} }}\nc2s_require_encryption = false\n\
         allow_unencrypted_plain_auth = true\nauthentication = \"internal_plain\"\n\
         VirtualHost \"{LEFT}\"\nVirtualHost \"{RIGHT}\"\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new("prosody");
    command.arg("--config").arg(&config);
    (Running::start(&mut command, &home.join("prosody.out"), &[port]), port)
}

/// Starts `BitlBee`. Returns its port.
pub(crate) fn bitlbee(home: &Path, name: &str) -> (Running, u16) {
    let [port] = free_ports();
    let state = home.join(name);
    let config = state.join("bitlbee.conf");
    fs::create_dir_all(&state).unwrap();
    fs::write(&config, "[settings]\n[defaults]\n").unwrap();
    let mut command = Command::new("bitlbee");
    command.args(["-D", "-n", "-i", "127.0.0.1", "-p", &port.to_string(), "-P"]);
    command.arg(state.join("pid")).arg("-c").arg(config).arg("-d").arg(&state);
    (Running::start(&mut command, &state.join("out"), &[port]), port)
}

/// Starts the two programs of the floor. Returns the ports where senders and receivers connect.
pub(crate) fn floor(home: &Path) -> ([Running; 2], [u16; 2]) {
    let [link, near, far] = free_ports();
    let program = std::env::current_exe().unwrap();
    let start = |part: &str, port: u16| {
        let mut command = Command::new(&program);
        command.args([part, &at(port).to_string(), &at(link).to_string()]);
        command
    };
    let log = home.join("floor.out");
    // The far one listens for the other before it does for clients.
    let (mut far_command, mut near_command) = (start("floor-far", far), start("floor-near", near));
    let far_process = Running::start(&mut far_command, &log, &[]);
    std::thread::sleep(Duration::from_millis(300));
    let near_process = Running::start(&mut near_command, &home.join("near.out"), &[]);
    std::thread::sleep(Duration::from_millis(300));
    ([near_process, far_process], [near, far])
}

/// Starts two gateways that are linked, in front of the XMPP server. Returns the ports where the
/// people of [`LEFT`] and of [`RIGHT`] connect.
pub(crate) fn gateways(program: &Path, home: &Path, server: u16) -> ([Running; 2], [u16; 2]) {
    let states = ["near", "far"].map(|name| home.join(name));
    let ids = states.each_ref().map(|state| Overlay::identify(state).unwrap());
    let doors = free_ports::<2>();
    let links = free_ports::<2>();
    let start = |n: usize| {
        let (other, [door, link]) = (1 - n, [doors[n], links[n]]);
        let config = PathBuf::from(format!("{}.toml", states[n].display()));
        let network = |id: &str, domain: &str| {
            format!(
                "[networks.{id}]\nprotocol = \"xmpp\"\nhosts = [\"{domain}\"]\nports = [5222]\n\
                 servers = {{ \"{domain}\" = \"127.0.0.1:{server}\" }}\n"
            )
        };
        let (own, domain) = [("left", LEFT), ("right", RIGHT)][n];
        let mut text = format!(
            "data = \"{}\"\nlog = \"warn\"\ncontrol = false\n[[proxy]]\nlisten = \"127.0.0.1:0\"\n\
             [limits]\ntexts = 1000000\ntexts_per_second = 1000000\n{}{}\
             [[networks.{own}.direct]]\nlisten = \"127.0.0.1:{door}\"\n\
             upstream = \"{domain}:5222\"\n[mesh]\nlisten = [\"127.0.0.1:{link}\"]\n\
             [[mesh.member]]\nid = \"{}\"\naddresses = [\"127.0.0.1:{}\"]\n\
             networks = [\"left\", \"right\"]\n",
            states[n].display(),
            network("left", LEFT),
            network("right", RIGHT),
            ids[other],
            links[other],
        );
        for usual in ["aol", "msn", "yahoo", "jabber"] {
            text.extend([format!("[networks.{usual}]"), "\nenabled = false\n".to_owned()]);
        }
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.args(["gateway", "--config"]).arg(&config);
        let log = PathBuf::from(format!("{}.log", states[n].display()));
        Running::start(&mut command, &log, &[door])
    };
    let both = [start(0), start(1)];
    // Until they have found each other.
    std::thread::sleep(Duration::from_secs(3));
    (both, doors)
}

//! Gateways that are processes of their own, in one mesh and in front of the same servers.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crosstalk_core::{Address, HostPort, Names};
use crosstalk_gateway::config::Config;
use crosstalk_mock::delivery_audit::Boot;
use crosstalk_mock::{Account, Client, Route, Server, SignOnError, by_id};
use crosstalk_overlay::{GatewayId, Overlay};
use tempfile::TempDir;

/// The networks, with what clients take for the name and port of their servers.
const NETWORKS: [(&str, &str, u16); 4] = [
    ("aol", "aol.test", 5190),
    ("jabber", "jabber.test", 5222),
    ("msn", "msn.test", 1863),
    ("yahoo", "yahoo.test", 5050),
];
const PASSWORD: &str = "secret";

/// Somebody with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) network: &'static str,
}

impl Person {
    pub(crate) const fn aim(name: &'static str) -> Self {
        Self { name, network: "aol" }
    }

    pub(crate) const fn jabber(name: &'static str) -> Self {
        Self { name, network: "jabber" }
    }

    pub(crate) const fn msn(name: &'static str) -> Self {
        Self { name, network: "msn" }
    }

    pub(crate) const fn yahoo(name: &'static str) -> Self {
        Self { name, network: "yahoo" }
    }

    fn account(&self) -> Account {
        Account::new(self.name, PASSWORD)
    }

    /// Spelling of `other`, who is on another network, in this person's client.
    pub(crate) fn spells(&self, names: &Names, other: &Self) -> String {
        let local = by_id(other.network).unwrap().local(other.name);
        let address: Address = format!("{local}@{}", other.network).parse().unwrap();
        by_id(self.network).unwrap().spell(names, &address)
    }
}

/// The gateways and the servers. Dropped, all end.
pub(crate) struct Mesh {
    pub(crate) names: Arc<Names>,
    seats: Vec<Seat>,
    servers: Vec<Box<dyn Server>>,
    doors: Doors,
    _home: TempDir,
}

/// Addresses for clients at the gateways that run.
#[derive(Clone)]
pub(crate) struct Doors(Arc<Mutex<Vec<Option<Door>>>>);

type Door = (Boot, SocketAddr);

struct Seat {
    home: PathBuf,
    data: PathBuf,
    /// The binary, where it is not the present one.
    program: Option<PathBuf>,
    id: GatewayId,
    mesh: SocketAddr,
    running: Option<Child>,
    started: u32,
}

impl Mesh {
    /// Starts `gateways` of them, in front of servers where `people` have accounts.
    pub(crate) async fn start(gateways: usize, people: &[Person]) -> Self {
        Self::start_on(&vec![None; gateways], people).await
    }

    /// Starts a gateway for each of `states`, the directories for their state where that is not
    /// to be any.
    pub(crate) async fn start_on(states: &[Option<&Path>], people: &[Person]) -> Self {
        let seats: Vec<_> = states.iter().map(|state| (*state, None)).collect();
        Self::start_as(&seats, people).await
    }

    /// As [`Self::start_on`], with the binary of each gateway where that is not the present one.
    pub(crate) async fn start_as(
        states: &[(Option<&Path>, Option<PathBuf>)],
        people: &[Person],
    ) -> Self {
        let home = TempDir::new().unwrap();
        let gateways = states.len();
        let mut servers = Vec::new();
        for (network, ..) in NETWORKS {
            let accounts = people.iter().filter(|p| p.network == network);
            let accounts: Vec<_> = accounts.map(Person::account).collect();
            let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            servers.push(by_id(network).unwrap().serve(anywhere, &accounts).await.unwrap());
        }
        let seats = states.iter().enumerate();
        let seats = seats.map(|(n, (state, program))| {
            Seat::take(home.path().join(n.to_string()), *state, program.clone())
        });
        let mut mesh = Self {
            names: Arc::new(Config::alone(home.path().into()).names()),
            seats: seats.collect(),
            servers,
            doors: Doors(Arc::new(Mutex::new(vec![None; gateways]))),
            _home: home,
        };
        for gateway in 0..gateways {
            std::fs::write(mesh.seats[gateway].config(), mesh.config(gateway)).unwrap();
            mesh.run(gateway);
        }
        mesh
    }

    pub(crate) fn doors(&self) -> Doors {
        self.doors.clone()
    }

    /// Starts a gateway from this binary, or from the present one.
    pub(crate) fn run_as(&mut self, gateway: usize, program: Option<PathBuf>) {
        self.seats[gateway].program = program;
        self.run(gateway);
    }

    /// Starts a gateway and waits until it is up.
    pub(crate) fn run(&mut self, gateway: usize) {
        let seat = &mut self.seats[gateway];
        let (child, proxy) = seat.run();
        let boot = Boot { gateway, count: seat.started };
        seat.started += 1;
        seat.running = Some(child);
        self.doors.0.lock().unwrap()[gateway] = Some((boot, proxy));
    }

    /// Ends a gateway with SIGKILL. Says which boot of it ended, and when at the latest.
    pub(crate) fn kill(&mut self, gateway: usize) -> (Boot, Instant) {
        let (boot, _) = self.doors.0.lock().unwrap()[gateway].take().unwrap();
        let mut child = self.seats[gateway].running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        (boot, Instant::now())
    }

    /// Whether a gateway still runs.
    pub(crate) fn is_up(&mut self, gateway: usize) -> bool {
        let child = self.seats[gateway].running.as_mut();
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// The process of a gateway.
    pub(crate) fn process(&self, gateway: usize) -> u32 {
        self.seats[gateway].running.as_ref().unwrap().id()
    }

    /// Logs of the gateways.
    pub(crate) fn logs(&self) -> String {
        let log = |seat: &Seat| std::fs::read_to_string(seat.log()).unwrap_or_default();
        self.seats.iter().map(log).collect::<Vec<_>>().join("\n")
    }

    fn config(&self, gateway: usize) -> String {
        let own = &self.seats[gateway];
        let mut lines = vec![format!("data = \"{}\"\nlog = \"warn\"", own.data.display())];
        lines.push("[[proxy]]\nlisten = \"127.0.0.1:0\"".into());
        for ((network, host, port), server) in NETWORKS.iter().zip(&self.servers) {
            let at = server.addr();
            lines.push(format!("[networks.{network}.servers]\n\"{host}\" = \"{at}\""));
            lines.push(format!("\"127.0.0.1:{port}\" = \"{at}\""));
        }
        lines.push(format!("[mesh]\nlisten = [\"{}\"]", own.mesh));
        for Seat { id, mesh, .. } in self.seats.iter().filter(|seat| seat.id != own.id) {
            lines.push(format!("[[mesh.member]]\nid = \"{id}\"\naddresses = [\"{mesh}\"]"));
            lines.push("networks = [\"aol\", \"jabber\", \"msn\", \"yahoo\"]".into());
        }
        lines.join("\n")
    }
}

impl Doors {
    /// Signs somebody on at a gateway, if it runs.
    pub(crate) async fn sign_on(
        &self,
        person: &Person,
        gateway: usize,
    ) -> Option<Result<(Boot, Client), SignOnError>> {
        let (boot, proxy) = self.0.lock().unwrap()[gateway]?;
        let (_, host, port) = NETWORKS.into_iter().find(|(id, ..)| *id == person.network)?;
        let way = Route::Socks5 { proxy, server: HostPort::new(host, port) };
        let client = by_id(person.network)?.sign_on(&person.account(), &way).await;
        Some(client.map(|client| (boot, client)))
    }
}

impl Seat {
    fn take(home: PathBuf, state: Option<&Path>, program: Option<PathBuf>) -> Self {
        std::fs::create_dir_all(&home).unwrap();
        let data = state.map_or_else(|| home.join("data"), Path::to_owned);
        let id = Overlay::identify(&data).unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mesh = free.local_addr().unwrap();
        Self { id, mesh, home, data, program, running: None, started: 0 }
    }

    fn config(&self) -> PathBuf {
        self.home.join("gateway.toml")
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// A process that a file beyond its limit of size does not end, as a full disk does not.
    fn run(&self) -> (Child, SocketAddr) {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let present = Path::new(env!("CARGO_BIN_EXE_crosstalk"));
        let program = self.program.as_deref().unwrap_or(present);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" gateway --config \"$1\""]);
        command.arg(program).arg(self.config()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let said: Vec<_> = lines.map_while(Result::ok).take_while(|l| !is_last(l)).collect();
        let proxy = said.iter().find_map(|line| {
            let (_, at) = line.split_once("SOCKS 5, host ")?;
            at.replace(", port ", ":").parse().ok()
        });
        (child, proxy.unwrap_or_else(|| panic!("it did not start: {said:?}")))
    }
}

/// Whether a gateway that starts says no more behind this line.
fn is_last(line: &str) -> bool {
    line.contains("Ctrl-C")
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

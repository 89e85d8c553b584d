//! `crosstalk gateway`.

use std::process::ExitCode;

use crosstalk_gateway::config::{Config, Proxy};
use tokio::task::JoinHandle;

use crate::cli;
use crate::complaint::Complaint;
#[cfg(unix)]
use crate::door::Door;
use crate::signals::Signals;
use crate::start::{Started, start};
use crate::welcome::welcome;
use crate::{log, runtime};

pub(crate) fn run(args: &cli::Gateway) -> Result<ExitCode, Complaint> {
    let mut config = args.place.config()?;
    if let Some(listen) = args.proxy {
        match config.proxies.first_mut() {
            Some(proxy) => proxy.listen = listen,
            None => config.proxies.push(Proxy::open(listen)),
        }
    }
    if let Some(open) = config.proxies.iter().find_map(|proxy| config.opens(proxy)) {
        return Err(Complaint::Usage(format!(
            "{open}\n  help: listen on 127.0.0.1, or name in a configuration the proxy's `users` \
             or the `hosts` of [networks.{}]",
            open.network
        )));
    }
    config.tls.terminate.extend(args.terminate.iter().cloned());
    if args.check {
        println!("The configuration is good.");
        return Ok(ExitCode::SUCCESS);
    }
    log::start(args.log.as_deref().unwrap_or(&config.log))?;
    runtime()?.block_on(serve(config))
}

/// Runs until a signal comes, then until the sessions have ended or a second signal comes.
async fn serve(config: Config) -> Result<ExitCode, Complaint> {
    let mut signals = Signals::listen().map_err(|e| Complaint::failed("signals", e))?;
    let started = start(config)?;
    let door = open_door(&started);
    println!("{}", welcome(&started.config, started.overlay.status().peers.len()));
    signals.next().await;
    door.abort();
    tracing::info!("no new connections; waiting for the sessions to end");
    tokio::select! {
        () = started.shutdown() => Ok(ExitCode::SUCCESS),
        code = signals.next() => Ok(code),
    }
}

/// Lets commands on this machine ask the gateway how it is.
fn open_door(started: &Started) -> JoinHandle<()> {
    #[cfg(unix)]
    match Door::open(&started.config.data) {
        Ok(door) => return tokio::spawn(door.serve(started.overlay.clone())),
        Err(error) => {
            tracing::warn!("this gateway: `crosstalk mesh status` cannot ask it: {error}");
        }
    }
    tokio::spawn(async {})
}

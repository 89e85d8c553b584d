//! `crosstalk gateway`.

use std::process::ExitCode;
use std::sync::Arc;

use crosstalk_api::{Api, Listen};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Proxy};
use tokio::runtime::Runtime;

use crate::advice::about;
use crate::cli;
use crate::cli_error::CliError;
use crate::signals::Signals;
use crate::start::{Started, start};
use crate::welcome::welcome;
use crate::{log, open_files};

pub(crate) fn run(args: &cli::Gateway) -> Result<ExitCode, CliError> {
    let mut config = args.instance.config()?;
    if let Some(listen) = args.proxy {
        match config.proxies.first_mut() {
            Some(proxy) => proxy.listen = listen,
            None => config.proxies.push(Proxy::open(listen)),
        }
    }
    if let Some(open) = config.proxies.iter().find_map(|proxy| config.opens(proxy)) {
        return Err(CliError::Usage(format!(
            "{open}\n  help: listen on 127.0.0.1, or set the proxy's `users` or the `hosts` of \
             [networks.{}] in a configuration",
            open.network
        )));
    }
    config.tls.terminate.extend(args.terminate.iter().cloned());
    let filter = log::filter(args.log.as_deref().unwrap_or(&config.log))?;
    if args.check {
        Gateway::check(&config).map_err(|e| CliError::failed("the gateway would not start", e))?;
        for warning in config.warnings() {
            println!("warning: {warning}");
        }
        println!("The configuration is good.");
        return Ok(ExitCode::SUCCESS);
    }
    log::start(filter);
    for warning in config.warnings() {
        tracing::warn!("{}: {}", warning.at, warning.what);
    }
    open_files::make_room_for(&config.limits);
    threads(config.limits.threads)?.block_on(serve(config, &args.instance.arguments()))
}

/// Executor of the gateway's tasks.
fn threads(count: usize) -> Result<Runtime, CliError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(count).enable_all().build();
    runtime.map_err(|e| CliError::failed("threads", e))
}

/// Runs until a signal comes, then until the sessions have ended or a second signal comes. `arguments`
/// name the gateway in commands.
async fn serve(config: Config, arguments: &str) -> Result<ExitCode, CliError> {
    let mut signals = Signals::listen().map_err(|e| CliError::failed("signals", e))?;
    let started = start(config)?;
    let api = open_api(&started).await?;
    let words = welcome(&started.config, started.overlay.status().peers.len());
    println!("{}", about(&words, arguments));
    signals.next().await;
    if let Some(api) = &api {
        api.drain();
    }
    let drain = started.config.limits.drain;
    tracing::info!("stopping: no new connections; sessions get {drain:?} to end");
    tokio::select! {
        () = started.shutdown() => Ok(ExitCode::SUCCESS),
        code = signals.next() => Ok(code),
    }
}

/// Lets programs ask the gateway. Where they cannot be let in from elsewhere, as configured, it does
/// not start; what only commands on this machine need, people can do without.
async fn open_api(started: &Started) -> Result<Option<Api>, CliError> {
    let config = &started.config;
    let (overlay, router) = (started.overlay.clone(), started.router.clone());
    let names = Arc::new(config.names());
    let tls = config.api.host.as_deref().map(|host| started.gateway.own_tls(host));
    let listen = Listen { at: config.api.listen.clone(), tls };
    match Api::start(&config.data, listen, overlay, router, names).await {
        Ok(api) => {
            for at in &api.at {
                tracing::info!("programs are listened to at {at}");
            }
            Ok(Some(api))
        }
        Err(error) if !config.api.listen.is_empty() => {
            Err(CliError::failed("the gateway cannot start", error))
        }
        Err(error) => {
            tracing::warn!(
                "programs, `crosstalk mesh status` and `wipe` cannot ask this gateway: {error}"
            );
            Ok(None)
        }
    }
}

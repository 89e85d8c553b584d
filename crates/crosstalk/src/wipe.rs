//! `crosstalk wipe`: forgetting somebody.

use std::process::ExitCode;

use crosstalk_api::client::{self, Unanswered};
use crosstalk_api::{Asleep, Person};
use crosstalk_core::Address;
use crosstalk_gateway::config::Config;
use crosstalk_gateway::sources::forget_archived;
use crosstalk_overlay::Overlay;

use crate::cli::Wipe;
use crate::cli_error::CliError;
use crate::start::kept;
use crate::{json, runtime};

pub(crate) fn run(args: &Wipe) -> Result<ExitCode, CliError> {
    let config = args.instance.draft()?;
    let user = who(&config, &args.user)?;
    let runtime = runtime()?;
    let wanted = Person { name: user.to_string() };
    let socket = crosstalk_api::socket(&config.data);
    let is_running = match runtime.block_on(client::post(&socket, "/v1/wipe", &wanted)) {
        Ok(Person { .. }) => true,
        Err(Unanswered::NotRunning) => {
            runtime.block_on(wipe_asleep(&config, &user))?;
            false
        }
        Err(unanswered) => return Err(unanswered.into()),
    };
    if args.answer.json {
        println!("{}", json(&wanted));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", done(&user));
    if !is_running {
        println!("The gateway is not running: others learn it when it is.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Message after a person was forgotten.
fn done(user: &Address) -> String {
    format!(
        "Forgotten: {user}'s buddies on other networks, messages from and to {user} that waited \
         here, what programs here were told of {user}, and texts that {user} has archived here.\n\
         Only the name stays, so that no other gateway brings the buddies back."
    )
}

/// The store of a gateway that does not run, opened for this.
async fn wipe_asleep(config: &Config, user: &Address) -> Result<(), CliError> {
    let opened = Overlay::alone_keeping(&config.data, kept(config));
    let (overlay, _inbound) = opened.map_err(|e| CliError::Failed(e.to_string()))?;
    overlay.wipe(user).await;
    overlay.shutdown().await;
    let broken = |error| CliError::failed("what programs were told", error);
    Asleep::open(&config.data).map_err(broken)?.forget(user).await.map_err(broken)?;
    match &config.services.flows.archive {
        Some(dir) if !forget_archived(dir, user) => {
            Err(CliError::Failed(format!("{}: archived texts cannot be removed", dir.display())))
        }
        _ => Ok(()),
    }
}

/// The person that is meant, in either spelling.
fn who(config: &Config, text: &str) -> Result<Address, CliError> {
    config.names().person(text).ok_or_else(|| {
        let networks: Vec<_> = config.networks.keys().map(ToString::to_string).collect();
        CliError::Usage(format!(
            "{text} is nobody's name\n  help: write name@network, where the network is one of {}",
            networks.join(", ")
        ))
    })
}

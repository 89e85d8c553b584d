//! `crosstalk wipe`: forgetting somebody.

use std::process::ExitCode;

use crosstalk_core::{Address, NameClass};
use crosstalk_gateway::config::Config;
use crosstalk_overlay::Overlay;

use crate::cli::Wipe;
use crate::complaint::Complaint;
use crate::door::{self, Request};
use crate::runtime;
use crate::start::kept;

pub(crate) fn run(args: &Wipe) -> Result<ExitCode, Complaint> {
    let config = args.place.draft()?;
    let user = who(&config, &args.user)?;
    match door::ask(&config.data, &Request::Wipe(user.clone())) {
        Ok(text) => println!("{text}"),
        Err(door::Closed::Failed(why)) => return Err(Complaint::Failed(why)),
        Err(door::Closed::NotRunning) => {
            runtime()?.block_on(wipe_asleep(&config, &user))?;
            println!("{}", done(&user));
            println!("The gateway is not running: others learn it when it is.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said when it is done.
pub(crate) fn done(user: &Address) -> String {
    format!(
        "Forgotten: {user}'s buddies on other networks, and messages from and to {user} that \
         waited here.\n\
         Only the name stays, so that no other gateway brings the buddies back."
    )
}

/// The store of a gateway that does not run, opened for this.
async fn wipe_asleep(config: &Config, user: &Address) -> Result<(), Complaint> {
    let opened = Overlay::alone_keeping(&config.data, kept(config));
    let (overlay, _inbound) = opened.map_err(|e| Complaint::Failed(e.to_string()))?;
    overlay.wipe(user).await;
    overlay.shutdown().await;
    Ok(())
}

/// The person that is meant, in either spelling.
fn who(config: &Config, text: &str) -> Result<Address, Complaint> {
    let names = config.names();
    let spelled = match names.classify(text) {
        NameClass::Foreign(address) => Some(address),
        NameClass::Own | NameClass::Nowhere => None,
    };
    let full = || {
        let plain: Address = text.parse().ok()?;
        names.address(plain.local(), plain.network()).ok()
    };
    spelled.or_else(full).filter(|user| !user.is_control()).ok_or_else(|| {
        let networks: Vec<_> = config.networks.keys().map(ToString::to_string).collect();
        Complaint::Usage(format!(
            "{text} is nobody's name\n  help: write name@network, where the network is one of {}",
            networks.join(", ")
        ))
    })
}

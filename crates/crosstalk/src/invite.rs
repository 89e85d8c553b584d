//! `crosstalk api invite`: letting somebody in who has only a browser.

use std::process::ExitCode;

use crosstalk_api::client;
use crosstalk_api::{InviteWanted, NewInvite};
use crosstalk_core::WEB_NETWORK;

use crate::cli::Invite;
use crate::cli_error::CliError;
use crate::{json, runtime};

pub(crate) fn run(args: &Invite) -> Result<ExitCode, CliError> {
    let config = args.instance.draft()?;
    let who = if args.name.contains('@') {
        args.name.clone()
    } else {
        format!("{}@{WEB_NETWORK}", args.name)
    };
    let wanted = InviteWanted { who, hours: Some(args.hours) };
    let socket = crosstalk_api::socket(&config.data);
    let made = runtime()?.block_on(client::post(&socket, "/v1/invites", &wanted));
    let made: NewInvite = made?;
    if args.answer.json {
        println!("{}", json(&made));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", made.link.expose());
    eprintln!(
        "Whoever opens this link first chooses the password of {} and is in. It works once, for {} \
         hours: send it to nobody else.",
        made.who, args.hours
    );
    Ok(ExitCode::SUCCESS)
}

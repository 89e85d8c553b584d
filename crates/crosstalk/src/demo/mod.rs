//! `crosstalk demo`: the whole road, on loopback, as a story.

mod actor;
mod cast;
mod latency;
mod stage;
mod stay;
mod story;
mod tell;

use std::process::ExitCode;
use std::time::Instant;

use crate::cli::Demo;
use crate::cli_error::CliError;
use crate::signals::Signals;
use crate::{log, runtime};
use cast::Cast;
use stage::Stage;
use tell::Teller;

pub(crate) fn run(args: &Demo) -> Result<ExitCode, CliError> {
    if let Some(level) = &args.log {
        log::start(log::filter(level)?);
    }
    runtime()?.block_on(show(args))
}

async fn show(args: &Demo) -> Result<ExitCode, CliError> {
    let mut signals = Signals::listen().map_err(|e| CliError::failed("signals", e))?;
    let tell = Teller::new();
    let (stage, cast) = tokio::select! {
        played = perform(tell, args.messages) => played?,
        code = signals.next() => return Ok(code),
    };
    if args.stay {
        stay::invite(tell, &stage);
        for actor in cast.everybody() {
            stay::introduce(&stage, &actor);
            tokio::spawn(stay::oblige(actor));
        }
        signals.next().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells the story from its beginning to its end, or to the first thing that goes wrong.
async fn perform(tell: Teller, messages: usize) -> Result<(Stage, Cast), CliError> {
    let begun = Instant::now();
    let missed = |miss| CliError::failed("the demo failed", miss);
    tell::say("CrossTalk: four networks, two gateways, eight people, all on this machine.");
    let stage = Stage::build(tell).await?;
    tell.chapter("Signing on, each to their own server with their own password");
    let mut cast = Cast::gather(tell, &stage).await.map_err(missed)?;
    story::play(tell, &stage, &mut cast, messages).await.map_err(missed)?;
    stage.check(tell).map_err(missed)?;
    tell::say(format_args!("\nAll of it worked, in {:.1} s.", begun.elapsed().as_secs_f64()));
    Ok((stage, cast))
}

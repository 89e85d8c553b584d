//! `crosstalk ca`: the private CA that certificates for terminated TLS come from.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use crosstalk_gateway::tls::ca;

use crate::cli::{Ca, CaCommand, Instance};
use crate::cli_error::CliError;

pub(crate) fn run(args: &Ca) -> Result<ExitCode, CliError> {
    match &args.what {
        CaCommand::Init(instance) => init(instance),
        CaCommand::Export(instance) => export(instance),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn directory(instance: &Instance) -> Result<PathBuf, CliError> {
    Ok(instance.draft()?.tls.authority)
}

fn init(instance: &Instance) -> Result<(), CliError> {
    let dir = directory(instance)?;
    ca::init(&dir).map_err(|e| CliError::failed("no CA was made", e))?;
    println!(
        "Made a private CA in {}.\n\
         Clients that are to trust it need its certificate: crosstalk ca export{} > crosstalk-ca.pem\n\
         Its key, ca.key, can speak for every host to those clients: keep it to yourself.",
        dir.display(),
        instance.arguments()
    );
    Ok(())
}

fn export(instance: &Instance) -> Result<(), CliError> {
    let dir = directory(instance)?;
    if !dir.is_dir() {
        return Err(CliError::Failed("there is no CA yet: run `crosstalk ca init`".into()));
    }
    let pem = ca::export(&dir).map_err(|e| CliError::failed("the CA cannot be shown", e))?;
    stdout().write_all(pem.as_bytes()).map_err(|e| CliError::failed("stdout", e))
}

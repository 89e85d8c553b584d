//! `crosstalk ca`: the private CA that certificates for terminated TLS come from.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crosstalk_gateway::tls::ca;

use crate::cli::{Ca, CaCommand, Place};
use crate::complaint::Complaint;

pub(crate) fn run(args: &Ca) -> Result<ExitCode, Complaint> {
    match &args.what {
        CaCommand::Init(place) => init(&directory(place)?),
        CaCommand::Export(place) => export(&directory(place)?),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn directory(place: &Place) -> Result<PathBuf, Complaint> {
    Ok(place.draft()?.tls.authority)
}

fn init(dir: &Path) -> Result<(), Complaint> {
    ca::init(dir).map_err(|e| Complaint::failed("no CA was made", e))?;
    println!(
        "Made a private CA in {}.\n\
         Clients that are to trust it need its certificate: crosstalk ca export > crosstalk-ca.pem\n\
         Its key, ca.key, can speak for every host to those clients: keep it to yourself.",
        dir.display()
    );
    Ok(())
}

fn export(dir: &Path) -> Result<(), Complaint> {
    if !dir.is_dir() {
        return Err(Complaint::Failed("there is no CA yet: run `crosstalk ca init`".into()));
    }
    let pem = ca::export(dir).map_err(|e| Complaint::failed("the CA cannot be shown", e))?;
    stdout().write_all(pem.as_bytes()).map_err(|e| Complaint::failed("stdout", e))
}

//! `crosstalk ca`: the private CA that certificates for terminated TLS come from.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use crosstalk_gateway::tls::ca;

use crate::cli::{Ca, CaCommand, Place};
use crate::complaint::Complaint;

pub(crate) fn run(args: &Ca) -> Result<ExitCode, Complaint> {
    match &args.what {
        CaCommand::Init(place) => init(place),
        CaCommand::Export(place) => export(place),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn directory(place: &Place) -> Result<PathBuf, Complaint> {
    Ok(place.draft()?.tls.authority)
}

fn init(place: &Place) -> Result<(), Complaint> {
    let dir = directory(place)?;
    ca::init(&dir).map_err(|e| Complaint::failed("no CA was made", e))?;
    println!(
        "Made a private CA in {}.\n\
         Clients that are to trust it need its certificate: crosstalk ca export{} > crosstalk-ca.pem\n\
         Its key, ca.key, can speak for every host to those clients: keep it to yourself.",
        dir.display(),
        place.arguments()
    );
    Ok(())
}

fn export(place: &Place) -> Result<(), Complaint> {
    let dir = directory(place)?;
    if !dir.is_dir() {
        let with = place.arguments();
        let words = format!("there is no CA yet: run `crosstalk ca init{with}`");
        return Err(Complaint::Failed(words));
    }
    let pem = ca::export(&dir).map_err(|e| Complaint::failed("the CA cannot be shown", e))?;
    stdout().write_all(pem.as_bytes()).map_err(|e| Complaint::failed("stdout", e))
}

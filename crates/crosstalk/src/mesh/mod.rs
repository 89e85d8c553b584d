//! `crosstalk mesh`: gateways of different people that work together.
//!
//! The operator of a mesh signs who its members are. Each command changes or shows the
//! membership document in the data directory; a running gateway takes changes up by itself.

pub(crate) mod id;
mod status;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use crosstalk_gateway::config::Config;
use crosstalk_overlay::{Admitted, Member, Membership, Operator, Overlay};

use crate::cli::{Admit, Instance, Join, Mesh, MeshId, Revoke};
use crate::cli_error::CliError;

pub(crate) fn run(mesh: &Mesh) -> Result<ExitCode, CliError> {
    match mesh {
        Mesh::Init(args) => init(args)?,
        Mesh::Id(args) => return id::run(args),
        Mesh::Admit(args) => admit(args)?,
        Mesh::Revoke(args) => revoke(args)?,
        Mesh::Join(args) => join(args)?,
        Mesh::Leave(instance) => leave(instance)?,
        Mesh::Status(args) => return status::run(args),
    }
    Ok(ExitCode::SUCCESS)
}

fn init(args: &MeshId) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    if let Some(document) = load(&config)? {
        return Err(CliError::Failed(format!(
            "this gateway is already in a mesh, that of operator {}\n  help: `crosstalk mesh leave` takes it out",
            document.operator()
        )));
    }
    refuse_fixed_list(&config)?;
    let id = Overlay::identify(&config.data).map_err(broken)?;
    let operator = Operator::load_or_make(&config.data).map_err(broken)?;
    let addresses = id::addresses(&config, &args.at);
    let is_callable = !addresses.is_empty();
    let networks = config.speaks_for();
    let own = Admitted { member: Member { id, addresses, networks }, until: None };
    write(&config, &operator, 1, &[own])?;
    println!("Began a mesh: you are its operator, and this gateway is its only member so far.");
    println!("Its operator's id is {}.", operator.id());
    if !is_callable {
        println!("Without --at this gateway only calls others: those must have an address.");
    }
    println!(
        "Whoever wants to join runs `crosstalk mesh id --at HOST:PORT` and sends you the command that it prints."
    );
    println!("Start the gateway now, or restart it if it is running.");
    println!(
        "{} decides who is a member: keep a copy where nobody else can read it.",
        operator_key(&config)
    );
    Ok(())
}

fn admit(args: &Admit) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    let (operator, document) = operated(&config)?;
    let Admit { id, at, networks, until, .. } = args;
    let member = Member { id: *id, addresses: at.clone(), networks: networks.clone() };
    let mut members: Vec<_> = document.members().filter(|m| m.member.id != *id).collect();
    let is_new = members.len() == document.members().count();
    members.push(Admitted { member, until: *until });
    let document = write(&config, &operator, document.version() + 1, &members)?;
    print!("{}", document.to_text());
    let what = if is_new { "admitted" } else { "changed" };
    eprintln!("{what} {id}: membership version {}", document.version());
    if is_new {
        eprintln!("Send that gateway the membership file, for `crosstalk mesh join FILE`.");
    }
    Ok(())
}

fn revoke(args: &Revoke) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    let (operator, document) = operated(&config)?;
    if Overlay::identify(&config.data).map_err(broken)? == args.id {
        return Err(CliError::Usage(
            "that is this gateway, the operator's\n  help: `crosstalk mesh leave` takes it out"
                .into(),
        ));
    }
    let members: Vec<_> = document.members().filter(|m| m.member.id != args.id).collect();
    if members.len() == document.members().count() {
        return Err(CliError::Failed(format!("{} is no member", args.id)));
    }
    let document = write(&config, &operator, document.version() + 1, &members)?;
    println!("Revoked {}: membership version {}.", args.id, document.version());
    println!("The other members learn it from this gateway as soon as it is running.");
    Ok(())
}

fn join(args: &Join) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    refuse_fixed_list(&config)?;
    let text = read(&args.file).map_err(|e| CliError::failed(&name(&args.file), e))?;
    let document = Membership::parse(&text).map_err(|e| CliError::failed(&name(&args.file), e))?;
    let id = Overlay::identify(&config.data).map_err(broken)?;
    if !document.members().any(|m| m.member.id == id) {
        return Err(CliError::Failed(format!(
            "this gateway, {id}, is not among the members\n  help: send the operator what `crosstalk mesh id` prints"
        )));
    }
    match load(&config)? {
        Some(own) if own.operator() != document.operator() => {
            return Err(CliError::Failed(format!(
                "this gateway is in another mesh, that of operator {}\n  help: `crosstalk mesh leave` takes it out",
                own.operator()
            )));
        }
        Some(own) if own != document && !document.replaces(&own) => {
            return Err(CliError::Failed(format!(
                "this is version {}, and this gateway has version {} already",
                document.version(),
                own.version()
            )));
        }
        _ => document.save(&config.data).map_err(broken)?,
    }
    println!("Joined the mesh of operator {}.", document.operator());
    println!(
        "Ask the operator whether that id is right: whoever holds its key decides who is a member."
    );
    println!(
        "Other members: {}. Start the gateway now, or restart it if it is running.",
        document.members().count() - 1
    );
    Ok(())
}

fn leave(instance: &Instance) -> Result<(), CliError> {
    let config = instance.draft()?;
    if !Membership::forget(&config.data).map_err(broken)? {
        return Err(CliError::Failed("this gateway is in no mesh".into()));
    }
    println!("Left the mesh, from the next start of this gateway on.");
    println!("Ask the operator to revoke this gateway, so that the others do not wait for it.");
    Ok(())
}

/// The document of this gateway's mesh, and the key that signs the next one.
fn operated(config: &Config) -> Result<(Operator, Membership), CliError> {
    let operator = Operator::load(&config.data).map_err(broken)?;
    match (operator, load(config)?) {
        (Some(operator), Some(document)) if operator.id() == document.operator() => {
            Ok((operator, document))
        }
        (_, None) => Err(CliError::Failed(
            "this gateway is in no mesh\n  help: `crosstalk mesh init` begins one".into(),
        )),
        (_, Some(document)) => Err(CliError::Failed(format!(
            "only the operator of the mesh, {}, decides who its members are",
            document.operator()
        ))),
    }
}

fn write(
    config: &Config,
    operator: &Operator,
    version: u64,
    members: &[Admitted],
) -> Result<Membership, CliError> {
    let document = operator.sign(version, members);
    let document = document.map_err(|e| CliError::Usage(e.to_string()))?;
    document.save(&config.data).map_err(broken)?;
    Ok(document)
}

fn load(config: &Config) -> Result<Option<Membership>, CliError> {
    Membership::load(&config.data).map_err(broken)
}

fn refuse_fixed_list(config: &Config) -> Result<(), CliError> {
    match &config.mesh {
        Some(mesh) if !mesh.members.is_empty() => Err(CliError::Usage(
            "the configuration has a fixed list of members\n  help: take out [[mesh.member]]: the operator's membership takes its place"
                .into(),
        )),
        _ => Ok(()),
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".into() } else { file.display().to_string() }
}

fn operator_key(config: &Config) -> String {
    config.data.join("operator.key").display().to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
fn broken(error: crosstalk_overlay::Error) -> CliError {
    CliError::Failed(error.to_string())
}

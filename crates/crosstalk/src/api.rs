//! `crosstalk api`: letting programs in.

use std::process::ExitCode;

use crosstalk_api::client::{self, Unanswered};
use crosstalk_api::{Asleep, NewToken, Scope, StoreError, Token, TokenWanted};
use crosstalk_core::{APPS_NETWORK, Address, NetworkId, OWN_NETWORKS};
use crosstalk_gateway::config::Config;

use crate::advice::about;
use crate::cli::{self, TokenList, TokenMake, TokenRevoke};
use crate::cli_error::CliError;
use crate::{invite, json, runtime};

pub(crate) fn run(api: &cli::Api) -> Result<ExitCode, CliError> {
    let token = match api {
        cli::Api::Token(token) => token,
        cli::Api::Invite(args) => return invite::run(args),
    };
    let runtime = runtime()?;
    match token {
        cli::Token::Make(args) => runtime.block_on(make(args))?,
        cli::Token::List(args) => runtime.block_on(list(args))?,
        cli::Token::Revoke(args) => runtime.block_on(revoke(args))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn make(args: &TokenMake) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    let who = who(&config, &args.name)?;
    let scopes = match &args.scopes[..] {
        [] => Scope::of_applications().collect(),
        scopes => scopes.to_vec(),
    };
    let socket = crosstalk_api::socket(&config.data);
    let wanted = TokenWanted { who: who.to_string(), scopes: Some(scopes.clone()) };
    let made: NewToken = match client::post(&socket, "/v1/tokens", &wanted).await {
        Ok(made) => made,
        Err(Unanswered::NotRunning) => {
            let made = asleep(&config)?.make_token(who, scopes).await.map_err(broken)?;
            made.ok_or_else(|| CliError::Failed("there are too many tokens: revoke some".into()))?
        }
        Err(unanswered) => return Err(unanswered.into()),
    };
    if args.answer.json {
        println!("{}", json(&made));
        return Ok(());
    }
    println!("{}", made.secret.expose());
    eprintln!("This is the token of {}, and the only time that it is shown.", made.token.who);
    eprintln!(
        "`crosstalk api token revoke{} {}` revokes it.",
        args.instance.arguments(),
        made.token.id
    );
    Ok(())
}

async fn list(args: &TokenList) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    let socket = crosstalk_api::socket(&config.data);
    let tokens: Vec<Token> = match client::get(&socket, "/v1/tokens").await {
        Ok(tokens) => tokens,
        Err(Unanswered::NotRunning) => asleep(&config)?.tokens().await.map_err(broken)?,
        Err(unanswered) => return Err(unanswered.into()),
    };
    if args.answer.json {
        println!("{}", json(&tokens));
        return Ok(());
    }
    for Token { id, who, scopes, expires_at, .. } in &tokens {
        let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
        let session = if expires_at.is_some() { "  (a browser that is signed in)" } else { "" };
        println!("{id}  {who}  {}{session}", scopes.join(","));
    }
    if tokens.is_empty() {
        let words = "There are no tokens. `crosstalk api token make NAME` makes one.";
        println!("{}", about(words, &args.instance.arguments()));
    }
    Ok(())
}

async fn revoke(args: &TokenRevoke) -> Result<(), CliError> {
    let config = args.instance.draft()?;
    let socket = crosstalk_api::socket(&config.data);
    // It is a part of a path.
    let is_id = args.id.bytes().all(|b| b.is_ascii_alphanumeric());
    let unknown = || {
        CliError::Failed(format!(
            "there is no token {}\n  help: `crosstalk api token list` lists them",
            args.id
        ))
    };
    if !is_id || args.id.is_empty() {
        return Err(unknown());
    }
    match client::delete(&socket, &format!("/v1/tokens/{}", args.id)).await {
        Ok(()) => {}
        Err(Unanswered::NotRunning) => {
            let was_there = asleep(&config)?.revoke_token(args.id.clone()).await.map_err(broken)?;
            was_there.then_some(()).ok_or_else(unknown)?;
        }
        Err(Unanswered::NoSuchThing) => return Err(unknown()),
        Err(unanswered) => return Err(unanswered.into()),
    }
    if args.answer.json {
        println!("{}", json(&serde_json::json!({ "id": args.id })));
    } else {
        println!("Revoked {}.", args.id);
    }
    Ok(())
}

/// The name that a token is for: of an application where nothing else is said.
fn who(config: &Config, name: &str) -> Result<Address, CliError> {
    let (local, network) = name.rsplit_once('@').unwrap_or((name, APPS_NETWORK));
    let network = network.parse::<NetworkId>().ok();
    let network = network.filter(|id| OWN_NETWORKS.contains(&id.as_str()));
    let address = network.and_then(|network| config.names().address(local, &network).ok());
    address.ok_or_else(|| {
        CliError::Usage(format!(
            "{name} is no name for an application\n  help: write up to 32 letters and digits, with \
             single dots, hyphens and underscores between them, such as weather; or ann@web for \
             somebody with a browser"
        ))
    })
}

/// What the API of a gateway that does not run keeps.
fn asleep(config: &Config) -> Result<Asleep, CliError> {
    // Makes the directory where it is missing, so that only its owner can enter it.
    crosstalk_overlay::Overlay::identify(&config.data)
        .map_err(|e| CliError::Failed(e.to_string()))?;
    Asleep::open(&config.data).map_err(broken)
}

fn broken(error: StoreError) -> CliError {
    CliError::failed("the tokens", error)
}

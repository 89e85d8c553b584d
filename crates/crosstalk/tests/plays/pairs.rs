//! One story for every ordered pair of networks, and the table of what came of it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crosstalk_gateway::config::Config;
use crosstalk_mock::NETWORKS;
use crosstalk_mock::play::{Outcome, Play};
use libtest_mimic::Trial;

use super::stage::{Route, Setting};
use super::{perform, root};

/// Environment variable that has the table written anew instead of compared.
const REWRITE: &str = "CROSSTALK_REWRITE";
/// Two gateways, each with clients that use it as a proxy.
const SETTING: Setting = Setting { way: Route::Socks5, alone: false };

/// Sender and receiver, as they stand in [`networks`].
type Pair = [usize; 2];

/// Outcomes of the story.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<BTreeMap<Pair, Vec<Outcome>>>>);

impl Table {
    /// A trial for each pair.
    pub(crate) fn trials(&self) -> Vec<Trial> {
        pairs().into_iter().map(|pair| self.clone().trial(pair)).collect()
    }

    fn trial(self, pair: Pair) -> Trial {
        let [from, to] = pair.map(|at| networks()[at].1);
        let name = format!("pair, {from} to {to}");
        let title = name.clone();
        Trial::test(name, move || {
            let play = Play::parse(&story(pair)?)?;
            let outcomes = perform(&play, &title, SETTING)?;
            let outcomes = outcomes.into_iter().filter(|o| !o.chapter.is_empty()).collect();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pair, outcomes);
            Ok(())
        })
    }

    /// Compares `docs/compatibility.md` with what was measured, if every pair was.
    pub(crate) fn check(&self) -> Result<(), Box<dyn Error>> {
        let measured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if measured.len() < pairs().len() {
            return Ok(());
        }
        let (path, page) =
            (root().join("docs/compatibility.md"), page(&measured) + &calls()? + &kinds()?);
        if std::env::var_os(REWRITE).is_some() {
            return Ok(std::fs::write(path, page)?);
        }
        if std::fs::read_to_string(&path).is_ok_and(|there| there == page) {
            return Ok(());
        }
        Err(format!(
            "docs/compatibility.md is not what was measured; `cargo xtask compatibility` writes it \
             anew:\n\n{page}"
        )
        .into())
    }
}

/// Every ordered pair.
fn pairs() -> Vec<Pair> {
    let all = 0..networks().len();
    all.clone().flat_map(|from| all.clone().map(move |to| [from, to])).collect()
}

/// The networks that a gateway knows and that there is a mock of: id, and how people call it.
fn networks() -> Vec<(&'static str, &'static str)> {
    let known = Config::alone(PathBuf::new()).networks;
    let title = |id: &str| {
        let network = known.values().find(|network| network.id.as_str() == id);
        network.map(|network| network.protocol.defaults().title)
    };
    NETWORKS.iter().filter_map(|mock| Some((mock.id(), title(mock.id())?))).collect()
}

/// The story of a pair. Of one network there are two then: the receiver's is another one.
fn story([from, to]: Pair) -> std::io::Result<String> {
    let story = std::fs::read_to_string(root().join("tests/plays/pairs/pair.play"))?;
    let [sender, known] = [from, to].map(|at| networks()[at].0);
    let receiver = if from == to { format!("other-{known}") } else { known.to_owned() };
    let story = story.replace("SENDER", sender).replace("RECEIVER", &receiver);
    let another = format!("{receiver} is another {known}\n");
    Ok(if from == to { another + &story } else { story })
}

/// The page: a row a pair, a column a chapter, and notes.
fn page(measured: &BTreeMap<Pair, Vec<Outcome>>) -> String {
    let mut page = String::from(HEAD);
    let mut notes: Vec<&str> = Vec::new();
    for (pair, outcomes) in measured {
        if *pair == [0, 0] {
            let chapters: Vec<_> = outcomes.iter().map(|o| o.chapter.as_str()).collect();
            let _ = writeln!(page, "| From | To | {} |", chapters.join(" | "));
            let _ = writeln!(page, "|---|---|{}", "---|".repeat(chapters.len()));
        }
        let [from, to] = pair.map(|at| networks()[at].1);
        let _ = write!(page, "| {from} | {to} |");
        for outcome in outcomes {
            let numbers = outcome.instead.iter().map(|what| {
                let at = notes.iter().position(|note| note == what).unwrap_or_else(|| {
                    notes.push(what);
                    notes.len() - 1
                });
                format!("note {}", at + 1)
            });
            let numbers: Vec<_> = numbers.collect();
            let cell = if numbers.is_empty() { "yes".to_owned() } else { numbers.join(", ") };
            let _ = write!(page, " {cell} |");
        }
        page.push('\n');
    }
    page.push_str("\nWhat happens instead:\n\n");
    for (number, note) in (1..).zip(notes) {
        let _ = writeln!(page, "{number}. {}.", sentence(note));
    }
    page
}

/// Tables of calls and files between a browser and the clients of each network: one way as a test of
/// the API shows it, the other way by the kinds of content.
fn calls() -> std::io::Result<String> {
    let kinds = |name: &str| std::fs::read_to_string(root().join(format!("tests/kinds/{name}.md")));
    let mut page = format!("{CALLS}{}{CALLS_BACK}", kinds("calls")?);
    for (id, title) in KINDS_OF {
        let rows = kinds(id)?;
        let is_meant = |kind: &str| CALLS_AND_FILES.iter().any(|word| kind.contains(word));
        for row in rows.lines().filter(|row| row.split('|').nth(1).is_some_and(is_meant)) {
            let _ = writeln!(page, "| {title} {row}");
        }
    }
    Ok(page)
}

/// Tables of the fate of each kind of content, by network, as the networks' own tests found it.
fn kinds() -> std::io::Result<String> {
    let mut kinds = String::from(KINDS);
    for (id, title) in KINDS_OF {
        let rows = std::fs::read_to_string(root().join(format!("tests/kinds/{id}.md")))?;
        let _ = write!(kinds, "\n### {title}\n\n| Kind | What becomes of it |\n|---|---|\n{rows}");
    }
    Ok(kinds)
}

/// Sentence for the play's note on what came instead, with articles.
fn sentence(note: &str) -> String {
    let (words, quoted) = note.split_at(note.find('“').unwrap_or(note.len()));
    let words = words.replace("sender", "the sender").replace("receiver", "the receiver");
    format!("T{}{quoted}", words.strip_prefix('t').unwrap_or(&words))
}

/// The engines, and whose clients they read.
const KINDS_OF: [(&str, &str); 4] =
    [("oscar", "AIM and ICQ"), ("xmpp", "Jabber"), ("msnp", "MSN"), ("ymsg", "Yahoo")];

/// Words for calls and files in the names of kinds.
const CALLS_AND_FILES: [&str; 5] = ["file", "call", "voice", "camera", "out-of-band link"];

const CALLS: &str = "
## Calls and files, with a browser

What `ann@web`, who has only a browser, does by [the API](api.md#calls), as [the chat page](web.md) does, and what the other's client
shows, as a test saw it in the scripted clients: a call is answered and a file got in a browser, by the link or by the address,
which stands there whole. In the last column it is Ann who sees it.

| Client | Ann calls, by the address of a room | Ann calls, by the description of a session | Ann offers a file | The client says the address of a room |
|---|---|---|---|---|
";

const CALLS_BACK: &str = "
What clients do with buttons of their own, towards Ann as towards everybody on another network. Whoever is refused sees that at
once, and can say a link instead:

| Client | Kind | What becomes of it |
|---|---|---|
";

const KINDS: &str = "
## What becomes of each kind of content

What a client sends to somebody on another network, kind by kind. Tests of each network send it and look at what the other
network, the client and its server get. Nothing gets a yes and nothing else, and nothing of it reaches the server.
";

const HEAD: &str = "\
# What crosses between which networks

A test writes this page. It has a sender on one network and a receiver on another do what stands in
[pair.play](../tests/plays/pairs/pair.play), each through a gateway of their own, with the servers and clients of
`crates/mock`. Where both are of one network there are two of it, such as two servers of Jabber, and a gateway at each.

*Yes* means that it arrives as it was meant. *Invisible* stays so also for one who signs on meanwhile; *CP1251*, *Latin-1* and
*Shift-JIS* are texts in the characters of those encodings; a *long text* has 2,100 characters.

";

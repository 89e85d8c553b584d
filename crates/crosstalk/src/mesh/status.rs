//! `crosstalk mesh status`.

use std::fmt::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use crosstalk_api::client::{self, Unanswered};
use crosstalk_api::{Member, Memory, Mesh, People, Refused, Status};
use crosstalk_overlay::Overlay;

use crate::cli::MeshStatus;
use crate::cli_error::{CliError, DRAINING, NOT_RUNNING};
use crate::{json, runtime};

pub(super) fn run(args: &MeshStatus) -> Result<ExitCode, CliError> {
    let config = args.instance.draft()?;
    let socket = crosstalk_api::socket(&config.data);
    let status: Status = match runtime()?.block_on(client::get(&socket, "/v1/status")) {
        Ok(status) => status,
        Err(Unanswered::NotRunning) => {
            let id = Overlay::identify(&config.data).map_err(super::broken)?;
            Status::asleep(&id, super::load(&config)?.as_ref())
        }
        Err(unanswered) => return Err(unanswered.into()),
    };
    if args.answer.json {
        println!("{}", json(&status));
    } else {
        println!("{}", in_words(&status));
    }
    Ok(match status {
        Status { is_running: false, .. } => ExitCode::from(NOT_RUNNING),
        Status { is_draining: true, .. } => ExitCode::from(DRAINING),
        _ => ExitCode::SUCCESS,
    })
}

fn in_words(status: &Status) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = if status.is_running { awake(&mut text, status) } else { asleep(&mut text, status) };
    text.truncate(text.trim_end().len());
    text
}

/// Status of a gateway that does not run, from its files.
fn asleep(text: &mut String, status: &Status) -> fmt::Result {
    writeln!(text, "The gateway is not running.\n\nGateway     {}", status.gateway)?;
    match &status.mesh {
        Some(mesh) => write_head(text, mesh)?,
        None => writeln!(text, "Mesh        none with an operator")?,
    }
    status.members.iter().try_for_each(|member| write_member(text, member))
}

fn awake(text: &mut String, status: &Status) -> fmt::Result {
    if status.is_draining {
        writeln!(text, "The gateway is stopping.\n")?;
    }
    writeln!(text, "Gateway     {}", status.gateway)?;
    if let Some(people) = &status.people {
        write_people(text, people)?;
    }
    match &status.mesh {
        Some(mesh) => write_head(text, mesh)?,
        None => writeln!(text, "Mesh        a fixed list of members, or none")?,
    }
    if !status.is_member {
        writeln!(text, "            This gateway is no longer a member: ask the operator.")?;
    }
    let up = status.members.iter().filter(|member| member.is_linked).count();
    writeln!(text, "Links       {up} of {} up", status.members.len())?;
    writeln!(text, "Refused     {}", InWords(&status.refused))?;
    if status.unreadable > 0 {
        let count = status.unreadable;
        writeln!(
            text,
            "Store       {count} records cannot be read, and are kept aside: see the log"
        )?;
    }
    status.members.iter().try_for_each(|member| write_link(text, member))
}

fn write_people(text: &mut String, people: &People) -> fmt::Result {
    let People { users, sessions, sent, delivered, undelivered, slow, dropped, memory } = people;
    writeln!(text, "People      {users} signed on here, in {sessions} sessions")?;
    writeln!(text, "Messages    {sent} sent, {delivered} received, {undelivered} not delivered")?;
    let dropped = [
        (dropped.flood, "said too fast"),
        (dropped.outbox, "more than can wait to be sent"),
        (dropped.mailbox, "more than a client took"),
        (dropped.blocked, "from people who are blocked"),
        (dropped.requests, "requests of strangers that made room for others"),
        (dropped.lists, "lists of people who did not sign on"),
    ];
    writeln!(text, "Dropped     {}", Counted(&dropped))?;
    write_memory(text, memory)?;
    match slow {
        0 => Ok(()),
        slow => writeln!(text, "Slow        {slow} times one input took longer than 100 ms"),
    }
}

fn write_memory(text: &mut String, memory: &Memory) -> fmt::Result {
    let [budget, used, unknown] =
        [memory.budget, memory.used, memory.unknown].map(|bytes| bytes >> 10);
    write!(text, "Memory      {used} of {budget} KiB for connections, {unknown} not signed on")?;
    writeln!(text, "{}", if memory.is_short { "; it is short" } else { "" })?;
    let ended = [
        (memory.ended_short, "connections because memory was short"),
        (memory.ended_share, "because their address, user or domain held too much"),
    ];
    writeln!(text, "Ended       {}", Counted(&ended))
}

fn write_head(text: &mut String, mesh: &Mesh) -> fmt::Result {
    let Mesh { operator, version } = mesh;
    writeln!(text, "Mesh        of operator {operator}, membership version {version}")
}

fn write_link(text: &mut String, member: &Member) -> fmt::Result {
    write_member(text, member)?;
    let since = Since(Duration::from_secs(member.since));
    match &member.link {
        None if !member.can_link => writeln!(
            text,
            "  link      impossible: neither that gateway nor this one has an address to be called \
             at; their people cannot talk to each other"
        )?,
        None => writeln!(text, "  link      down for {since}")?,
        Some(link) => {
            let (version, lease) = (link.version, link.lease);
            write!(text, "  link      up for {since}, frames of version {version}")?;
            write!(text, ", lease for {lease} s")?;
            match link.membership {
                0 => writeln!(text)?,
                version => writeln!(text, ", membership version {version}")?,
            }
        }
    }
    if member.refused != Refused::default() {
        writeln!(text, "  refused   {}", InWords(&member.refused))?;
    }
    Ok(())
}

fn write_member(text: &mut String, member: &Member) -> fmt::Result {
    writeln!(text, "\nMember      {}", member.gateway)?;
    let at = member.addresses.join(", ");
    let at = if at.is_empty() { "no address: it calls the others" } else { &at };
    writeln!(text, "  at        {at}")?;
    writeln!(text, "  networks  {}", member.networks.join(", "))?;
    match &member.until {
        Some(day) => writeln!(text, "  until     {day}"),
        None => Ok(()),
    }
}

/// Counts of what was refused from other gateways.
struct InWords<'a>(&'a Refused);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { refused, faults, replayed, stale, flooded, strangers } = *self.0;
        let words = [
            (refused, "messages for networks that were not the gateway's"),
            (faults, "links for broken rules"),
            (replayed, "frames said twice"),
            (stale, "memberships, old or not the operator's"),
            (flooded, "times too much at once"),
            (strangers, "connections of strangers"),
        ];
        Counted(&words).fmt(f)
    }
}

/// Counts of things, those that are not zero.
struct Counted<'a>(&'a [(u64, &'a str)]);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.0.iter().filter(|(count, _)| *count > 0);
        let counted: Vec<_> = counted.map(|(count, what)| format!("{count} {what}")).collect();
        f.write_str(&if counted.is_empty() { "nothing".into() } else { counted.join(", ") })
    }
}

/// A time that people read.
struct Since(Duration);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            secs @ 0..120 => write!(f, "{secs} s"),
            secs @ 120..7200 => write!(f, "{} min", secs / 60),
            secs @ 7200..172_800 => write!(f, "{} h", secs / 3600),
            secs => write!(f, "{} days", secs / 86_400),
        }
    }
}

//! `crosstalk mesh status`.

use std::fmt::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use crosstalk_gateway::Usage;
use crosstalk_gateway::router::{Drops, Snapshot};
use crosstalk_overlay::{Admitted, Counts, GatewayId, Membership, Overlay, PeerStatus, Status};

use crate::cli::Instance;
use crate::cli_error::CliError;
use crate::control_socket::{self, Request};

pub(super) fn run(instance: &Instance) -> Result<ExitCode, CliError> {
    let config = instance.draft()?;
    match control_socket::ask(&config.data, &Request::Status) {
        Ok(text) => println!("{text}"),
        Err(control_socket::Closed::NotRunning) => {
            let id = Overlay::identify(&config.data).map_err(super::broken)?;
            let membership = super::load(&config)?;
            println!("{}", asleep(&id, membership.as_ref()));
        }
        Err(control_socket::Closed::Failed(why)) => return Err(CliError::Failed(why)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Status of a running gateway, in words.
pub(crate) fn awake(status: &Status, people: &Snapshot) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_status(&mut text, status, people);
    text
}

/// Status of a gateway that does not run, from its files.
fn asleep(id: &GatewayId, membership: Option<&Membership>) -> String {
    let mut text = format!("The gateway is not running.\n\nGateway     {id}\n");
    let Some(document) = membership else {
        return text + "Mesh        none with an operator";
    };
    let _ = write_head(&mut text, document);
    for admitted in document.members().filter(|m| m.member.id != *id) {
        let _ = write_member(&mut text, &admitted);
    }
    text.trim_end().to_owned()
}

fn write_status(text: &mut String, status: &Status, people: &Snapshot) -> fmt::Result {
    writeln!(text, "Gateway     {}", status.id)?;
    write_people(text, people)?;
    match &status.membership {
        Some(document) => write_head(text, document)?,
        None => writeln!(text, "Mesh        a fixed list of members, or none")?,
    }
    if status.own.is_none() {
        writeln!(text, "            This gateway is no longer a member: ask the operator.")?;
    }
    let up = status.peers.iter().filter(|peer| peer.link.is_some()).count();
    writeln!(text, "Links       {up} of {} up", status.peers.len())?;
    writeln!(text, "Refused     {}", Refused(&status.refused))?;
    if status.unreadable > 0 {
        let count = status.unreadable;
        writeln!(
            text,
            "Store       {count} records cannot be read, and are kept aside: see the log"
        )?;
    }
    for peer in &status.peers {
        write_peer(text, peer)?;
    }
    text.truncate(text.trim_end().len());
    Ok(())
}

fn write_people(text: &mut String, people: &Snapshot) -> fmt::Result {
    let Snapshot { users, sessions, sent, delivered, undelivered, slow, drops, memory } = people;
    writeln!(text, "People      {users} signed on here, in {sessions} sessions")?;
    writeln!(text, "Messages    {sent} sent, {delivered} received, {undelivered} not delivered")?;
    let Drops { flood, outbox, mailbox, blocked, requests, lists } = *drops;
    let dropped = [
        (flood, "said too fast"),
        (outbox, "more than can wait to be sent"),
        (mailbox, "more than a client took"),
        (blocked, "from people who are blocked"),
        (requests, "requests of strangers that made room for others"),
        (lists, "lists of people who did not sign on"),
    ];
    writeln!(text, "Dropped     {}", Counted(&dropped))?;
    write_memory(text, memory)?;
    match slow {
        0 => Ok(()),
        slow => writeln!(text, "Slow        {slow} times one input took longer than 100 ms"),
    }
}

fn write_memory(text: &mut String, memory: &Usage) -> fmt::Result {
    let Usage { budget, used, unknown, ended, is_strained } = *memory;
    let [budget, used, unknown] = [budget, used, unknown].map(|n| n as u64 >> 10);
    write!(text, "Memory      {used} of {budget} KiB for connections, {unknown} not signed on")?;
    writeln!(text, "{}", if is_strained { "; it is short" } else { "" })?;
    let ended = [
        (ended.unknown + ended.whole, "connections because memory was short"),
        (ended.payer, "because their address, user or domain held too much"),
    ];
    writeln!(text, "Ended       {}", Counted(&ended))
}

fn write_head(text: &mut String, document: &Membership) -> fmt::Result {
    let (operator, version) = (document.operator(), document.version());
    writeln!(text, "Mesh        of operator {operator}, membership version {version}")
}

fn write_peer(text: &mut String, peer: &PeerStatus) -> fmt::Result {
    write_member(text, &peer.admitted)?;
    let since = Since(peer.since);
    match &peer.link {
        None if !peer.can_link => writeln!(
            text,
            "  link      impossible: neither that gateway nor this one has an address to be called \
             at; their people cannot talk to each other"
        )?,
        None => writeln!(text, "  link      down for {since}")?,
        Some(link) => {
            let (version, lease) = (link.version, link.lease.as_secs());
            write!(text, "  link      up for {since}, frames of version {version}")?;
            write!(text, ", lease for {lease} s")?;
            match link.membership {
                0 => writeln!(text)?,
                version => writeln!(text, ", membership version {version}")?,
            }
        }
    }
    if peer.refused != Counts::default() {
        writeln!(text, "  refused   {}", Refused(&peer.refused))?;
    }
    Ok(())
}

fn write_member(text: &mut String, admitted: &Admitted) -> fmt::Result {
    let member = &admitted.member;
    writeln!(text, "\nMember      {}", member.id)?;
    let at: Vec<_> = member.addresses.iter().map(ToString::to_string).collect();
    let at = if at.is_empty() { "no address: it calls the others".into() } else { at.join(", ") };
    writeln!(text, "  at        {at}")?;
    let networks: Vec<_> = member.networks.iter().map(ToString::to_string).collect();
    writeln!(text, "  networks  {}", networks.join(", "))?;
    match &admitted.until {
        Some(day) => writeln!(text, "  until     {day}"),
        None => Ok(()),
    }
}

/// Counts of what was refused from other gateways.
struct Refused<'a>(&'a Counts);

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { refused, faults, replayed, stale, flooded, strangers } = *self.0;
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

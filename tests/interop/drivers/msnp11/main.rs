//! A person at msnp11-sdk, as a program: lines in, JSON events out.
//!
//! ```text
//! msnp11 PASSPORT PASSWORD HOST PORT NEXUS-URL
//! ```
//!
//! A line is a command and its arguments, parted by tabs; `\n`, `\t` and `\\` stand for themselves
//! inside one. What a client would show becomes an event; a request to be added waits for
//! `answer`.

mod events;
mod talks;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use msnp11_sdk::{Client, Event, MsnpList, MsnpStatus, PersonalMessage};
use serde_json::{Value, json};
use tokio::time::timeout;

use self::events::Known;

/// Longest wait for the server's answer to a command.
const PATIENCE: Duration = Duration::from_secs(20);

type Outcome = Result<(), String>;

/// The person and the client.
struct Person {
    passport: String,
    password: String,
    server: (String, u16),
    nexus: String,
    client: Option<Client>,
    known: Arc<Known>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("PASSPORT PASSWORD HOST PORT NEXUS-URL are needed");
    let (passport, password) = (next()?, next()?);
    let server = (next()?, next()?.parse().map_err(|_| "PORT is no number")?);
    let known = Arc::new(Known::default());
    let mut person = Person { passport, password, server, nexus: next()?, client: None, known };
    emit(&json!({ "event": "ready" }));

    let (lines_in, mut lines) = tokio::sync::mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines_in.blocking_send(line);
        }
    });
    while let Some(line) = lines.recv().await {
        let words: Vec<String> = line.split('\t').map(unescape).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let known = Arc::clone(&person.known);
        // The client waits for answers also when there is no connection for them to come by.
        let outcome = tokio::select! {
            outcome = timeout(PATIENCE, person.does(&words)) => outcome,
            () = known.is_offline(), if !matches!(words[0], "online" | "offline") => {
                Ok(Err("not signed on".into()))
            }
        };
        if let Err(why) = outcome.unwrap_or_else(|_| Err("no answer".into())) {
            let name = words.get(1).copied().unwrap_or_default();
            emit(&json!({ "event": "error", "command": words[0], "name": name, "text": why }));
        }
    }
    Ok(())
}

impl Person {
    async fn does(&mut self, words: &[&str]) -> Outcome {
        if words == ["online"] {
            return self.signs_on().await;
        }
        let Some(client) = &self.client else { return Err("not signed on".into()) };
        match *words {
            ["offline"] => {
                client.disconnect().await.map_err(said)?;
                self.client = None;
                emit(&json!({ "event": "disconnected" }));
            }
            ["add", name, ..] => {
                let added = client.add_contact(name, name, MsnpList::ForwardList).await;
                self.known.shows(added.map_err(said)?);
            }
            ["remove", name] => {
                let guid = self.known.guid(name).ok_or("no such buddy")?;
                client.remove_contact_from_forward_list(&guid).await.map_err(said)?;
                self.known.remove(name);
            }
            ["answer", name, answer] => {
                let list = if answer == "yes" { MsnpList::AllowList } else { MsnpList::BlockList };
                client.add_contact(name, name, list).await.map_err(said)?;
            }
            ["away", text] => self.shows(MsnpStatus::Away, text).await?,
            ["available", text] => self.shows(MsnpStatus::Online, text).await?,
            ["list"] => self.known.list(),
            ["im", name, text] => self.known.say(client, name, text).await?,
            ["typing", name, ..] => self.known.types(client, name, &self.passport).await?,
            ["nudge", name] => self.known.nudge(client, name).await?,
            ["invite", name, whom] => self.known.invite(name, whom).await?,
            ["leave", name] => self.known.leave(name).await?,
            _ => return Err("not a command".into()),
        }
        Ok(())
    }

    /// Signs on, at whatever server the one that is asked names.
    async fn signs_on(&mut self) -> Outcome {
        let turn = self.known.forget();
        let (mut host, mut port) = self.server.clone();
        let client = loop {
            let client = Client::new(&host, port).await.map_err(said)?;
            let login =
                client.login(self.passport.clone(), &self.password, &self.nexus, "sdk", "0.13");
            match login.await.map_err(said)? {
                Event::RedirectedTo { server, port: there } => (host, port) = (server, there),
                _ => break client,
            }
        };
        let known = Arc::clone(&self.known);
        known.online.send_replace(true);
        client.add_event_handler_closure(move |event| {
            // The client of an earlier sign-on is told that this one takes its place.
            if known.is_at(turn) {
                known.shows(event);
            }
            std::future::ready(())
        });
        client.set_presence(MsnpStatus::Online).await.map_err(said)?;
        self.client = Some(client);
        emit(&json!({ "event": "connected" }));
        Ok(())
    }

    async fn shows(&self, status: MsnpStatus, text: &str) -> Outcome {
        let Some(client) = &self.client else { return Err("not signed on".into()) };
        client.set_presence(status).await.map_err(said)?;
        let message = PersonalMessage { psm: text.into(), current_media: String::new() };
        client.set_personal_message(&message).await.map_err(said)
    }
}

/// Reports something that a client would show.
fn emit(event: &Value) {
    println!("{event}");
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn unescape(word: &str) -> String {
    let word = word.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t");
    word.replace('\0', "\\")
}

#![allow(clippy::unwrap_used)]
//! Attacks and bad weather: each trial has a gateway process, a network and a view of files of its
//! own, and asserts what the attacker must not get and what everybody else must not notice.
//!
//! `cargo test -p crosstalk --test hostile -- resume` performs those whose name has `resume`.
//! `CROSSTALK=path/to/crosstalk` tries another gateway than the one of this checkout.

#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod chat;
#[cfg(target_os = "linux")]
mod cost;
#[cfg(target_os = "linux")]
mod dns;
#[cfg(target_os = "linux")]
mod gateway;
#[cfg(target_os = "linux")]
mod jabber;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod provenance;
#[cfg(target_os = "linux")]
mod world;

#[cfg(target_os = "linux")]
fn main() {
    let mut cases = provenance::cases();
    cases.extend(cost::cases());
    cases.extend(load::cases());
    match world::inside() {
        Some(name) => case::perform(&cases, &name),
        None => case::run(cases),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: the trials need the namespaces of Linux");
}

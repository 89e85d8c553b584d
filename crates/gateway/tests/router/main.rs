//! People at one gateway and at two: what they see, hear and are told.
#![allow(clippy::unwrap_used)]

mod bench;
mod consent;
mod flows;
mod following;
mod messages;
mod pair;
mod presence;
mod reports;
mod secrets;
mod services;
mod sites;
mod status;
mod strangers;
mod takes;
mod talks;

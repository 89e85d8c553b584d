//! Accounts driven by hand: what each promises, without a runtime.
#![allow(clippy::unwrap_used)]

mod consent;
mod conversations;
mod deliveries;
mod driven;
mod early;
mod flows;
mod outgoing;
mod outward;
mod presence;
mod questions;
mod size;
mod state_updates;
mod storage;

//! Provenance of sign-ons: only what a server itself said on that connection signs somebody in.

mod aim;
mod bind;
mod control;
mod domain;
mod liar;
mod msn;
mod resume;
mod yahoo;

use crate::case::Case;

pub(crate) fn cases() -> Vec<Case> {
    let networks = [aim::cases(), bind::cases(), msn::cases(), resume::cases(), yahoo::cases()];
    networks.into_iter().chain([control::cases(), domain::cases()]).flatten().collect()
}

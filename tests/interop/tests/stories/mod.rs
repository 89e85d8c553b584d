//! Stories of people at clients, whichever release these and their servers are from.

pub(crate) mod at_terminals;
pub(crate) mod meeting;

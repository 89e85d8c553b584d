//! The context that handlers of MSNP work with.

use crosstalk_core::{Context, Now, Output, Side};

use crate::common;

/// The context.
pub(super) type Cx<'a> = common::Cx<'a, Msnp>;

/// Nothing that MSNP's handlers would have to know of a connection's two directions.
pub(super) struct Msnp;

impl<'a> Cx<'a> {
    pub(super) const fn new(now: Now, out: &'a mut Output, context: &'a mut Context) -> Self {
        Self { now, out, context, link: Msnp }
    }

    /// Shows the client a line of ours.
    pub(super) fn show(&mut self, line: impl AsRef<str>) {
        self.out.insert(Side::Client, format!("{}\r\n", line.as_ref()));
    }
}

/// The first version in which IRO and JOI say what a client can do.
pub(super) const CAPABILITIES: u32 = 12;

/// Capabilities of a foreign person's client, as NLN, JOI and IRO state them: none, and since
/// MSNP16 those that clients were seen to accept.
pub(super) const fn capabilities(version: u32) -> &'static str {
    if version < 16 { "0" } else { "2416181284:00" }
}

//! The stream: its frames, the heads of stanzas, and XML with its namespaces.

mod frames;
pub mod ns;
pub mod stanza_head;
pub mod xml;

pub(super) use frames::BOM;
pub use frames::{Frame, Framer, Malformed};

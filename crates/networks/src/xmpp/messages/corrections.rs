//! Texts that later ones may stand for (XEP-0308), by the ids that their senders' clients gave
//! them.

use std::collections::VecDeque;

use crosstalk_core::{Address, Detail, Details, EnvelopeId};

/// The most texts that can still be corrected: clients correct the last.
const MAX_TEXTS: usize = 32;

/// The latest texts that the client was shown. It knows each by the id of its envelope, since its
/// receipts name that; a correction names the id that the sender's client gave.
#[derive(Default)]
pub(in crate::xmpp) struct Corrections(Option<Box<Shown>>);

/// Texts in the order in which they were shown.
#[derive(Default)]
struct Shown {
    texts: VecDeque<Text>,
}

struct Text {
    from: Address,
    message_id: Detail,
    id: EnvelopeId,
}

impl Corrections {
    /// A text from `from` is shown.
    pub(in crate::xmpp) fn learn(&mut self, from: &Address, details: &Details, id: EnvelopeId) {
        let Some(message_id) = details.message_id.clone() else { return };
        let texts = &mut self.0.get_or_insert_default().texts;
        if texts.len() >= MAX_TEXTS {
            texts.pop_front();
        }
        texts.push_back(Text { from: from.clone(), message_id, id });
    }

    /// The text that one from `from` stands for, if the client was shown it.
    pub(in crate::xmpp) fn replaced(
        &self,
        from: &Address,
        details: &Details,
    ) -> Option<EnvelopeId> {
        let replaced = details.replaces.as_ref()?;
        let is_it = |text: &&Text| text.from == *from && text.message_id == *replaced;
        self.0.as_ref()?.texts.iter().rev().find(is_it).map(|text| text.id)
    }

    /// Bytes that it takes, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        let texts = self.0.iter().flat_map(|shown| &shown.texts);
        texts.map(|text| size_of::<Text>() + text.message_id.as_str().len()).sum()
    }
}

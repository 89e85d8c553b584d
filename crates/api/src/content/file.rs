//! Files, as programs read them.

use crosstalk_core::Redacted;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::Offered;

/// A file that is offered.
#[derive(Serialize, ToSchema)]
pub(crate) struct File {
    /// Its name, by which it is withdrawn.
    id: String,
    /// The name under which it is stored.
    name: String,
    /// Its media type.
    media_type: String,
    /// Its size in bytes.
    size: u64,
    /// Time at which it is forgotten, in milliseconds since 1970.
    expires_at: u64,
    /// The address at which it can be got once. Shown when the file is offered, and not again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    link: Option<Redacted<String>>,
}

impl File {
    /// A file with its link, where that may be shown.
    pub(crate) fn of(offered: Offered, link: Option<String>) -> Self {
        let Offered { id, name, media_type, size, expires_at, .. } = offered;
        Self { id, name, media_type, size, expires_at, link: link.map(Redacted::new) }
    }
}

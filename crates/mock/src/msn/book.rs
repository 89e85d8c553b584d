//! Names and paths that client and server of the address book agree on.

use std::io;

use crosstalk_networks::xmpp::wire::xml::{Element, Scope};

use crate::incoming::invalid;

/// The host of the service.
pub(super) const HOST: &str = "contacts.msn.test";
/// The pages of the two halves of the service: roles, and contacts with groups.
pub(super) const SHARING: &str = "/abservice/SharingService.asmx";
pub(super) const CONTACTS: &str = "/abservice/abservice.asmx";
pub(super) const NAMESPACE: &str = "http://www.msn.com/webservices/AddressBook";

/// Reads an envelope.
pub(super) fn read(body: &str) -> io::Result<Element> {
    let envelope = body.find("<soap:Envelope").and_then(|at| body.get(at..)).unwrap_or_default();
    Element::parse(envelope.as_bytes(), &Scope::default()).map_err(invalid)
}

/// Every element called `name`, at whatever depth.
pub(super) fn all<'a>(inside: &'a Element, name: &str) -> Vec<&'a Element> {
    let below = |child: &'a Element| {
        let own = (child.name() == name).then_some(child);
        own.into_iter().chain(all(child, name))
    };
    inside.elements().flat_map(below).collect()
}

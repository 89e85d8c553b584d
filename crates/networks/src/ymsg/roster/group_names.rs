//! The names of groups, in the bytes of whoever wrote them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::wire::charset::Charset;
use super::server_list::ServerList;

/// Spelling of groups for the client: one that the server has in other bytes than clients write
/// would be there twice.
pub(in crate::ymsg) struct GroupNames {
    charset: Charset,
    /// The server's bytes where they are others, by name.
    others: HashMap<String, Vec<u8>>,
}

impl GroupNames {
    pub(in crate::ymsg) fn of(servers: &ServerList, charset: Charset) -> Self {
        let other = |bytes: &Vec<u8>| {
            if bytes.is_ascii() {
                return None;
            }
            let name = charset.read(bytes, None).into_owned();
            (*charset.write_group(&name) != **bytes).then(|| (name, bytes.clone()))
        };
        Self { charset, others: servers.group_names().filter_map(other).collect() }
    }

    pub(in crate::ymsg) fn write<'a>(&'a self, name: &'a str) -> Cow<'a, [u8]> {
        let known = self.others.get(name).map(|bytes| bytes.as_slice().into());
        known.unwrap_or_else(|| self.charset.write_group(name))
    }
}

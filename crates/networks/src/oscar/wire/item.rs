//! Feedbag items: the entries of the buddy list that the server stores.

use bytes::Bytes;

use super::fields::{Reader, Truncated, Writer, find};

/// A TLV of a group: the ids of its members, in order.
pub const ORDER: u16 = 0x00c8;
/// A TLV of a buddy: the owner's name for it.
pub const ALIAS: u16 = 0x0131;
/// A TLV of a buddy: its authorisation is awaited.
pub const AWAITS: u16 = 0x0066;

/// Class of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 0: a buddy.
    Buddy,
    /// 1: a group; the one with group id 0 is the root, whose [`ORDER`] lists the groups.
    Group,
    /// 2: somebody who may see the owner.
    Permit,
    /// 3: somebody who may not.
    Deny,
    /// Settings, icons and others.
    Other(u16),
}

impl From<u16> for Class {
    fn from(number: u16) -> Self {
        match number {
            0 => Self::Buddy,
            1 => Self::Group,
            2 => Self::Permit,
            3 => Self::Deny,
            other => Self::Other(other),
        }
    }
}

impl From<Class> for u16 {
    fn from(class: Class) -> Self {
        match class {
            Class::Buddy => 0,
            Class::Group => 1,
            Class::Permit => 2,
            Class::Deny => 3,
            Class::Other(other) => other,
        }
    }
}

/// Identity of an item: its group and item ids and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId {
    /// The group; 0 for the root and for what is in no group.
    pub group: u16,
    /// The item in the group; 0 for the group itself.
    pub item: u16,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name: a screen name or that of a group.
    pub name: Bytes,
    /// Its place.
    pub id: ItemId,
    /// Class of the item.
    pub class: Class,
    /// Its TLVs.
    pub attributes: Bytes,
}

impl Item {
    /// An item without TLVs.
    pub fn new(name: impl Into<Bytes>, group: u16, item: u16, class: Class) -> Self {
        Self { name: name.into(), id: ItemId { group, item }, class, attributes: Bytes::new() }
    }

    /// The same with these TLVs.
    #[must_use]
    pub fn with(self, attributes: impl Into<Bytes>) -> Self {
        Self { attributes: attributes.into(), ..self }
    }

    /// Reads one item off a list inside `all`.
    pub fn read(reader: &mut Reader<'_>, all: &Bytes) -> Result<Self, Truncated> {
        Ok(Self {
            name: all.slice_ref(reader.long()?),
            id: ItemId { group: reader.u16()?, item: reader.u16()? },
            class: reader.u16()?.into(),
            attributes: all.slice_ref(reader.long()?),
        })
    }

    /// Reads items to the end of `all`, or to the first that is cut short.
    pub fn read_some(all: &Bytes) -> (Vec<Self>, Result<(), Truncated>) {
        let mut reader = Reader::new(all);
        let mut items = Vec::new();
        while !reader.is_empty() {
            match Self::read(&mut reader, all) {
                Ok(item) => items.push(item),
                Err(cut) => return (items, Err(cut)),
            }
        }
        (items, Ok(()))
    }

    /// Appends the item to `writer`.
    #[must_use]
    pub fn write(&self, writer: Writer) -> Writer {
        writer
            .long(&self.name)
            .u16(self.id.group)
            .u16(self.id.item)
            .u16(self.class.into())
            .long(&self.attributes)
    }

    /// The item alone, as edits carry it.
    pub fn encode(&self) -> Bytes {
        self.write(Writer::new()).bytes()
    }

    /// Bytes that it takes among others.
    pub const fn size(&self) -> usize {
        const FIXED: usize = 10;
        FIXED + self.name.len() + self.attributes.len()
    }

    /// The value of the first TLV of type `kind`.
    pub fn attribute(&self, kind: u16) -> Option<&[u8]> {
        find(&self.attributes, kind)
    }

    /// The ids in [`ORDER`]; none where it is missing.
    pub fn order(&self) -> Vec<u16> {
        let ids = self.attribute(ORDER).unwrap_or_default();
        ids.chunks_exact(2).map(|id| u16::from_be_bytes([id[0], id[1]])).collect()
    }

    /// Puts these ids in place of [`ORDER`], or adds it.
    pub fn set_order(&mut self, ids: &[u16]) {
        let value: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
        let mut writer = Writer::new();
        let mut placed = false;
        for (kind, old) in super::tlvs(&self.attributes) {
            let new = if kind == ORDER { &value[..] } else { old };
            placed |= kind == ORDER;
            writer = writer.tlv(kind, new);
        }
        self.attributes = if placed { writer } else { writer.tlv(ORDER, value) }.bytes();
    }
}

/// The stored list, as 13/06 carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The version of the encoding; 0.
    pub version: u8,
    /// The entries.
    pub items: Vec<Item>,
    /// Time of the list's last change, in seconds since 1970; 0 in all packets but the last.
    pub changed: u32,
}

impl List {
    /// Reads a body of 13/06.
    pub fn parse(body: &Bytes) -> Result<Self, Truncated> {
        let mut reader = Reader::new(body);
        let version = reader.u8()?;
        let count = reader.u16()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(Item::read(&mut reader, body)?);
        }
        Ok(Self { version, items, changed: reader.u32()? })
    }

    /// A body of 13/06; empty where it does not fit.
    pub fn encode(&self) -> Bytes {
        let writer = Writer::new().u8(self.version).count(self.items.len());
        self.items.iter().fold(writer, |w, item| item.write(w)).u32(self.changed).bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list of a capture: root, privacy settings and an empty group "Friends".
    const LIST: &[u8] = b"\x00\x00\x03\
        \x00\x00\x00\x00\x00\x00\x00\x01\x00\x06\x00\xc8\x00\x02\x00\x01\
        \x00\x00\x00\x00\x00\x01\x00\x04\x00\x05\x00\xca\x00\x01\x01\
        \x00\x07Friends\x00\x01\x00\x00\x00\x01\x00\x06\x00\xc8\x00\x02\x00\x01\
        \x6b\x02\x9b\xb7";

    #[test]
    fn a_list_survives_decoding_and_encoding() {
        let list = List::parse(&Bytes::from_static(LIST)).unwrap();
        assert_eq!(list.items.len(), 3);
        assert_eq!(list.items[2].name, "Friends");
        assert_eq!(list.items[2].id, ItemId { group: 1, item: 0 });
        assert_eq!(list.changed, 0x6b02_9bb7);
        assert_eq!(list.encode(), LIST);
    }

    #[test]
    fn order_is_replaced_in_place_or_added() {
        let mut root = Item::new("", 0, 0, Class::Group);
        root.set_order(&[1, 0x7f01]);
        assert_eq!(root.attributes[..], *b"\0\xc8\0\x04\0\x01\x7f\x01");
        root.set_order(&[2]);
        assert_eq!(root.order(), [2]);
    }

    #[test]
    fn a_cut_list_is_refused() {
        for end in 0..LIST.len() {
            assert!(List::parse(&Bytes::copy_from_slice(&LIST[..end])).is_err(), "{end}");
        }
    }
}

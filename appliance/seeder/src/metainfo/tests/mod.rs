//! Shared by the tests of the guard: a bencode builder that, unlike the writer, also builds what
//! is malformed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attacks;
mod bencode;
mod creation;
mod names;
mod properties;

use std::collections::BTreeMap;

use seedbox_core::InfoHash;
use sha1::{Digest, Sha1};

use super::{Limits, Metainfo, MetainfoError};

const ROOMY: Limits = Limits {
    max_total: u64::MAX,
};

#[derive(Debug, Clone)]
enum Item {
    Int(i64),
    Bytes(Vec<u8>),
    List(Vec<Item>),
    Dict(BTreeMap<Vec<u8>, Item>),
}

impl Item {
    fn text(text: &str) -> Item {
        Item::Bytes(text.as_bytes().to_vec())
    }

    fn dict<const N: usize>(entries: [(&str, Item); N]) -> Item {
        let entries = entries.map(|(key, item)| (key.as_bytes().to_vec(), item));
        Item::Dict(entries.into())
    }

    fn path(components: &[&[u8]]) -> Item {
        Item::List(components.iter().map(|c| Item::Bytes(c.to_vec())).collect())
    }

    fn file(components: &[&[u8]], length: i64) -> Item {
        let path = Item::path(components);
        Item::dict([("length", Item::Int(length)), ("path", path)])
    }

    /// The same dictionary with `key` set.
    fn with(mut self, key: &str, item: Item) -> Item {
        if let Item::Dict(entries) = &mut self {
            entries.insert(key.as_bytes().to_vec(), item);
        }
        self
    }

    /// The same dictionary without `key`.
    fn without(mut self, key: &str) -> Item {
        if let Item::Dict(entries) = &mut self {
            entries.remove(key.as_bytes());
        }
        self
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Item::Int(number) => out.extend_from_slice(format!("i{number}e").as_bytes()),
            Item::Bytes(bytes) => super::bencode::write_bytes(out, bytes),
            Item::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.encode_into(out));
                out.push(b'e');
            }
            Item::Dict(entries) => {
                out.push(b'd');
                for (key, item) in entries {
                    super::bencode::write_bytes(out, key);
                    item.encode_into(out);
                }
                out.push(b'e');
            }
        }
    }
}

/// A well-formed torrent of one file of 20,000 bytes in two pieces.
fn single() -> Item {
    Item::dict([
        ("length", Item::Int(20_000)),
        ("name", Item::text("house.glb")),
        ("piece length", Item::Int(16_384)),
        ("pieces", Item::Bytes(vec![7; 40])),
    ])
}

/// The same as a folder of the given files, which must have 20,000 bytes together.
fn folder(files: impl IntoIterator<Item = Item>) -> Item {
    single()
        .without("length")
        .with("files", Item::List(files.into_iter().collect()))
}

/// A folder whose one file has the given path.
fn folder_with_path(components: &[&[u8]]) -> Item {
    folder([Item::file(components, 20_000)])
}

fn info_hash(info: &[u8]) -> InfoHash {
    InfoHash(Sha1::digest(info).into())
}

fn validate_bytes(info: &[u8]) -> Result<Metainfo, MetainfoError> {
    Metainfo::from_info_bytes(info_hash(info), info, &ROOMY)
}

fn validate(info: &Item) -> Result<Metainfo, MetainfoError> {
    validate_bytes(&info.encode())
}

fn refused(info: &Item) -> MetainfoError {
    validate(info).expect_err("must be refused")
}

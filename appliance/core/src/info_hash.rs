//! Content identities: the BitTorrent v1 info hash and the SHA-256 that the chain adds to it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not a hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Wrong length or a character that the encoding does not have.
    #[error("\"{given}\" is not {expected}")]
    Malformed {
        /// The text as given, cut to 64 characters.
        given: String,
        /// What was expected, in words.
        expected: &'static str,
    },
}

fn malformed(given: &str, expected: &'static str) -> HashError {
    HashError::Malformed {
        given: given.chars().take(64).collect(),
        expected,
    }
}

/// The SHA-1 of a torrent's info dictionary (BEP 3), the name of a torrent everywhere in the box.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InfoHash(pub [u8; 20]);

const INFO_HASH_FORMS: &str = "an info hash: 40 hexadecimal or 32 base32 characters";

impl FromStr for InfoHash {
    type Err = HashError;

    /// Reads 40 hexadecimal characters or the 32 base32 characters of older magnet links (BEP 9).
    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = match text.len() {
            40 => hex::decode(text).ok(),
            32 => base32(text),
            _ => None,
        };
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(InfoHash)
            .ok_or_else(|| malformed(text, INFO_HASH_FORMS))
    }
}

/// RFC 4648 base32 without padding, either case.
fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(20), 0u32, 0u32);
    for c in text.bytes() {
        let value = match c.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c @ b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(((bits >> count) & 0xff) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for InfoHash {
    type Error = HashError;
    fn try_from(text: String) -> Result<Self, HashError> {
        text.parse()
    }
}

impl From<InfoHash> for String {
    fn from(hash: InfoHash) -> String {
        hash.to_string()
    }
}

/// SHA-256 of a model's content: its files concatenated in torrent order. Kept on chain because
/// the info hash is SHA-1 and no longer proof of content by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(pub [u8; 32]);

impl FromStr for ContentHash {
    type Err = HashError;
    fn from_str(text: &str) -> Result<Self, HashError> {
        hex::decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(ContentHash)
            .ok_or_else(|| malformed(text, "a SHA-256: 64 hexadecimal characters"))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for ContentHash {
    type Error = HashError;
    fn try_from(text: String) -> Result<Self, HashError> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> String {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hex_and_base32_as_the_same_hash() {
        let hex: InfoHash = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a".parse().unwrap();
        let base32: InfoHash = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK".parse().unwrap();
        assert_eq!(hex, base32);
        assert_eq!(hex.to_string(), "c12fe1c06bba254a9dc9f519b335aa7c1367a88a");
    }

    #[test]
    fn refuses_what_is_not_a_hash() {
        for bad in ["", "xyz", &"g".repeat(40), &"1".repeat(32), &"é".repeat(20)] {
            assert!(bad.parse::<InfoHash>().is_err(), "{bad}");
        }
    }
}

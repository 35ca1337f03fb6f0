//! What a state of the grid is called: by the block whose events made it.

use std::{fmt, str::FromStr};

use crate::{BlockRef, LandGrid};

/// The block that changed the grid last. Blocks without events keep the epoch, and whoever reads
/// the same chain names the same state alike. The default, number and hash zero, is the grid on
/// which nothing has happened yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Epoch {
    /// Height of the block.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// An epoch as it is written in URLs: `<number>-<first 8 bytes of the block hash in hex>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochName {
    number: u64,
    prefix: [u8; 8],
}

/// A text that names no epoch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no epoch: expected a block number, a hyphen and 16 hexadecimal digits")]
pub struct EpochNameError(String);

impl Epoch {
    /// How it is written in URLs.
    pub fn name(&self) -> EpochName {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.hash[..8]);
        EpochName {
            number: self.number,
            prefix,
        }
    }
}

impl From<BlockRef> for Epoch {
    fn from(block: BlockRef) -> Self {
        Self {
            number: block.number,
            hash: block.hash,
        }
    }
}

impl LandGrid {
    /// The epoch of this state; `None` while the chain has not been read.
    pub fn epoch(&self) -> Option<Epoch> {
        self.block?;
        Some(self.changed.map(Epoch::from).unwrap_or_default())
    }
}

impl fmt::Display for EpochName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.number, hex::encode(self.prefix))
    }
}

impl fmt::Debug for EpochName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EpochName {
    type Err = EpochNameError;

    /// Reads the one way of writing: no leading zeros or signs, lower case.
    fn from_str(text: &str) -> Result<Self, EpochNameError> {
        let name = text.split_once('-').and_then(|(number, digits)| {
            Some(Self {
                number: number.parse().ok()?,
                prefix: hex::decode(digits).ok()?.try_into().ok()?,
            })
        });
        name.filter(|name| name.to_string() == text)
            .ok_or_else(|| EpochNameError(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_one_way() {
        let epoch = Epoch {
            number: 19_000_000,
            hash: [0xab; 32],
        };
        let text = "19000000-abababababababab";
        assert_eq!(epoch.name().to_string(), text);
        assert_eq!(text.parse(), Ok(epoch.name()));
        assert_eq!(Epoch::default().name().to_string(), "0-0000000000000000");
        for other in [
            "",
            "19000000",
            "019000000-abababababababab",
            "+19000000-abababababababab",
            "19000000-ABABABABABABABAB",
            "19000000-abababababababab00",
            "19000000-ababababababab",
            "18446744073709551616-abababababababab",
        ] {
            assert!(other.parse::<EpochName>().is_err(), "{other}");
        }
    }
}

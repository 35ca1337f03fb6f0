//! A parcel of land and its token ID.

use serde::{Deserialize, Serialize};

/// A parcel by its coordinates on the land grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Parcel {
    /// West to east.
    pub x: i16,
    /// South to north.
    pub y: i16,
}

/// A token ID outside the 32 bits that two coordinates fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("token ID {0} is no parcel: parcels end at 2^32 - 1")]
pub struct ParcelIdError(pub u64);

impl Parcel {
    /// The ERC-721 token ID `((x ^ 0x8000) << 16) | (y ^ 0x8000)`: bijective and in the order of
    /// (x, y).
    pub const fn token_id(self) -> u32 {
        (((self.x as u16 ^ 0x8000) as u32) << 16) | (self.y as u16 ^ 0x8000) as u32
    }

    /// The parcel of a token ID, the inverse of [`Parcel::token_id`].
    #[allow(clippy::cast_possible_truncation)] // the bounds are checked or masked
    pub const fn from_token_id(id: u64) -> Result<Self, ParcelIdError> {
        if id > u32::MAX as u64 {
            return Err(ParcelIdError(id));
        }
        Ok(Parcel {
            x: ((id >> 16) as u16 ^ 0x8000) as i16,
            y: (id as u16 ^ 0x8000) as i16,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn token_ids_are_bijective_and_ordered(a: (i16, i16), b: (i16, i16)) {
            let (a, b) = (Parcel { x: a.0, y: a.1 }, Parcel { x: b.0, y: b.1 });
            prop_assert_eq!(Parcel::from_token_id(u64::from(a.token_id())), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.token_id().cmp(&b.token_id()));
        }
    }

    #[test]
    fn the_origin_lies_in_the_middle() {
        assert_eq!(Parcel { x: 0, y: 0 }.token_id(), 0x8000_8000);
        assert_eq!(
            Parcel {
                x: i16::MIN,
                y: i16::MIN
            }
            .token_id(),
            0
        );
        assert_eq!(Parcel::from_token_id(1 << 32), Err(ParcelIdError(1 << 32)));
    }
}

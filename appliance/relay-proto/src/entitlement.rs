//! What the chain has to say of a wallet before somebody enters a room, and who may speak for that
//! wallet. The room's name commits to the rule, so that a box can be told it by anybody.

use crate::{Malformed, RoomId, bytes_reader::Reader};

/// Bytes of a [`Rule`].
pub(crate) const RULE: usize = 25;
/// Bytes of a [`Delegation`].
pub(crate) const DELEGATION: usize = 93;

/// What a wallet has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wants {
    /// A pass of AccessPass to the ground of this parcel.
    Pass {
        /// East.
        x: i16,
        /// North.
        y: i16,
    },
    /// What the gate of the model with this token ID asks for.
    Model(u64),
    /// CYBR in the smallest unit, at least.
    Cybr(u128),
    /// Parcels, at least.
    Land(u128),
}

impl Wants {
    /// Whether who has what `self` wants has what `other` wants.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cybr(own), Self::Cybr(least)) | (Self::Land(own), Self::Land(least)) => {
                own >= least
            }
            _ => self == other,
        }
    }
}

/// A room's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule {
    /// EIP-155 chain ID.
    pub chain: u64,
    /// What a wallet has to have there.
    pub wants: Wants,
}

impl Rule {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = reader.u8()?;
        let chain = reader.u64()?;
        let number = u128::from_le_bytes(reader.array()?);
        let wants = match kind {
            1 => {
                let bytes = number.to_le_bytes();
                Wants::Pass {
                    x: i16::from_le_bytes([bytes[0], bytes[1]]),
                    y: i16::from_le_bytes([bytes[2], bytes[3]]),
                }
            }
            2 => Wants::Model(u64::try_from(number).map_err(|_| Malformed)?),
            3 => Wants::Cybr(number),
            4 => Wants::Land(number),
            _ => return Err(Malformed),
        };
        let rule = Self { chain, wants };
        // One rule has one spelling, and none is a rule that everybody fulfils.
        let is_spelt = rule.number() == number;
        let is_one = !matches!(wants, Wants::Cybr(0) | Wants::Land(0));
        (is_spelt && is_one).then_some(rule).ok_or(Malformed)
    }

    fn number(&self) -> u128 {
        match self.wants {
            Wants::Pass { x, y } => {
                let ([a, b], [c, d]) = (x.to_le_bytes(), y.to_le_bytes());
                u32::from_le_bytes([a, b, c, d]).into()
            }
            Wants::Model(token) => token.into(),
            Wants::Cybr(number) | Wants::Land(number) => number,
        }
    }

    /// The bytes that travel and that the room's id commits to.
    pub fn write(&self) -> [u8; RULE] {
        let mut bytes = [0; RULE];
        bytes[0] = match self.wants {
            Wants::Pass { .. } => 1,
            Wants::Model(_) => 2,
            Wants::Cybr(_) => 3,
            Wants::Land(_) => 4,
        };
        bytes[1..9].copy_from_slice(&self.chain.to_le_bytes());
        bytes[9..].copy_from_slice(&self.number().to_le_bytes());
        bytes
    }
}

/// A wallet lets a client key speak for it in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Delegation {
    /// The wallet.
    pub wallet: [u8; 20],
    /// Unix seconds.
    pub expires: u64,
    /// By the wallet, EIP-712: r, s, v (27 or 28).
    pub signature: [u8; 65],
}

impl Delegation {
    /// Of nobody.
    pub const NONE: Self = Self {
        wallet: [0; 20],
        expires: 0,
        signature: [0; 65],
    };

    /// Reads the bytes that travel.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let delegation = Self {
            wallet: reader.array()?,
            expires: reader.u64()?,
            signature: reader.array()?,
        };
        reader.end()?;
        Ok(delegation)
    }

    /// The bytes that travel.
    pub fn write(&self) -> [u8; DELEGATION] {
        let mut bytes = [0; DELEGATION];
        bytes[..20].copy_from_slice(&self.wallet);
        bytes[20..28].copy_from_slice(&self.expires.to_le_bytes());
        bytes[28..].copy_from_slice(&self.signature);
        bytes
    }
}

/// What somebody who wants to enter says of himself. Whether it is so, the chain knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The room.
    pub room: RoomId,
    /// The client key, proved.
    pub client: [u8; 32],
    /// The room's rule.
    pub rule: Rule,
    /// Who is to fulfil it, and his signature, which nobody has looked at yet.
    pub delegation: Delegation,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is read has no other spelling.
        #[test]
        fn one_spelling(mut bytes in proptest::array::uniform25(any::<u8>()), kind in 0_u8..6, zeros in 9_usize..26) {
            bytes[0] = kind;
            bytes[zeros..].fill(0);
            if let Ok(rule) = Rule::read(&mut Reader::new(&bytes)) {
                prop_assert_eq!(rule.write(), bytes);
            }
        }

        #[test]
        fn rules_read_back(chain: u64, x: i16, y: i16, token: u64, least in 1..u128::MAX) {
            for wants in [Wants::Pass { x, y }, Wants::Model(token), Wants::Cybr(least), Wants::Land(least)] {
                let rule = Rule { chain, wants };
                prop_assert_eq!(Rule::read(&mut Reader::new(&rule.write())), Ok(rule));
            }
        }
    }

    #[test]
    fn more_covers_less() {
        assert!(Wants::Cybr(5).covers(&Wants::Cybr(5)));
        assert!(!Wants::Cybr(4).covers(&Wants::Cybr(5)));
        assert!(Wants::Land(2).covers(&Wants::Land(1)));
        assert!(!Wants::Land(9).covers(&Wants::Cybr(1)));
        assert!(Wants::Model(3).covers(&Wants::Model(3)));
        assert!(!Wants::Model(4).covers(&Wants::Model(3)));
    }
}

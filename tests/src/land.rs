//! A square of land with owners by chance: what the benches and histories begin with.

use std::collections::BTreeMap;

use seedbox_core::Parcel;
use sha2::{Digest, Sha256};

/// The token ID of the parcel at `x`, `y`.
pub fn token_id(x: i16, y: i16) -> u64 {
    Parcel { x, y }.token_id().into()
}

/// So many parcels around the middle by their owners, of whom there are `strangers` beside those
/// that `owner_of` names.
pub fn shares(
    parcels: usize,
    strangers: u64,
    owner_of: impl Fn(u64) -> Option<String>,
) -> Vec<(String, Vec<u64>)> {
    let half = (0..i16::MAX).find(|half| (2 * *half as usize + 1).pow(2) >= parcels);
    let half = half.unwrap_or(i16::MAX);
    let square = (-half..=half).flat_map(|x| (-half..=half).map(move |y| token_id(x, y)));
    let mut shares: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for parcel in square.take(parcels) {
        let owner = owner_of(parcel).unwrap_or_else(|| {
            let owner = chance(parcel) % strangers;
            format!(
                "0x{}",
                hex::encode(&Sha256::digest(owner.to_le_bytes())[..20])
            )
        });
        shares.entry(owner).or_default().push(parcel);
    }
    shares.into_iter().collect()
}

/// A number by chance that is always the same for one parcel.
pub fn chance(parcel: u64) -> u64 {
    let drawn = Sha256::digest(parcel.to_be_bytes());
    drawn[..8]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

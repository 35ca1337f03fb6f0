//! A sync committee that was proved, with its keys read once instead of at every signature.

use blst::min_pk::PublicKey;

use crate::{Error, SyncAggregate, SyncCommittee, bls};

/// A committee ready to check signatures by.
#[derive(Debug, Clone)]
pub(crate) struct Committee {
    pub(crate) members: SyncCommittee,
    keys: Vec<PublicKey>,
}

impl Committee {
    pub(crate) fn new(members: SyncCommittee) -> Result<Self, Error> {
        let keys = members
            .pubkeys
            .iter()
            .map(bls::public_key)
            .collect::<Result<_, _>>()?;
        Ok(Self { members, keys })
    }

    /// The keys of those who signed.
    pub(crate) fn participants(&self, aggregate: &SyncAggregate) -> Vec<&PublicKey> {
        self.keys
            .iter()
            .zip(&aggregate.participation)
            .filter_map(|(key, signed)| signed.then_some(key))
            .collect()
    }
}

//! Which chain it is: genesis, the preset's sizes, and the table of forks. Everything that differs
//! between forks hangs on this table.

use std::fmt;

use seedbox_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{Bytes, Error, Root, merkle::hash};

/// `DOMAIN_SYNC_COMMITTEE` (Altair).
const DOMAIN_SYNC_COMMITTEE: [u8; 4] = [7, 0, 0, 0];

/// An upgrade of the beacon chain, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fork {
    /// The first in whose light-client headers there is an execution header.
    Capella,
    /// Adds blob gas to the execution header.
    Deneb,
    /// The beacon state outgrows 32 fields: its generalized indices change.
    Electra,
    /// Nothing new for light clients.
    Fulu,
    /// Takes the execution header out of light-client headers. Known, not followed.
    Gloas,
}

impl Fork {
    const ALL: [Self; 5] = [
        Self::Capella,
        Self::Deneb,
        Self::Electra,
        Self::Fulu,
        Self::Gloas,
    ];

    /// The name that the beacon API uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capella => "capella",
            Self::Deneb => "deneb",
            Self::Electra => "electra",
            Self::Fulu => "fulu",
            Self::Gloas => "gloas",
        }
    }

    /// The supported fork of this name.
    ///
    /// # Errors
    /// [`Error::UnknownFork`] or [`Error::UnsupportedFork`]; [`Error::Malformed`] for those before
    /// Capella.
    pub fn named(name: &str) -> Result<Self, Error> {
        if matches!(name, "phase0" | "altair" | "bellatrix") {
            return Err(Error::malformed("version", "a fork from before Capella"));
        }
        let found = Self::ALL.into_iter().find(|fork| fork.name() == name);
        found
            .ok_or_else(|| Error::UnknownFork {
                name: name.chars().take(32).collect(),
            })?
            .supported()
    }

    fn supported(self) -> Result<Self, Error> {
        if self >= Self::Gloas {
            return Err(Error::UnsupportedFork { fork: self });
        }
        Ok(self)
    }

    /// Generalized index of `finalized_checkpoint.root` in the state.
    pub(crate) const fn finality_index(self) -> u64 {
        if self.has_large_state() { 169 } else { 105 }
    }

    /// Generalized index of `current_sync_committee` in the state.
    pub(crate) const fn current_committee_index(self) -> u64 {
        if self.has_large_state() { 86 } else { 54 }
    }

    /// Generalized index of `next_sync_committee` in the state.
    pub(crate) const fn next_committee_index(self) -> u64 {
        if self.has_large_state() { 87 } else { 55 }
    }

    const fn has_large_state(self) -> bool {
        self as u8 >= Self::Electra as u8
    }

    /// Whether execution headers tell of blob gas (EIP-4844).
    pub(crate) const fn has_blob_gas(self) -> bool {
        self as u8 >= Self::Deneb as u8
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Sizes that are compiled into clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Mainnet and every public network.
    Mainnet,
    /// Small test networks.
    Minimal,
}

impl Preset {
    /// `SYNC_COMMITTEE_SIZE`.
    pub const fn committee_size(self) -> usize {
        match self {
            Self::Mainnet => 512,
            Self::Minimal => 32,
        }
    }

    /// `SLOTS_PER_EPOCH`.
    pub const fn slots_per_epoch(self) -> u64 {
        match self {
            Self::Mainnet => 32,
            Self::Minimal => 8,
        }
    }

    /// Slots in a sync committee period; `UPDATE_TIMEOUT` is the same number.
    pub const fn slots_per_period(self) -> u64 {
        match self {
            Self::Mainnet => 32 * 256,
            Self::Minimal => 8 * 8,
        }
    }
}

/// One line of the fork table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledFork {
    /// Which fork.
    pub fork: Fork,
    /// Its version, part of every signature's domain.
    pub version: Bytes<4>,
    /// Its first epoch.
    pub epoch: u64,
}

/// One beacon chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Root of the validators at genesis; part of every signature's domain.
    pub genesis_validators_root: Root,
    /// Time of slot 0, Unix seconds.
    pub genesis_time: u64,
    /// Seconds from slot to slot.
    pub seconds_per_slot: u64,
    /// Its sizes.
    pub preset: Preset,
    /// The forks in ascending order, from Capella on.
    pub forks: Vec<ScheduledFork>,
}

impl Network {
    /// The public network with this EIP-155 chain ID, if it is one that this version knows.
    pub fn of_chain(chain_id: u64) -> Option<Self> {
        match chain_id {
            1 => Some(Self::mainnet()),
            11_155_111 => Some(Self::sepolia()),
            _ => None,
        }
    }

    /// Ethereum's mainnet (`configs/mainnet.yaml` of the consensus specifications).
    pub fn mainnet() -> Self {
        let genesis = [
            0x4b, 0x36, 0x3d, 0xb9, 0x4e, 0x28, 0x61, 0x20, 0xd7, 0x6e, 0xb9, 0x05, 0x34, 0x0f,
            0xdd, 0x4e, 0x54, 0xbf, 0xe9, 0xf0, 0x6b, 0xf3, 0x3f, 0xf6, 0xcf, 0x5a, 0xd2, 0x7f,
            0x51, 0x1b, 0xfe, 0x95,
        ];
        let forks = [
            (Fork::Capella, [3, 0, 0, 0], 194_048),
            (Fork::Deneb, [4, 0, 0, 0], 269_568),
            (Fork::Electra, [5, 0, 0, 0], 364_032),
            (Fork::Fulu, [6, 0, 0, 0], 411_392),
        ];
        Self::public(genesis, 1_606_824_023, &forks)
    }

    /// The Sepolia test network (`metadata/config.yaml` of eth-clients/sepolia).
    pub fn sepolia() -> Self {
        let genesis = [
            0xd8, 0xea, 0x17, 0x1f, 0x3c, 0x94, 0xae, 0xa2, 0x1e, 0xbc, 0x42, 0xa1, 0xed, 0x61,
            0x05, 0x2a, 0xcf, 0x3f, 0x92, 0x09, 0xc0, 0x0e, 0x4e, 0xfb, 0xaa, 0xdd, 0xac, 0x09,
            0xed, 0x9b, 0x80, 0x78,
        ];
        let forks = [
            (Fork::Capella, [0x90, 0, 0, 0x72], 56_832),
            (Fork::Deneb, [0x90, 0, 0, 0x73], 132_608),
            (Fork::Electra, [0x90, 0, 0, 0x74], 222_464),
            (Fork::Fulu, [0x90, 0, 0, 0x75], 272_640),
            (Fork::Gloas, [0x90, 0, 0, 0x76], 353_024),
        ];
        Self::public(genesis, 1_655_733_600, &forks)
    }

    fn public(genesis: [u8; 32], genesis_time: u64, forks: &[(Fork, [u8; 4], u64)]) -> Self {
        let scheduled = |&(fork, version, epoch): &_| ScheduledFork {
            fork,
            version: Bytes(version),
            epoch,
        };
        Self {
            genesis_validators_root: Bytes(genesis),
            genesis_time,
            seconds_per_slot: 12,
            preset: Preset::Mainnet,
            forks: forks.iter().map(scheduled).collect(),
        }
    }

    /// Reads a network's description: the fields of [`Network`] in JSON.
    ///
    /// # Errors
    /// [`Error::Network`] says what is wrong with it.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        let network: Self =
            serde_json::from_slice(text).map_err(|error| Error::Network(error.to_string()))?;
        network.check()?;
        Ok(network)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |reason: &str| Err(Error::Network(reason.into()));
        if self.seconds_per_slot == 0 {
            return refuse("seconds_per_slot is 0");
        }
        if self.forks.is_empty() {
            return refuse("it has no forks");
        }
        let ascending =
            |pair: &[ScheduledFork]| pair[0].fork < pair[1].fork && pair[0].epoch <= pair[1].epoch;
        if !self.forks.windows(2).all(ascending) {
            return refuse("its forks are not in ascending order");
        }
        Ok(())
    }

    /// The slot at `now`; 0 before genesis.
    pub fn slot_at(&self, now: UnixTime) -> u64 {
        now.0.saturating_sub(self.genesis_time) / self.seconds_per_slot.max(1)
    }

    /// The time at which `slot` begins.
    pub fn time_of(&self, slot: u64) -> UnixTime {
        UnixTime(
            slot.saturating_mul(self.seconds_per_slot)
                .saturating_add(self.genesis_time),
        )
    }

    /// The sync committee period of `slot`.
    pub fn period_of(&self, slot: u64) -> u64 {
        slot / self.preset.slots_per_period()
    }

    /// The supported fork that `slot` is in.
    ///
    /// # Errors
    /// [`Error::TooOld`] before the first of the table, [`Error::UnsupportedFork`].
    pub fn fork_at(&self, slot: u64) -> Result<Fork, Error> {
        self.scheduled_at(slot)?.fork.supported()
    }

    fn scheduled_at(&self, slot: u64) -> Result<&ScheduledFork, Error> {
        let epoch = slot / self.preset.slots_per_epoch();
        let begun = |entry: &&ScheduledFork| entry.epoch <= epoch;
        let current = self.forks.iter().rev().find(begun);
        current.ok_or(Error::TooOld { slot })
    }

    /// The domain of a sync committee's signature given in `signature_slot` (`compute_domain`).
    pub(crate) fn signature_domain(&self, signature_slot: u64) -> Result<Root, Error> {
        // The version before the signature's slot: a committee signs the slot before.
        let entry = self.scheduled_at(signature_slot.max(1) - 1)?;
        entry.fork.supported()?;
        let mut domain = [0; 32];
        domain[..4].copy_from_slice(&DOMAIN_SYNC_COMMITTEE);
        domain[4..].copy_from_slice(&self.fork_data_root(entry.version).0[..28]);
        Ok(Bytes(domain))
    }

    /// The root of `ForkData`; its first four bytes are the fork digest (before Fulu).
    pub fn fork_data_root(&self, version: Bytes<4>) -> Root {
        let mut padded = Root::ZERO;
        padded.0[..4].copy_from_slice(&version.0);
        hash(&padded, &self.genesis_validators_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fork_digests_are_the_published_ones() {
        // Of Electra: no blob parameters are mixed in yet.
        for (network, expected) in [
            (Network::mainnet(), [0xad, 0x53, 0x2c, 0xeb]),
            (Network::sepolia(), [0x14, 0x04, 0x5b, 0x5a]),
        ] {
            network.check().unwrap();
            let electra = network.forks[2];
            assert_eq!(electra.fork, Fork::Electra);
            assert_eq!(network.fork_data_root(electra.version).0[..4], expected);
        }
        assert_eq!(Network::of_chain(1), Some(Network::mainnet()));
        assert_eq!(Network::of_chain(11_155_111), Some(Network::sepolia()));
        assert_eq!(Network::of_chain(31_337), None);
    }

    #[test]
    fn every_slot_has_its_fork() {
        let network = Network::sepolia();
        let first = |epoch: u64| epoch * 32;
        assert_eq!(network.fork_at(first(222_464)), Ok(Fork::Electra));
        assert_eq!(network.fork_at(first(222_464) - 1), Ok(Fork::Deneb));
        let too_old = Error::TooOld { slot: 1_000 };
        assert_eq!(network.fork_at(1_000), Err(too_old));
        let gloas = Error::UnsupportedFork { fork: Fork::Gloas };
        assert_eq!(network.fork_at(first(353_024)), Err(gloas));
    }
}

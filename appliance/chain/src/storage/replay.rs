//! What each event wrote. Events are the only source: the contracts write nothing without one.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    rpc::types::Log,
    sol_types::SolEvent,
};
use seedbox_store::chain::{Contract, Row};

use super::{Storage, TOKEN_OWNERS, entry, path, short_string, word_of};
use crate::{
    Deployment,
    contracts::{
        Approval, ApprovalForAll, ILand, IModel, IPlacement, MetadataUpdate, OwnershipTransferred,
        RawModelPublished, Transfer, Unusable, contract_of, event,
    },
};

const TOKEN_BALANCES: U256 = small(3);
const TOKEN_APPROVALS: U256 = small(4);
const TOKEN_OPERATORS: U256 = small(5);
const LAND_OWNER: U256 = small(6);
const LAND_PARCELS: U256 = small(7);
const MODEL_COUNT: U256 = small(6);
const MODEL_DATA: U256 = small(7);
const MODEL_TERMS: U256 = small(8);
const MODEL_CONSENTS: U256 = small(9);
const PLACEMENT_COUNT: U256 = small(0);
const PLACEMENT_ENTRIES: U256 = small(1);

const ADDRESS_BITS: usize = 160;

const fn small(slot: u64) -> U256 {
    U256::from_limbs([slot, 0, 0, 0])
}

/// Writes what one event wrote. Adds the rows before and after, in the order of the writes, to
/// `rows`.
///
/// # Errors
/// The log is not one that the contracts can have made; nothing was written.
pub(crate) fn replay(
    storage: &mut Storage,
    deployment: &Deployment,
    log: &Log,
    rows: &mut Vec<(Row, Row)>,
) -> Result<(), Unusable> {
    let contract = contract_of(deployment, log)?;
    let topic = *log.topic0().ok_or(Unusable::Malformed)?;
    let mut writer = Writer {
        storage,
        contract,
        rows,
    };
    match contract {
        Contract::Land if writer.token(topic, log)? => {}
        Contract::Model if writer.token(topic, log)? => {}
        Contract::Land => writer.land(topic, log)?,
        Contract::Model => writer.model(topic, log)?,
        Contract::Placement => writer.placement(topic, log)?,
    }
    Ok(())
}

struct Writer<'a> {
    storage: &'a mut Storage,
    contract: Contract,
    rows: &'a mut Vec<(Row, Row)>,
}

impl Writer<'_> {
    /// What ERC-721 writes; `false` if the event is not one of its.
    fn token(&mut self, topic: B256, log: &Log) -> Result<bool, Unusable> {
        match topic {
            Transfer::SIGNATURE_HASH => self.transfer(&event(log)?),
            Approval::SIGNATURE_HASH => {
                let event: Approval = event(log)?;
                self.set(entry(event.tokenId, TOKEN_APPROVALS), word(event.approved));
            }
            ApprovalForAll::SIGNATURE_HASH => {
                let event: ApprovalForAll = event(log)?;
                let of_owner = entry(word(event.owner), TOKEN_OPERATORS);
                let slot = entry(word(event.operator), of_owner);
                self.set(slot, U256::from(event.approved));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn transfer(&mut self, event: &Transfer) {
        let token = event.tokenId;
        if !event.from.is_zero() {
            let balance = entry(word(event.from), TOKEN_BALANCES);
            self.change(balance, |held| held.wrapping_sub(U256::ONE));
            // Ends without an event of its own.
            self.set(entry(token, TOKEN_APPROVALS), U256::ZERO);
            if self.contract == Contract::Land {
                let parcel = entry(token, LAND_PARCELS);
                self.change(parcel, |word| {
                    (word >> ADDRESS_BITS).wrapping_add(U256::ONE) << ADDRESS_BITS
                });
            }
        }
        if !event.to.is_zero() {
            let balance = entry(word(event.to), TOKEN_BALANCES);
            self.change(balance, |held| held.wrapping_add(U256::ONE));
        }
        self.set(entry(token, TOKEN_OWNERS), word(event.to));
    }

    fn land(&mut self, topic: B256, log: &Log) -> Result<(), Unusable> {
        match topic {
            OwnershipTransferred::SIGNATURE_HASH => {
                let event: OwnershipTransferred = event(log)?;
                self.set(LAND_OWNER, word(event.newOwner));
            }
            ILand::ParcelOperatorChanged::SIGNATURE_HASH => {
                let event: ILand::ParcelOperatorChanged = event(log)?;
                let slot = entry(event.parcelId, LAND_PARCELS);
                self.set_bits(slot, 0, ADDRESS_BITS, word(event.operator));
            }
            _ => return Err(Unusable::Malformed),
        }
        Ok(())
    }

    fn model(&mut self, topic: B256, log: &Log) -> Result<(), Unusable> {
        match topic {
            IModel::ModelPublished::SIGNATURE_HASH => {
                let event = RawModelPublished::of(log)?;
                let slot = entry(event.modelId, MODEL_DATA);
                let size = U256::from(event.size);
                self.set(MODEL_COUNT, event.modelId);
                self.set(slot, U256::from_be_slice(event.infoHash.as_slice()));
                self.set(next(slot, 1), event.contentHash.into());
                self.set(next(slot, 2), size | (word(event.gate) << 64));
                self.set_string(next(slot, 3), &event.name);
                self.set_string(next(slot, 4), &event.sources);
            }
            IModel::GateChanged::SIGNATURE_HASH => {
                let event: IModel::GateChanged = event(log)?;
                let slot = next(entry(event.modelId, MODEL_DATA), 2);
                self.set_bits(slot, 64, ADDRESS_BITS, word(event.gate));
            }
            IModel::FlagsChanged::SIGNATURE_HASH => {
                let event: IModel::FlagsChanged = event(log)?;
                let slot = entry(event.modelId, MODEL_TERMS);
                self.set_bits(slot, 176, 8, U256::from(event.flags));
            }
            IModel::RoyaltyChanged::SIGNATURE_HASH => {
                let event: IModel::RoyaltyChanged = event(log)?;
                let slot = entry(event.modelId, MODEL_TERMS);
                let terms = word(event.receiver) | (U256::from(event.basisPoints) << ADDRESS_BITS);
                self.set_bits(slot, 0, 176, terms);
            }
            IModel::ConsentChanged::SIGNATURE_HASH => {
                let event: IModel::ConsentChanged = event(log)?;
                let of_owner = entry(word(event.owner), MODEL_CONSENTS);
                let slot = entry(word(event.account), entry(event.modelId, of_owner));
                self.set(slot, U256::from(event.given));
            }
            // ERC-4906: goes with others.
            MetadataUpdate::SIGNATURE_HASH => {}
            _ => return Err(Unusable::Malformed),
        }
        Ok(())
    }

    fn placement(&mut self, topic: B256, log: &Log) -> Result<(), Unusable> {
        match topic {
            IPlacement::Placed::SIGNATURE_HASH => {
                let event: IPlacement::Placed = event(log)?;
                let slot = entry(event.placementId, PLACEMENT_ENTRIES);
                let parcel = self
                    .storage
                    .word(Contract::Land, entry(event.parcelId, LAND_PARCELS));
                let tenure = parcel >> ADDRESS_BITS;
                self.set(PLACEMENT_COUNT, event.placementId);
                self.set(
                    slot,
                    event.parcelId | (tenure << 32) | (event.modelId << 128),
                );
                self.set(next(slot, 1), packed(&event.pose));
            }
            IPlacement::Moved::SIGNATURE_HASH => {
                let event: IPlacement::Moved = event(log)?;
                let slot = entry(event.placementId, PLACEMENT_ENTRIES);
                self.set(next(slot, 1), packed(&event.pose));
            }
            IPlacement::Removed::SIGNATURE_HASH => {
                let event: IPlacement::Removed = event(log)?;
                let slot = entry(event.placementId, PLACEMENT_ENTRIES);
                self.set(slot, U256::ZERO);
                self.set(next(slot, 1), U256::ZERO);
            }
            _ => return Err(Unusable::Malformed),
        }
        Ok(())
    }

    fn set(&mut self, slot: U256, word: U256) {
        self.change(slot, |_| word);
    }

    fn change(&mut self, slot: U256, change: impl FnOnce(U256) -> U256) {
        let changed = self.storage.change(self.contract, path(slot), change);
        self.rows.extend(changed);
    }

    fn set_bits(&mut self, slot: U256, lowest: usize, count: usize, value: U256) {
        let mask = ((U256::ONE << count) - U256::ONE) << lowest;
        self.change(slot, |word| (word & !mask) | (value << lowest));
    }

    /// Up to 31 bytes lie in the slot itself; more lie from the slot's hash on.
    fn set_string(&mut self, slot: U256, text: &[u8]) {
        if text.len() < 32 {
            return self.set(slot, short_string(text));
        }
        self.set(slot, U256::from(text.len() * 2 + 1));
        let mut part: U256 = keccak256(slot.to_be_bytes::<32>()).into();
        for bytes in text.chunks(32) {
            self.set(part, word_of(bytes));
            part = next(part, 1);
        }
    }
}

fn next(slot: U256, offset: u64) -> U256 {
    slot.wrapping_add(U256::from(offset))
}

fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

/// A pose as Solidity packs it: the first member lies lowest.
fn packed(pose: &IPlacement::Pose) -> U256 {
    let wide = [pose.x, pose.y, pose.z].map(i32::cast_unsigned);
    let narrow = [pose.qx, pose.qy, pose.qz, pose.qw].map(i16::cast_unsigned);
    let mut word = U256::from(pose.scale);
    for part in narrow.into_iter().rev() {
        word = (word << 16) | U256::from(part);
    }
    for part in wide.into_iter().rev() {
        word = (word << 32) | U256::from(part);
    }
    word
}

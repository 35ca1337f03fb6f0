//! Who holds what, as far as the chain's own accounts are concerned.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use alloy::{primitives::Address, rpc::types::Log, sol_types::SolEvent};
use anyhow::{Context, Result};

use crate::contracts::{ILand, IModel, IPlacement, IToken};

/// Land, Model, Placement.
pub const CONTRACTS: usize = 3;
pub(super) const LAND: usize = 0;
pub(super) const MODEL: usize = 1;
pub(super) const PLACEMENT: usize = 2;

/// The state of the world; accounts are named by their number, strangers are nobody.
#[derive(Clone)]
pub(super) struct People {
    pub(super) addresses: Arc<Vec<Address>>,
    pub(super) parcels: Vec<Parcel>,
    places: HashMap<u64, usize>,
    /// A model's ID is its place and one.
    pub(super) models: Vec<Model>,
    pub(super) placements: Vec<Standing>,
    /// Token, owner, operator.
    pub(super) friends: BTreeSet<(usize, usize, usize)>,
}

#[derive(Clone, Copy)]
pub(super) struct Parcel {
    pub(super) id: u64,
    pub(super) holder: Option<usize>,
    pub(super) operator: Option<usize>,
    pub(super) approved: Option<usize>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Model {
    pub(super) holder: Option<usize>,
    pub(super) receiver: Option<usize>,
    pub(super) royalty: u16,
    pub(super) flags: u8,
}

#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) id: u64,
    /// Place among the parcels.
    pub(super) parcel: usize,
    /// False after the parcel was sold.
    pub(super) stands: bool,
}

impl People {
    pub(super) fn new(addresses: Vec<Address>, parcels: &[(usize, Vec<u64>)]) -> Self {
        let mut people = Self {
            addresses: Arc::new(addresses),
            parcels: Vec::new(),
            places: HashMap::new(),
            models: Vec::new(),
            placements: Vec::new(),
            friends: BTreeSet::new(),
        };
        for (holder, ids) in parcels {
            for id in ids {
                people.settle(*id, Some(*holder));
            }
        }
        people
    }

    /// Takes in a log of a contract, by its number.
    pub(super) fn take(&mut self, of: usize, log: &Log) -> Result<()> {
        let topic = *log.topic0().context("a log without a topic")?;
        match (of, topic) {
            (LAND, IToken::Transfer::SIGNATURE_HASH) => {
                let IToken::Transfer { to, tokenId, .. } = read(log)?;
                let (id, to) = (tokenId.to(), self.who(to));
                self.settle(id, to);
            }
            (MODEL, IToken::Transfer::SIGNATURE_HASH) => {
                let IToken::Transfer { to, tokenId, .. } = read(log)?;
                let to = self.who(to);
                self.model(tokenId.to()).holder = to;
            }
            (LAND, IToken::Approval::SIGNATURE_HASH) => {
                let event: IToken::Approval = read(log)?;
                let approved = self.who(event.approved);
                if let Some(place) = self.places.get(&event.tokenId.to()) {
                    self.parcels[*place].approved = approved;
                }
            }
            (LAND, ILand::ParcelOperatorChanged::SIGNATURE_HASH) => {
                let event: ILand::ParcelOperatorChanged = read(log)?;
                let operator = self.who(event.operator);
                if let Some(place) = self.places.get(&event.parcelId.to()) {
                    self.parcels[*place].operator = operator;
                }
            }
            (_, IToken::ApprovalForAll::SIGNATURE_HASH) => {
                let event: IToken::ApprovalForAll = read(log)?;
                if let (Some(owner), Some(operator)) =
                    (self.who(event.owner), self.who(event.operator))
                {
                    let friend = (of, owner, operator);
                    match event.approved {
                        true => self.friends.insert(friend),
                        false => self.friends.remove(&friend),
                    };
                }
            }
            (MODEL, IModel::FlagsChanged::SIGNATURE_HASH) => {
                let event: IModel::FlagsChanged = read(log)?;
                self.model(event.modelId.to()).flags = event.flags;
            }
            (MODEL, IModel::RoyaltyChanged::SIGNATURE_HASH) => {
                let event: IModel::RoyaltyChanged = read(log)?;
                let receiver = self.who(event.receiver);
                let model = self.model(event.modelId.to());
                (model.receiver, model.royalty) = (receiver, event.basisPoints);
            }
            (PLACEMENT, IPlacement::Placed::SIGNATURE_HASH) => {
                let event: IPlacement::Placed = read(log)?;
                if let Some(&parcel) = self.places.get(&event.parcelId.to()) {
                    let id = event.placementId.to();
                    let stands = true;
                    self.placements.push(Standing { id, parcel, stands });
                }
            }
            (PLACEMENT, IPlacement::Removed::SIGNATURE_HASH) => {
                let event: IPlacement::Removed = read(log)?;
                let id: u64 = event.placementId.to();
                self.placements.retain(|placement| placement.id != id);
            }
            _ => {}
        }
        Ok(())
    }

    /// A parcel has another holder, with nothing left of what the one before arranged.
    fn settle(&mut self, id: u64, holder: Option<usize>) {
        let parcel = Parcel {
            id,
            holder,
            operator: None,
            approved: None,
        };
        let Some(&place) = self.places.get(&id) else {
            self.places.insert(id, self.parcels.len());
            self.parcels.push(parcel);
            return;
        };
        self.parcels[place] = parcel;
        let there = self.placements.iter_mut().filter(|p| p.parcel == place);
        there.for_each(|placement| placement.stands = false);
    }

    fn model(&mut self, id: u64) -> &mut Model {
        let place = usize::try_from(id - 1).unwrap_or_default();
        if self.models.len() <= place {
            self.models.resize_with(place + 1, Model::default);
        }
        &mut self.models[place]
    }

    fn who(&self, address: Address) -> Option<usize> {
        self.addresses.iter().position(|known| *known == address)
    }
}

fn read<E: SolEvent>(log: &Log) -> Result<E> {
    Ok(E::decode_log_data(&log.inner.data)?)
}

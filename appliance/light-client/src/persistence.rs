//! The client put away and taken up again. Two parts, because they change at different paces: the
//! position with every finalized epoch, the committees once a day.

use serde::{Deserialize, Serialize};

use crate::{Error, Header, Network, Root, Store, SyncCommittee, committee::Committee};

/// A [`Store`] as JSON. The best update that is not final yet is left out: it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it stands; about 10 kB.
    pub position: String,
    /// The sync committees; about 100 kB.
    pub committees: String,
}

#[derive(Serialize, Deserialize)]
struct Position {
    genesis_validators_root: Root,
    checkpoint: Header,
    finalized: Header,
    certain: Header,
    optimistic: Header,
    previous_max_participants: usize,
    current_max_participants: usize,
}

#[derive(Serialize, Deserialize)]
struct Committees {
    /// The period of `current`, so that no position is paired with other committees.
    period: u64,
    current: SyncCommittee,
    next: Option<SyncCommittee>,
}

impl Store {
    /// What has to be kept to go on after a restart.
    ///
    /// # Errors
    /// [`Error::Saved`]; it does not happen.
    pub fn save(&self) -> Result<Saved, Error> {
        let position = Position {
            genesis_validators_root: self.network.genesis_validators_root,
            checkpoint: self.checkpoint.clone(),
            finalized: self.finalized.clone(),
            certain: self.certain.clone(),
            optimistic: self.optimistic.clone(),
            previous_max_participants: self.previous_max_participants,
            current_max_participants: self.current_max_participants,
        };
        let committees = Committees {
            period: self.period(),
            current: self.current.members.clone(),
            next: self.next.as_ref().map(|next| next.members.clone()),
        };
        Ok(Saved {
            position: serde_json::to_string(&position).map_err(unusable)?,
            committees: serde_json::to_string(&committees).map_err(unusable)?,
        })
    }

    /// Takes up what was saved. It is believed as it is, apart from its shape: whoever can change
    /// it can change the checkpoint too.
    ///
    /// # Errors
    /// [`Error::Saved`] if it is damaged or of another network, [`Error::UnsupportedFork`].
    pub fn restore(network: Network, saved: &Saved) -> Result<Self, Error> {
        network.check()?;
        let position: Position = serde_json::from_str(&saved.position).map_err(unusable)?;
        let committees: Committees = serde_json::from_str(&saved.committees).map_err(unusable)?;
        if position.genesis_validators_root != network.genesis_validators_root {
            return Err(unusable("it is of another network"));
        }
        let Position {
            checkpoint,
            finalized,
            certain,
            optimistic,
            ..
        } = position;
        for header in [&checkpoint, &finalized, &certain, &optimistic] {
            header.check(&network)?;
        }
        let size = network.preset.committee_size();
        let committee = |members: SyncCommittee| {
            if members.pubkeys.len() != size {
                return Err(unusable("a committee of another size"));
            }
            Committee::new(members)
        };
        let store = Self {
            network,
            checkpoint,
            finalized,
            certain,
            optimistic,
            current: committee(committees.current)?,
            next: committees.next.map(committee).transpose()?,
            best: None,
            previous_max_participants: position.previous_max_participants,
            current_max_participants: position.current_max_participants,
        };
        if store.period() != committees.period {
            return Err(unusable("its committees are of another period"));
        }
        Ok(store)
    }
}

fn unusable(detail: impl std::fmt::Display) -> Error {
    Error::Saved(detail.to_string())
}

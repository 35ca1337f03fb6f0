//! What the client believes, and how valid updates change it (`LightClientStore`, Altair).

use seedbox_core::UnixTime;

use crate::{
    Bootstrap, Branch, Error, FinalityProof, Header, Network, Root, Update, better::is_better,
    committee::Committee, merkle::is_valid_branch,
};

/// A block that the client vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedHeader {
    /// Slot of the beacon block.
    pub slot: u64,
    /// Root of the beacon block.
    pub beacon_root: Root,
    /// Hash of the execution block.
    pub block_hash: Root,
    /// Height of the execution block.
    pub block_number: u64,
    /// Root of the execution state after it.
    pub state_root: Root,
    /// Its timestamp.
    pub timestamp: UnixTime,
}

impl From<&Header> for VerifiedHeader {
    fn from(header: &Header) -> Self {
        Self {
            slot: header.beacon.slot,
            beacon_root: header.beacon.root(),
            block_hash: header.execution.block_hash,
            block_number: header.execution.block_number,
            state_root: header.execution.state_root,
            timestamp: UnixTime(header.execution.timestamp),
        }
    }
}

/// The state of the client. It begins with a block root that somebody vouched for and goes on by
/// signatures alone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) network: Network,
    pub(crate) checkpoint: Header,
    /// The specification's `finalized_header`; after a forced update it may be a block that is
    /// not final, which [`Store::finalized`] never is.
    pub(crate) finalized: Header,
    /// The newest block that two thirds signed as final, or the checkpoint.
    pub(crate) certain: Header,
    pub(crate) optimistic: Header,
    pub(crate) current: Committee,
    pub(crate) next: Option<Committee>,
    pub(crate) best: Option<Update>,
    pub(crate) previous_max_participants: usize,
    pub(crate) current_max_participants: usize,
}

impl Store {
    /// Begins at the trusted block (`initialize_light_client_store`).
    ///
    /// # Errors
    /// [`Error::WrongCheckpoint`], [`Error::WrongBranch`] or [`Error::WrongKey`]: the bootstrap is
    /// not that of the trusted block. [`Error::UnsupportedFork`]: the block is too new.
    pub fn new(network: Network, trusted: Root, bootstrap: Bootstrap) -> Result<Self, Error> {
        network.check()?;
        let Bootstrap {
            header,
            current_sync_committee: committee,
            current_sync_committee_branch: branch,
        } = bootstrap;
        header.check(&network)?;
        let found = header.beacon.root();
        if found != trusted {
            return Err(Error::WrongCheckpoint {
                expected: trusted,
                found,
            });
        }
        let fork = network.fork_at(header.beacon.slot)?;
        let (index, root) = (fork.current_committee_index(), header.beacon.state_root);
        if !is_valid_branch(&committee.root(), &branch, index, &root) {
            return Err(Error::WrongBranch(Branch::CurrentCommittee));
        }
        Ok(Self {
            network,
            checkpoint: header.clone(),
            finalized: header.clone(),
            certain: header.clone(),
            optimistic: header,
            current: Committee::new(committee)?,
            next: None,
            best: None,
            previous_max_participants: 0,
            current_max_participants: 0,
        })
    }

    /// Checks an update and takes from it what it proves (`process_light_client_update`). `slot`
    /// is the current one by the box's clock, see [`Network::slot_at`].
    ///
    /// # Errors
    /// Any: the update is refused and nothing has changed.
    pub fn process(&mut self, update: Update, slot: u64) -> Result<(), Error> {
        self.validate(&update, slot)?;
        let proves_final_committee = self.next.is_none()
            && update.next_sync_committee.is_some()
            && update.finality.is_some()
            && self.network.period_of(update.finalized_slot())
                == self.network.period_of(update.attested_slot());
        let proves_finality = update.sync_aggregate.has_supermajority()
            && (update.finalized_slot() > self.finalized.beacon.slot || proves_final_committee);
        // The last step that may fail, before anything has changed.
        let committee = if proves_finality {
            self.committee_brought_by(&update)?
        } else {
            None
        };

        self.note_participation(&update);
        if let Some(finality) = &update.finality
            && update.sync_aggregate.has_supermajority()
            && finality.header.beacon.slot > self.certain.beacon.slot
        {
            self.certain = finality.header.clone();
        }
        if proves_finality {
            self.apply(update, committee);
            self.best = None;
        } else if self.is_best(&update) {
            self.best = Some(update);
        }
        Ok(())
    }

    /// Goes on by the best update there was when nothing became final for a whole period
    /// (`process_light_client_store_force_update`); tells whether it did. What is taken up so need
    /// not be final, nor signed by many: see [`Store::best_update`] before.
    ///
    /// # Errors
    /// [`Error::WrongKey`]: nothing has changed, except that this update is forgotten.
    pub fn force_update(&mut self, slot: u64) -> Result<bool, Error> {
        let timeout = self.network.preset.slots_per_period();
        if slot <= self.finalized.beacon.slot.saturating_add(timeout) {
            return Ok(false);
        }
        let Some(mut best) = self.best.take() else {
            return Ok(false);
        };
        if best.finalized_slot() <= self.finalized.beacon.slot {
            best.finality = Some(FinalityProof {
                header: best.attested_header.clone(),
                branch: Vec::new(),
            });
        }
        let committee = self.committee_brought_by(&best)?;
        self.apply(best, committee);
        Ok(true)
    }

    fn is_best(&self, update: &Update) -> bool {
        let best = self.best.as_ref();
        best.is_none_or(|best| is_better(&self.network, update, best))
    }

    /// Counts who signed, and takes the signed block as the optimistic one if that were enough.
    fn note_participation(&mut self, update: &Update) {
        let participants = update.sync_aggregate.participants();
        self.current_max_participants = self.current_max_participants.max(participants);
        let threshold = self
            .previous_max_participants
            .max(self.current_max_participants)
            / 2;
        if participants > threshold && update.attested_slot() > self.optimistic.beacon.slot {
            self.optimistic = update.attested_header.clone();
        }
    }

    fn committee_brought_by(&self, update: &Update) -> Result<Option<Committee>, Error> {
        let (found, known) = (
            self.network.period_of(update.finalized_slot()),
            self.period(),
        );
        if self.next.is_none() && found != known {
            return Err(Error::WrongPeriod { found, known });
        }
        let wanted = self.next.is_none() || found == known + 1;
        let proof = update.next_sync_committee.as_ref().filter(|_| wanted);
        proof
            .map(|proof| Committee::new(proof.committee.clone()))
            .transpose()
    }

    /// `apply_light_client_update`; `committee` is the next one that the update brings.
    fn apply(&mut self, update: Update, committee: Option<Committee>) {
        let Some(FinalityProof { header, .. }) = update.finality else {
            return;
        };
        if self.next.is_none() {
            self.next = committee;
        } else if self.network.period_of(header.beacon.slot) == self.period() + 1
            && let Some(current) = std::mem::replace(&mut self.next, committee)
        {
            self.current = current;
            self.previous_max_participants = self.current_max_participants;
            self.current_max_participants = 0;
        }
        if header.beacon.slot > self.finalized.beacon.slot {
            self.finalized = header;
            if self.finalized.beacon.slot > self.optimistic.beacon.slot {
                self.optimistic = self.finalized.clone();
            }
        }
    }

    /// The network it follows.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The trusted block that it began with.
    pub fn checkpoint(&self) -> VerifiedHeader {
        VerifiedHeader::from(&self.checkpoint)
    }

    /// The newest block that two thirds of a sync committee signed as final, or the checkpoint
    /// before there is one.
    pub fn finalized(&self) -> VerifiedHeader {
        VerifiedHeader::from(&self.certain)
    }

    /// The newest block that most of the sync committee signed: no older than the finalized one,
    /// not final, and gone if the chain reorganises.
    pub fn optimistic(&self) -> VerifiedHeader {
        VerifiedHeader::from(&self.optimistic)
    }

    /// The specification's own `finalized_header` and `optimistic_header`.
    pub fn headers(&self) -> (&Header, &Header) {
        (&self.finalized, &self.optimistic)
    }

    /// The sync committee period it stands in.
    pub fn period(&self) -> u64 {
        self.network.period_of(self.finalized.beacon.slot)
    }

    /// Whether the next period's committee is known. While it is not, the update of
    /// [`Store::period`] is the one to ask for.
    pub fn knows_next_committee(&self) -> bool {
        self.next.is_some()
    }

    /// The update that [`Store::force_update`] would take.
    pub fn best_update(&self) -> Option<&Update> {
        self.best.as_ref()
    }

    /// Seconds since the slot of the newest final block.
    pub fn age(&self, now: UnixTime) -> u64 {
        now.seconds_since(self.network.time_of(self.certain.beacon.slot))
    }
}

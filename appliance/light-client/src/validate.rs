//! Every check that an update has to pass (`validate_light_client_update`, Altair to Electra).

use crate::{
    Branch, Error, Root, Update, bls,
    committee::Committee,
    merkle::{hash, is_valid_branch},
    store::Store,
};

impl Store {
    /// Checks an update against what is known; cheap checks first, the signature last.
    pub(crate) fn validate(&self, update: &Update, slot: u64) -> Result<(), Error> {
        if update.sync_aggregate.participants() == 0 {
            return Err(Error::NoParticipants);
        }
        update.attested_header.check(self.network())?;
        check_slots(update, slot)?;
        let committee = self.committee_that_signed(update)?;
        self.check_relevance(update)?;
        self.check_finality(update)?;
        self.check_next_committee(update)?;
        self.check_signature(update, committee)
    }

    fn committee_that_signed(&self, update: &Update) -> Result<&Committee, Error> {
        let known = self.period();
        let found = self.network().period_of(update.signature_slot);
        match &self.next {
            _ if found == known => Ok(&self.current),
            Some(next) if found == known + 1 => Ok(next),
            _ => Err(Error::WrongPeriod { found, known }),
        }
    }

    fn check_relevance(&self, update: &Update) -> Result<(), Error> {
        let attested = update.attested_slot();
        let known = self.finalized.beacon.slot;
        let brings_committee = self.next.is_none()
            && update.next_sync_committee.is_some()
            && self.network().period_of(attested) == self.period();
        if attested > known || brings_committee {
            return Ok(());
        }
        Err(Error::Irrelevant { attested, known })
    }

    fn check_finality(&self, update: &Update) -> Result<(), Error> {
        let Some(finality) = &update.finality else {
            return Ok(());
        };
        let header = &finality.header;
        // The checkpoint at genesis is a root of zeros, and its header is left out.
        let leaf = if header.beacon.slot == 0 {
            if !header.is_empty() {
                return Err(Error::WrongBranch(Branch::Finality));
            }
            Root::ZERO
        } else {
            header.check(self.network())?;
            header.beacon.root()
        };
        let attested = &update.attested_header.beacon;
        let index = self.network().fork_at(attested.slot)?.finality_index();
        is_valid_branch(&leaf, &finality.branch, index, &attested.state_root)
            .then_some(())
            .ok_or(Error::WrongBranch(Branch::Finality))
    }

    fn check_next_committee(&self, update: &Update) -> Result<(), Error> {
        let Some(proof) = &update.next_sync_committee else {
            return Ok(());
        };
        let attested = &update.attested_header.beacon;
        if let Some(next) = &self.next
            && self.network().period_of(attested.slot) == self.period()
            && next.members != proof.committee
        {
            return Err(Error::WrongNextCommittee);
        }
        let index = self
            .network()
            .fork_at(attested.slot)?
            .next_committee_index();
        let leaf = proof.committee.root();
        is_valid_branch(&leaf, &proof.branch, index, &attested.state_root)
            .then_some(())
            .ok_or(Error::WrongBranch(Branch::NextCommittee))
    }

    fn check_signature(&self, update: &Update, committee: &Committee) -> Result<(), Error> {
        let domain = self.network().signature_domain(update.signature_slot)?;
        let message = hash(&update.attested_header.beacon.root(), &domain);
        let aggregate = &update.sync_aggregate;
        let signers = committee.participants(aggregate);
        bls::have_signed(&signers, &message, &aggregate.signature)
            .then_some(())
            .ok_or(Error::WrongSignature)
    }
}

fn check_slots(update: &Update, now: u64) -> Result<(), Error> {
    let (signature, attested) = (update.signature_slot, update.attested_slot());
    let finalized = update.finalized_slot();
    if signature > now {
        return Err(Error::FutureSlot {
            slot: signature,
            now,
        });
    }
    if signature <= attested || attested < finalized {
        return Err(Error::WrongOrder {
            signature,
            attested,
            finalized,
        });
    }
    Ok(())
}

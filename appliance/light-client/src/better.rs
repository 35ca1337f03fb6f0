//! Which of two valid updates is worth more to a client that can take only one
//! (`is_better_update`, Altair).

use crate::{Network, Update};

/// Whether `new` is better than `old`.
pub(crate) fn is_better(network: &Network, new: &Update, old: &Update) -> bool {
    let participants = |update: &Update| update.sync_aggregate.participants();
    let supermajority = |update: &Update| update.sync_aggregate.has_supermajority();
    if supermajority(new) != supermajority(old) {
        return supermajority(new);
    }
    if !supermajority(new) && participants(new) != participants(old) {
        return participants(new) > participants(old);
    }

    let committee_of_signers = |update: &Update| {
        update.next_sync_committee.is_some()
            && network.period_of(update.attested_slot()) == network.period_of(update.signature_slot)
    };
    if committee_of_signers(new) != committee_of_signers(old) {
        return committee_of_signers(new);
    }

    let finality = |update: &Update| update.finality.is_some();
    if finality(new) != finality(old) {
        return finality(new);
    }
    let final_committee = |update: &Update| {
        network.period_of(update.finalized_slot()) == network.period_of(update.attested_slot())
    };
    if finality(new) && final_committee(new) != final_committee(old) {
        return final_committee(new);
    }

    // Ties: more signers, then older data, which replaces the best less often.
    if participants(new) != participants(old) {
        return participants(new) > participants(old);
    }
    (new.attested_slot(), new.signature_slot) < (old.attested_slot(), old.signature_slot)
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::{ExecutionHeader, Fork, testing::SignedChain};

    /// A network of one fork with small committees and periods of 64 slots.
    fn network() -> Network {
        let mut network = Network::mainnet();
        network.preset = crate::Preset::Minimal;
        network.forks.retain(|entry| entry.fork == Fork::Capella);
        network.forks[0].epoch = 0;
        network
    }

    #[test]
    fn updates_have_the_specification_s_order() {
        let network = network();
        let mut chain = SignedChain::new(network.clone(), 3);
        let mut update = |attested, finalized: Option<u64>, signature, participants| {
            let execution = ExecutionHeader::default;
            let finalized = finalized.map(|slot| chain.block(slot, execution(), None).unwrap());
            let block = chain.block(attested, execution(), finalized.as_ref());
            let update = chain.update(&block.unwrap(), signature, participants);
            update.unwrap()
        };
        let mut without_committee = update(100, Some(90), 101, 30);
        without_committee.next_sync_committee = None;
        let ranked = [
            update(100, Some(90), 101, 32),
            update(100, Some(90), 101, 30),
            update(100, Some(90), 102, 30),
            update(101, Some(90), 102, 30),
            update(101, Some(90), 102, 29),
            update(100, Some(60), 101, 32), // final in another period than it was signed
            update(100, None, 101, 32),
            update(127, Some(90), 128, 32), // signed by another committee than the next's
            without_committee,
            update(100, Some(90), 101, 21), // no two thirds
            update(99, None, 101, 20),
            update(100, Some(90), 101, 19), // below two thirds numbers go first
        ];
        for (better, new) in ranked.iter().enumerate() {
            for (worse, old) in ranked.iter().enumerate() {
                let expected = better < worse;
                assert_eq!(
                    is_better(&network, new, old),
                    expected,
                    "{better} and {worse}"
                );
            }
        }
    }
}

//! Votes that are signed by wallets and counted by whoever likes: what is signed, which of several
//! counts, and how two collections are compared. `docs/VOTES.md` describes it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{
    WalletAddress,
    typed_data::{digest, keccak, word},
};

/// What a voter's weight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// CYBR delegated to the voter, in the smallest unit (`getPastVotes`, ERC-5805).
    Cybr,
    /// Parcels that the voter owns.
    Land,
}

impl Measure {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cybr => "cybr",
            Self::Land => "land",
        }
    }
}

/// What is voted on: measure (1 CYBR, 2 land), block (u64, highest byte first), and the first 23 bytes of
/// the Keccak-256 of the text. So a voter cannot choose a block at which he held more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposal([u8; 32]);

impl Proposal {
    /// The proposal with this text.
    pub fn about(text: &str, measure: Measure, block: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[0] = match measure {
            Measure::Cybr => 1,
            Measure::Land => 2,
        };
        bytes[1..9].copy_from_slice(&block.to_be_bytes());
        bytes[9..].copy_from_slice(&keccak(&[text.as_bytes()])[..23]);
        Self(bytes)
    }

    /// Reads its 32 bytes; `None` if they name no measure.
    pub const fn parse(bytes: [u8; 32]) -> Option<Self> {
        match bytes[0] {
            1 | 2 => Some(Self(bytes)),
            _ => None,
        }
    }

    /// The 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What counts.
    pub const fn measure(&self) -> Measure {
        if self.0[0] == 1 {
            Measure::Cybr
        } else {
            Measure::Land
        }
    }

    /// The height at which it is measured.
    pub fn block(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[1..9]);
        u64::from_be_bytes(bytes)
    }
}

/// What a wallet signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// What it is about.
    pub proposal: Proposal,
    /// Which of the proposal's choices.
    pub choice: u8,
    /// Who votes.
    pub voter: WalletAddress,
}

impl Vote {
    /// What is signed, by EIP-712: domain `Cosmos relay`, version 1, the chain; type
    /// `Vote(bytes32 proposal,uint8 choice,uint64 block,address voter)`.
    pub fn hash(&self, chain_id: u64) -> [u8; 32] {
        let vote = keccak(&[
            &keccak(&[b"Vote(bytes32 proposal,uint8 choice,uint64 block,address voter)"]),
            self.proposal.bytes(),
            &word(&[self.choice]),
            &word(&self.proposal.block().to_be_bytes()),
            &word(&self.voter.0),
        ]);
        digest(chain_id, &vote)
    }
}

/// A vote as it is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedVote {
    /// What was signed.
    pub vote: Vote,
    /// r, s, v (27 or 28).
    pub signature: [u8; 65],
}

/// A vote that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedVote {
    /// The vote.
    pub signed: SignedVote,
    /// [`Vote::hash`]: of several votes of a voter on a proposal the one with the lowest counts.
    pub hash: [u8; 32],
    /// What the voter held at the proposal's block; never 0.
    pub weight: u128,
}

/// How many voted for a choice, and with what weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Voters.
    pub votes: u64,
    /// The sum of their weights.
    pub weight: u128,
}

/// Counts the votes of one proposal, each voter once.
pub fn count(votes: &[CountedVote]) -> BTreeMap<u8, Tally> {
    let mut of_voter: BTreeMap<WalletAddress, &CountedVote> = BTreeMap::new();
    for vote in votes {
        let counted = of_voter.entry(vote.signed.vote.voter).or_insert(vote);
        if vote.hash < counted.hash {
            *counted = vote;
        }
    }
    let mut tallies = BTreeMap::<u8, Tally>::new();
    for vote in of_voter.values() {
        let tally = tallies.entry(vote.signed.vote.choice).or_default();
        tally.votes += 1;
        tally.weight = tally.weight.saturating_add(vote.weight);
    }
    tallies
}

/// SHA-256 over the sorted hashes of a proposal's votes: two boxes that give the same hold the same.
pub fn set_digest(mut hashes: Vec<[u8; 32]>) -> [u8; 32] {
    hashes.sort_unstable();
    hashes.dedup();
    let mut digest = Sha256::new();
    for hash in hashes {
        digest.update(hash);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(voter: u8, choice: u8, weight: u128) -> CountedVote {
        let vote = Vote {
            proposal: Proposal::about("a fountain", Measure::Land, 7),
            choice,
            voter: WalletAddress([voter; 20]),
        };
        CountedVote {
            hash: vote.hash(1),
            signed: SignedVote {
                vote,
                signature: [0; 65],
            },
            weight,
        }
    }

    #[test]
    fn a_proposal_says_what_is_measured_and_when() {
        let proposal = Proposal::about("a fountain", Measure::Cybr, 0x0102_0304);
        assert_eq!(proposal.measure(), Measure::Cybr);
        assert_eq!(proposal.block(), 0x0102_0304);
        assert_eq!(Proposal::parse(*proposal.bytes()), Some(proposal));
        assert_ne!(
            Proposal::about("a well", Measure::Cybr, 0x0102_0304),
            proposal
        );
        assert_eq!(Proposal::parse([3; 32]), None);
    }

    #[test]
    fn a_voter_counts_once_whatever_the_order() {
        let votes = [counted(1, 0, 5), counted(1, 1, 5), counted(2, 1, 7)];
        let mut other = votes.to_vec();
        other.reverse();
        assert_eq!(count(&votes), count(&other));
        let all = count(&votes);
        let sum: u64 = all.values().map(|tally| tally.votes).sum();
        assert_eq!(sum, 2);
        let weight: u128 = all.values().map(|tally| tally.weight).sum();
        assert_eq!(weight, 12);
    }

    #[test]
    fn equal_sets_have_equal_digests() {
        let (a, b) = ([1; 32], [2; 32]);
        assert_eq!(set_digest(vec![a, b, a]), set_digest(vec![b, a]));
        assert_ne!(set_digest(vec![a]), set_digest(vec![a, b]));
    }

    #[test]
    fn the_hash_is_the_one_that_the_browser_computes() {
        let vote = Vote {
            proposal: Proposal::about("a fountain", Measure::Cybr, 1_234),
            choice: 3,
            voter: WalletAddress([7; 20]),
        };
        assert_eq!(
            hex::encode(vote.hash(31_337)),
            "4c457ba6f3d9b639406f6c80c743f939ca575d06a72e70e0ac3442cfc1f5f56b"
        );
    }

    #[test]
    fn a_vote_is_bound_to_chain_choice_voter_and_proposal() {
        let vote = counted(1, 0, 1).signed.vote;
        let other = Proposal::about("a well", Measure::Land, 7);
        let voter = WalletAddress([2; 20]);
        for changed in [
            Vote { choice: 1, ..vote },
            Vote { voter, ..vote },
            Vote {
                proposal: other,
                ..vote
            },
        ] {
            assert_ne!(changed.hash(1), vote.hash(1));
        }
        assert_ne!(vote.hash(1), vote.hash(2));
    }
}

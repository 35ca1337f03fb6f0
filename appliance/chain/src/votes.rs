//! Checks votes: that the voter signed, and what he held at the proposal's block. What he held is told by
//! endpoints; whoever does not believe this box asks his own.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes, Signature, U256},
    sol,
    sol_types::SolCall,
};
use seedbox_core::{
    WalletAddress,
    votes::{CountedVote, Measure, Proposal, SignedVote},
};
use tokio::sync::Semaphore;

use crate::{
    Config, Deployment, Error, access::voices::Voices, endpoint::Endpoint,
    endpoint_error::EndpointError,
};

sol! {
    /// ERC-5805.
    function getPastVotes(address account, uint256 timepoint) returns (uint256);
    /// ERC-721.
    function balanceOf(address owner) returns (uint256);
}

/// Blocks that must have followed a proposal's before anybody's weight is asked: what a reorganisation
/// takes back must not be counted.
pub(crate) const DEPTH: u64 = 32;

/// Votes whose weight is asked at the same time.
const AT_ONCE: usize = 4;

/// Weighs votes.
pub(crate) struct Scales {
    voices: Voices,
    chain_id: u64,
    land: WalletAddress,
    cybr: Option<WalletAddress>,
    turns: Semaphore,
}

impl Scales {
    /// # Errors
    /// [`Error::Endpoint`] if an address is no URL.
    pub(crate) fn new(config: &Config, deployment: &Deployment) -> Result<Self, Error> {
        Ok(Self {
            voices: Voices::new(config, deployment, config.trust.voices())?,
            chain_id: deployment.chain_id,
            land: deployment.land,
            cybr: deployment.cybr,
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// Checks a vote; `head` is the newest block that the box knows.
    pub(crate) async fn weigh(&self, signed: SignedVote, head: u64) -> Result<CountedVote, Error> {
        let vote = signed.vote;
        let hash = vote.hash(self.chain_id);
        if signer(&signed.signature, hash) != Some(vote.voter) {
            return Err(Error::VoteSignature);
        }
        let block = vote.proposal.block();
        if block.saturating_add(DEPTH) > head {
            return Err(Error::VoteTooEarly { block, head });
        }
        let _turn = self.turns.try_acquire().map_err(|_| Error::Busy)?;
        let weight = self.weight(vote.proposal, vote.voter).await?;
        if weight == 0 {
            return Err(Error::VoteWithoutWeight { block });
        }
        Ok(CountedVote {
            signed,
            hash,
            weight,
        })
    }

    async fn weight(&self, proposal: Proposal, voter: WalletAddress) -> Result<u128, Error> {
        let account = Address::from(voter.0);
        let block = proposal.block();
        let told = match proposal.measure() {
            Measure::Land => {
                let call: Bytes = balanceOfCall { owner: account }.abi_encode().into();
                let land = self.land;
                let ask = |endpoint: Arc<Endpoint>| {
                    let call = call.clone();
                    async move { number(&endpoint.call(land, call, Some(block)).await?) }
                };
                self.voices.agreed(ask).await
            }
            Measure::Cybr => {
                let cybr = self.cybr.ok_or(Error::NoCybr)?;
                // CYBR counts time in seconds (ERC-6372), so that the past needs no old state.
                let ask = |endpoint: Arc<Endpoint>| async move {
                    let seen = endpoint.seen(Some(block)).await?;
                    let seen = seen.ok_or(EndpointError::Nonsense("no such block".into()))?;
                    let timepoint = U256::from(seen.block.timestamp.0);
                    let call = getPastVotesCall { account, timepoint }.abi_encode();
                    number(&endpoint.call(cybr, call.into(), None).await?)
                };
                self.voices.agreed(ask).await
            }
        };
        told.map_err(|error| Error::Unanswered {
            block,
            age: 0,
            reason: error.to_string(),
        })
    }
}

/// Who made a signature over a hash; `None` if nobody did.
pub(crate) fn signer(signature: &[u8; 65], hash: [u8; 32]) -> Option<WalletAddress> {
    let signature = Signature::from_raw_array(signature).ok()?;
    // Of the two signatures that say the same, wallets make the one with the lower s.
    if signature.normalize_s().is_some() {
        return None;
    }
    let signer = signature.recover_address_from_prehash(&B256::from(hash));
    signer
        .ok()
        .map(|address| WalletAddress(address.into_array()))
}

/// A word that is no larger than any weight can be.
fn number(word: &[u8]) -> Result<u128, EndpointError> {
    let nonsense = || EndpointError::Nonsense("a weight that is no number".into());
    let word: [u8; 32] = word.try_into().map_err(|_| nonsense())?;
    U256::from_be_bytes(word).try_into().map_err(|_| nonsense())
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::{SolStruct, eip712_domain};
    use seedbox_core::{Delegation, votes::Vote};

    use super::*;

    mod typed {
        alloy::sol! {
            struct Vote {
                bytes32 proposal;
                uint8 choice;
                uint64 block;
                address voter;
            }
            struct Delegation {
                bytes32 clientKey;
                bytes32 room;
                uint64 expires;
            }
        }
    }

    #[test]
    fn what_is_signed_is_what_eip_712_says() {
        let vote = Vote {
            proposal: Proposal::about("a fountain", Measure::Cybr, 1_234),
            choice: 3,
            voter: WalletAddress([7; 20]),
        };
        let theirs = typed::Vote {
            proposal: B256::from(*vote.proposal.bytes()),
            choice: 3,
            block: 1_234,
            voter: Address::repeat_byte(7),
        };
        let domain = eip712_domain! { name: "Cosmos relay", version: "1", chain_id: 31_337, };
        assert_eq!(theirs.eip712_signing_hash(&domain).0, vote.hash(31_337));

        let delegation = Delegation {
            client: [3; 32],
            room: [4; 16],
            expires: 5,
        };
        let mut room = B256::ZERO;
        room[..16].fill(4);
        let theirs = typed::Delegation {
            clientKey: B256::repeat_byte(3),
            room,
            expires: 5,
        };
        let ours = delegation.hash(31_337);
        assert_eq!(theirs.eip712_signing_hash(&domain).0, ours);
    }

    #[test]
    fn nobody_signed_garbage() {
        assert_eq!(signer(&[0; 65], [1; 32]), None);
        assert_eq!(signer(&[0xff; 65], [1; 32]), None);
    }

    #[test]
    fn a_weight_is_a_word_that_fits() {
        let mut word = [0; 32];
        word[31] = 9;
        assert_eq!(number(&word), Ok(9));
        word[0] = 1;
        assert!(number(&word).is_err());
        assert!(number(&[]).is_err());
    }
}

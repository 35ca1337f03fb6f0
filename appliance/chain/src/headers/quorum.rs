//! Several endpoints that say the same: a lie has to be told by all of them at once.

use std::time::Duration;

use futures::future::join_all;
use seedbox_core::{Health, Trust, TrustStatus, UnixTime};

use crate::{
    endpoint_error::EndpointError,
    headers::{
        HeaderError, HeaderSource, VouchedHeader,
        asked::Asked,
        rpc::vouched,
        witness::{Seen, Witness},
    },
};

/// Blocks to go back from the newest that enough have, one after the other, when they do not
/// agree there: at the head they may see different forks for a while.
const BACK: [u64; 4] = [0, 1, 4, 16];

/// See [`Trust::Quorum`].
pub(crate) struct Quorum<W> {
    asked: Asked<W>,
    needed: u8,
    pace: Duration,
}

impl<W: Witness> Quorum<W> {
    /// `needed` of the witnesses have to agree.
    pub(crate) fn new(witnesses: Vec<W>, needed: u8, poll_interval: Duration) -> Self {
        Self {
            asked: Asked::new(witnesses),
            needed,
            pace: poll_interval,
        }
    }

    /// Everybody's newest block.
    async fn heads(&mut self) -> Vec<Option<Seen>> {
        let answers = join_all(self.asked.iter_mut().map(Witness::head)).await;
        let mut heads = Vec::with_capacity(answers.len());
        for (index, answer) in answers.into_iter().enumerate() {
            heads.push(answer.as_ref().ok().copied());
            self.asked.note(index, answer.map(drop));
        }
        heads
    }

    /// What everybody who has come that far says about the block at `height`.
    async fn votes(&mut self, heads: &[Option<Seen>], height: u64) -> Vec<Option<Seen>> {
        let vote = async |(witness, head): (&mut W, &Option<Seen>)| match head {
            Some(head) if head.block.number == height => Ok(Some(*head)),
            Some(head) if head.block.number > height => witness.at(height).await,
            _ => Ok(None),
        };
        let answers = join_all(self.asked.iter_mut().zip(heads).map(vote)).await;
        let mut votes = Vec::with_capacity(answers.len());
        for (index, answer) in answers.into_iter().enumerate() {
            votes.push(answer.as_ref().ok().copied().flatten());
            if let Err(error) = answer {
                self.asked.note(index, Err(error));
            }
        }
        votes
    }

    async fn ask(&mut self) -> Result<VouchedHeader, HeaderError> {
        let (of, needed) = (self.asked.len(), self.needed);
        let heads = self.heads().await;
        let mut heights: Vec<u64> = heads.iter().flatten().map(|h| h.block.number).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let heard = heights.len();
        let Some(&top) = heights.get(usize::from(needed).saturating_sub(1)) else {
            return Err(HeaderError::TooFew { heard, needed });
        };
        let mut most = 0;
        for height in BACK.iter().filter_map(|back| top.checked_sub(*back)) {
            let votes = self.votes(&heads, height).await;
            let Some((seen, agree)) = majority(&votes) else {
                continue;
            };
            if agree >= usize::from(needed) {
                self.name_dissenters(&votes, &seen);
                let count = |n| u8::try_from(n).unwrap_or(u8::MAX);
                let (agree, of) = (count(agree), count(of));
                return Ok(vouched(&seen, Trust::Quorum { agree, of }));
            }
            most = most.max(agree);
        }
        Err(HeaderError::NoQuorum {
            agree: most,
            needed,
            height: top,
        })
    }

    fn name_dissenters(&mut self, votes: &[Option<Seen>], agreed: &Seen) {
        for (index, vote) in votes.iter().enumerate() {
            if vote.is_some_and(|vote| vote != *agreed) {
                let number = agreed.block.number;
                let text = format!("its block {number} is not the one that the others have");
                self.asked.note(index, Err(EndpointError::Nonsense(text)));
            }
        }
    }
}

/// What most say, and how many they are.
fn majority(votes: &[Option<Seen>]) -> Option<(Seen, usize)> {
    let count = |seen: &Seen| votes.iter().flatten().filter(|vote| *vote == seen).count();
    votes
        .iter()
        .flatten()
        .map(|seen| (*seen, count(seen)))
        .max_by_key(|(_, agree)| *agree)
}

impl<W: Witness> HeaderSource for Quorum<W> {
    async fn newest(&mut self, _: UnixTime) -> Result<VouchedHeader, HeaderError> {
        let outcome = self.ask().await;
        match &outcome {
            Ok(header) => (self.asked.header, self.asked.failure) = (Some(*header), None),
            Err(error) => self.asked.failure = Some(error.to_string()),
        }
        outcome
    }

    fn status(&self, _: UnixTime) -> TrustStatus {
        let (needed, of) = (self.needed, self.asked.len());
        let (health, sentence) = match (&self.asked.header, &self.asked.failure) {
            (None, None) => (
                Health::Starting,
                format!("{needed} of {of} endpoints have to say the same; they are being asked."),
            ),
            (None, Some(failure)) => (
                Health::Failing,
                format!("No block is agreed on: {failure}."),
            ),
            (Some(header), Some(failure)) => (
                Health::Attention,
                format!(
                    "No block after {} is agreed on: {failure}.",
                    header.block.number
                ),
            ),
            (Some(header), None) => (
                Health::Well,
                format!("About block {} {}.", header.block.number, header.trust),
            ),
        };
        TrustStatus {
            level: Trust::Quorum {
                agree: needed,
                of: u8::try_from(of).unwrap_or(u8::MAX),
            },
            health,
            sentence,
            block: self.asked.header.map(|header| header.shown()),
            checkpoint: None,
            endpoints: self.asked.status(),
        }
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}

#[cfg(test)]
mod tests {
    use seedbox_core::BlockRef;

    use super::*;
    use crate::headers::asked::Named;

    /// A witness whose chain is a list of forks: block `n` is on fork `forks[n]`.
    struct MadeUp(Result<Vec<u8>, EndpointError>);

    fn seen(number: usize, fork: u8) -> Seen {
        Seen {
            block: BlockRef {
                number: number as u64,
                hash: [fork; 32],
                timestamp: UnixTime(number as u64),
            },
            state_root: [fork; 32],
        }
    }

    impl Named for MadeUp {
        fn name(&self) -> &str {
            "http://made.up"
        }
    }

    impl Witness for MadeUp {
        async fn head(&mut self) -> Result<Seen, EndpointError> {
            let chain = self.0.clone()?;
            Ok(seen(chain.len() - 1, chain[chain.len() - 1]))
        }

        async fn at(&mut self, number: u64) -> Result<Option<Seen>, EndpointError> {
            let chain = self.0.clone()?;
            let number = usize::try_from(number).unwrap();
            Ok(chain.get(number).map(|fork| seen(number, *fork)))
        }
    }

    async fn ask(needed: u8, chains: &[&[u8]]) -> (Result<(u64, u8), HeaderError>, TrustStatus) {
        let witness = |chain: &&[u8]| {
            let silent = EndpointError::RateLimited;
            MadeUp(if chain.is_empty() {
                Err(silent)
            } else {
                Ok(chain.to_vec())
            })
        };
        let witnesses = chains.iter().map(witness).collect();
        let mut quorum = Quorum::new(witnesses, needed, Duration::from_secs(4));
        let newest = quorum.newest(UnixTime(0)).await;
        let newest = newest.map(|header| match header.trust {
            Trust::Quorum { agree, .. } => (header.block.number, agree),
            other => panic!("{other:?}"),
        });
        (newest, quorum.status(UnixTime(0)))
    }

    #[tokio::test]
    async fn enough_have_to_say_the_same() {
        let (newest, status) = ask(2, &[&[1; 10], &[1; 10], &[1; 12]]).await;
        assert_eq!(newest.unwrap(), (9, 3));
        assert_eq!(status.health, Health::Well);
        assert_eq!(
            status.sentence,
            "About block 9 3 of 3 endpoints say the same."
        );

        // The one that is ahead cannot be checked, the one behind has nothing to say.
        let (newest, _) = ask(2, &[&[1; 8], &[1; 10], &[1; 12]]).await;
        assert_eq!(newest.unwrap(), (9, 2));
        let (newest, _) = ask(3, &[&[1; 8], &[1; 10], &[1; 12]]).await;
        assert_eq!(newest.unwrap(), (7, 3));
    }

    #[tokio::test]
    async fn a_liar_is_outvoted_and_named() {
        let (newest, status) = ask(2, &[&[6; 10], &[1; 10], &[1; 10]]).await;
        assert_eq!(newest.unwrap(), (9, 2));
        let error = status.endpoints[0].error.as_deref().unwrap();
        assert!(
            error.contains("not the one that the others have"),
            "{error}"
        );
        assert!(status.endpoints[1].error.is_none());
        // Only its height is a lie: nobody else can speak about that block.
        let (newest, _) = ask(2, &[&[6; 99], &[1; 10], &[1; 10]]).await;
        assert_eq!(newest.unwrap(), (9, 2));
    }

    #[tokio::test]
    async fn a_fork_at_the_head_is_stepped_back_from() {
        let (newest, _) = ask(2, &[&[1, 1, 1, 1, 2], &[1, 1, 1, 1, 3]]).await;
        assert_eq!(newest.unwrap(), (3, 2));
        let (newest, status) = ask(2, &[&[2; 5], &[3; 5]]).await;
        let error = newest.unwrap_err().to_string();
        assert!(error.contains("only 1 do"), "{error}");
        assert_eq!(status.health, Health::Failing);
    }

    #[tokio::test]
    async fn silence_is_no_agreement() {
        let (newest, status) = ask(2, &[&[1; 10], &[], &[]]).await;
        let error = newest.unwrap_err().to_string();
        assert!(error.contains("only 1 answer"), "{error}");
        assert!(status.sentence.contains("only 1 answer"));
        assert_eq!(status.block, None);
    }
}

//! Votes that were checked: of each voter on each proposal the one with the lowest hash, so that
//! boxes that got the same votes in another order hold the same.

use rusqlite::{OptionalExtension, Row};
use seedbox_core::{
    WalletAddress,
    votes::{CountedVote, Proposal, SignedVote, Vote},
};

use crate::{Error, Store};

/// Votes that are kept of one proposal, and of all.
const MOST_OF_ONE: u64 = 10_000;
const MOST: u64 = 100_000;

/// What became of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It counts from now on.
    New,
    /// It, or one of this voter with a lower hash, is kept already.
    Known,
    /// There are too many of this proposal, or of all.
    Full,
}

impl Store {
    /// Keeps a vote unless one with a lower hash is kept.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn add_vote(&self, counted: CountedVote) -> Result<Kept, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let vote = counted.signed.vote;
            let key = (vote.proposal.bytes(), vote.voter.0);
            let known = "SELECT hash FROM votes WHERE proposal = ?1 AND voter = ?2";
            let known: Option<[u8; 32]> =
                step.query_row(known, key, |row| row.get(0)).optional()?;
            match known {
                Some(hash) if hash <= counted.hash => return Ok(Kept::Known),
                Some(_) => {}
                None => {
                    let sql = "SELECT count(*), coalesce(sum(proposal = ?1), 0) FROM votes";
                    let (all, of_one): (u64, u64) =
                        step.query_row(sql, [key.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
                    if all >= MOST || of_one >= MOST_OF_ONE {
                        return Ok(Kept::Full);
                    }
                }
            }
            step.execute(
                "INSERT OR REPLACE INTO votes (proposal, voter, hash, choice, signature, weight)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    key.0,
                    key.1,
                    counted.hash,
                    vote.choice,
                    counted.signed.signature,
                    counted.weight.to_be_bytes(),
                ),
            )?;
            step.commit()?;
            Ok(Kept::New)
        })
        .await
    }

    /// The votes of a proposal, by hash.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn votes(&self, proposal: Proposal) -> Result<Vec<CountedVote>, Error> {
        self.call(move |db| {
            let sql = "SELECT voter, hash, choice, signature, weight FROM votes
                       WHERE proposal = ?1 ORDER BY hash";
            let mut rows = db.prepare_cached(sql)?;
            let votes = rows.query_map([proposal.bytes()], |row| counted(proposal, row))?;
            Ok(votes.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The proposals of which there are votes, with their number.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Closed`] or [`Error::Damaged`].
    pub async fn proposals(&self) -> Result<Vec<(Proposal, u64)>, Error> {
        self.call(move |db| {
            let sql = "SELECT proposal, count(*) FROM votes GROUP BY proposal ORDER BY proposal";
            let mut rows = db.prepare_cached(sql)?;
            let found = rows.query_map((), |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get(1)?)))?;
            found
                .map(|row| {
                    let (bytes, votes) = row?;
                    let proposal = Proposal::parse(bytes).ok_or(Error::Damaged {
                        place: "votes.proposal",
                        detail: "it names no measure".into(),
                    })?;
                    Ok((proposal, votes))
                })
                .collect()
        })
        .await
    }
}

fn counted(proposal: Proposal, row: &Row<'_>) -> rusqlite::Result<CountedVote> {
    Ok(CountedVote {
        signed: SignedVote {
            vote: Vote {
                proposal,
                voter: WalletAddress(row.get(0)?),
                choice: row.get(2)?,
            },
            signature: row.get(3)?,
        },
        hash: row.get(1)?,
        weight: u128::from_be_bytes(row.get(4)?),
    })
}

#[cfg(test)]
mod tests {
    use seedbox_core::votes::Measure;

    use super::*;

    fn vote(voter: u8, hash: u8) -> CountedVote {
        CountedVote {
            signed: SignedVote {
                vote: Vote {
                    proposal: Proposal::about("a fountain", Measure::Land, 7),
                    choice: hash,
                    voter: WalletAddress([voter; 20]),
                },
                signature: [hash; 65],
            },
            hash: [hash; 32],
            weight: u128::from(voter),
        }
    }

    #[tokio::test]
    async fn the_lowest_hash_of_a_voter_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
        let proposal = vote(1, 1).signed.vote.proposal;
        assert_eq!(store.votes(proposal).await.unwrap(), []);
        assert_eq!(store.add_vote(vote(1, 5)).await.unwrap(), Kept::New);
        assert_eq!(store.add_vote(vote(1, 6)).await.unwrap(), Kept::Known);
        assert_eq!(store.add_vote(vote(1, 5)).await.unwrap(), Kept::Known);
        assert_eq!(store.add_vote(vote(1, 3)).await.unwrap(), Kept::New);
        assert_eq!(store.add_vote(vote(2, 4)).await.unwrap(), Kept::New);
        let kept = store.votes(proposal).await.unwrap();
        assert_eq!(kept, [vote(1, 3), vote(2, 4)]);
        let other = Proposal::about("a well", Measure::Land, 7);
        assert_eq!(store.votes(other).await.unwrap(), []);
        assert_eq!(store.proposals().await.unwrap(), [(proposal, 2)]);
    }
}

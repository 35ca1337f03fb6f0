//! The owner: claim code, password, sessions. A box has either a claim code or a password, never
//! both and never neither, and what depends on one of them is checked in the same transaction.

use rusqlite::{Connection, OptionalExtension};
use seedbox_core::UnixTime;

use crate::{Error, Store};

/// Sessions kept; the one that ends first goes when a further one is opened.
const SESSIONS: u32 = 64;

/// 16 random bytes made at the first start, the same for as long as the database lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxId(pub [u8; 16]);

/// The SHA-256 of a session token. The token itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// How somebody becomes, or proves to be, the owner.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nobody owns the box; whoever types this code will.
    ClaimCode(String),
    /// The box is owned; a PHC string.
    PasswordHash(String),
}

/// The box's identity and what its owner is known by.
#[derive(Clone, PartialEq, Eq)]
pub struct Owner {
    /// The box's identity.
    pub box_id: BoxId,
    /// Claim code or password.
    pub credential: Credential,
}

/// A session, without its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// When the password was last given.
    pub authenticated_at: UnixTime,
    /// When the session ends.
    pub expires_at: UnixTime,
}

impl Store {
    /// Gives the box its identity and claim code, unless it already has them.
    pub async fn create_owner(&self, box_id: [u8; 16], claim_code: String) -> Result<(), Error> {
        self.call(move |db| {
            let sql = "INSERT OR IGNORE INTO owner (one, box_id, claim_code) VALUES (1, ?1, ?2)";
            db.execute(sql, (box_id, claim_code))?;
            Ok(())
        })
        .await
    }

    /// The box's identity and what its owner is known by.
    ///
    /// # Errors
    /// [`Error::Damaged`] before [`Store::create_owner`].
    pub async fn owner(&self) -> Result<Owner, Error> {
        self.call(|db| {
            let sql = "SELECT box_id, claim_code, password_hash FROM owner";
            let row: Option<([u8; 16], Option<String>, Option<String>)> = db
                .query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let (box_id, credential) = match row {
                Some((box_id, Some(code), None)) => (box_id, Credential::ClaimCode(code)),
                Some((box_id, None, Some(hash))) => (box_id, Credential::PasswordHash(hash)),
                _ => {
                    return Err(Error::Damaged {
                        place: "owner",
                        detail: "the box has no identity".to_owned(),
                    });
                }
            };
            Ok(Owner {
                box_id: BoxId(box_id),
                credential,
            })
        })
        .await
    }

    /// Replaces the claim code of a box that nobody owns; an owned box is left alone.
    pub async fn preset_claim_code(&self, claim_code: String) -> Result<(), Error> {
        self.call(move |db| {
            let sql = "UPDATE owner SET claim_code = ?1 WHERE claim_code IS NOT NULL";
            db.execute(sql, [claim_code])?;
            Ok(())
        })
        .await
    }

    /// Replaces the claim code by the owner's password and opens the first session. Answers
    /// whether `claim_code` was still valid: of several at once exactly one is answered `true`.
    pub async fn claim(
        &self,
        claim_code: String,
        password_hash: String,
        token: TokenHash,
        session: Session,
    ) -> Result<bool, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let sql = "UPDATE owner SET claim_code = NULL, password_hash = ?2
                       WHERE claim_code = ?1";
            let claimed = step.execute(sql, (claim_code, password_hash))? == 1;
            if claimed {
                step.execute("DELETE FROM sessions", ())?;
                insert(&step, token, session)?;
            }
            step.commit()?;
            Ok(claimed)
        })
        .await
    }

    /// Replaces the password, ends every session and opens a new one. Answers whether the stored
    /// hash was still `from`.
    pub async fn change_password(
        &self,
        from: String,
        to: String,
        token: TokenHash,
        session: Session,
    ) -> Result<bool, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let sql = "UPDATE owner SET password_hash = ?2 WHERE password_hash = ?1";
            let changed = step.execute(sql, (from, to))? == 1;
            if changed {
                step.execute("DELETE FROM sessions", ())?;
                insert(&step, token, session)?;
            }
            step.commit()?;
            Ok(changed)
        })
        .await
    }

    /// Clears password and sessions: the box belongs to nobody until `claim_code` is typed.
    /// Answers whether there was a box to reset.
    pub async fn reset_password(&self, claim_code: String) -> Result<bool, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let sql = "UPDATE owner SET claim_code = ?1, password_hash = NULL";
            let reset = step.execute(sql, [claim_code])? == 1;
            step.execute("DELETE FROM sessions", ())?;
            step.commit()?;
            Ok(reset)
        })
        .await
    }

    /// Opens a session, and ends the one it replaces, if the stored hash is still
    /// `password_hash`, which was verified meanwhile. Answers whether it was.
    pub async fn open_session(
        &self,
        password_hash: String,
        token: TokenHash,
        session: Session,
        replaces: Option<TokenHash>,
    ) -> Result<bool, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let sql = "SELECT count(*) FROM owner WHERE password_hash = ?1";
            let current: u32 = step.query_row(sql, [password_hash], |row| row.get(0))?;
            if current == 1 {
                if let Some(replaced) = replaces {
                    remove(&step, replaced)?;
                }
                let expired = "DELETE FROM sessions WHERE expires_at <= ?1";
                step.execute(expired, [session.authenticated_at.0])?;
                let surplus = "DELETE FROM sessions WHERE token_hash IN
                    (SELECT token_hash FROM sessions ORDER BY expires_at DESC LIMIT -1 OFFSET ?1)";
                step.execute(surplus, [SESSIONS - 1])?;
                insert(&step, token, session)?;
            }
            step.commit()?;
            Ok(current == 1)
        })
        .await
    }

    /// A session that is valid at `now`.
    pub async fn session(&self, token: TokenHash, now: UnixTime) -> Result<Option<Session>, Error> {
        self.call(move |db| {
            let sql = "SELECT authenticated_at, expires_at FROM sessions
                       WHERE token_hash = ?1 AND expires_at > ?2";
            let session = db.query_row(sql, (token.0, now.0), |row| {
                Ok(Session {
                    authenticated_at: UnixTime(row.get(0)?),
                    expires_at: UnixTime(row.get(1)?),
                })
            });
            Ok(session.optional()?)
        })
        .await
    }

    /// Moves a session's end.
    pub async fn extend_session(
        &self,
        token: TokenHash,
        expires_at: UnixTime,
    ) -> Result<(), Error> {
        self.call(move |db| {
            let sql = "UPDATE sessions SET expires_at = ?2 WHERE token_hash = ?1";
            db.execute(sql, (token.0, expires_at.0))?;
            Ok(())
        })
        .await
    }

    /// Ends a session.
    pub async fn remove_session(&self, token: TokenHash) -> Result<(), Error> {
        self.call(move |db| Ok(remove(db, token)?)).await
    }
}

fn insert(db: &Connection, token: TokenHash, session: Session) -> rusqlite::Result<()> {
    let sql = "INSERT INTO sessions (token_hash, authenticated_at, expires_at)
               VALUES (?1, ?2, ?3)";
    let (authenticated_at, expires_at) = (session.authenticated_at.0, session.expires_at.0);
    db.execute(sql, (token.0, authenticated_at, expires_at))?;
    Ok(())
}

fn remove(db: &Connection, token: TokenHash) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE token_hash = ?1", [token.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SESSION: Session = Session {
        authenticated_at: UnixTime(100),
        expires_at: UnixTime(200),
    };

    async fn unclaimed(folder: &tempfile::TempDir) -> Store {
        let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
        store
            .create_owner([7; 16], "CODE".to_owned())
            .await
            .unwrap();
        store
    }

    async fn claim(store: &Store, code: &str, token: u8) -> bool {
        let hash = format!("hash {token}");
        let claim = store.claim(code.to_owned(), hash, TokenHash([token; 32]), SESSION);
        claim.await.unwrap()
    }

    async fn lives(store: &Store, token: u8) -> bool {
        let session = store.session(TokenHash([token; 32]), UnixTime(199));
        session.await.unwrap().is_some()
    }

    #[tokio::test]
    async fn identity_and_code_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = unclaimed(&folder).await;
        store
            .create_owner([8; 16], "OTHER".to_owned())
            .await
            .unwrap();
        let owner = store.owner().await.unwrap();
        assert_eq!(owner.box_id, BoxId([7; 16]));
        assert!(owner.credential == Credential::ClaimCode("CODE".to_owned()));
    }

    #[tokio::test]
    async fn is_claimed_once_and_the_code_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let store = unclaimed(&folder).await;
        assert!(!claim(&store, "WRONG", 1).await);
        assert!(!lives(&store, 1).await);
        assert!(claim(&store, "CODE", 2).await);
        assert!(!claim(&store, "CODE", 3).await);
        assert!(lives(&store, 2).await && !lives(&store, 3).await);
        store.preset_claim_code("CODE".to_owned()).await.unwrap();
        let credential = store.owner().await.unwrap().credential;
        assert!(credential == Credential::PasswordHash("hash 2".to_owned()));
    }

    #[tokio::test]
    async fn a_changed_password_ends_every_session_and_stops_late_logins() {
        let folder = tempfile::tempdir().unwrap();
        let store = unclaimed(&folder).await;
        claim(&store, "CODE", 1).await;
        let change = |from: &str, to: &str, token| {
            store.change_password(from.into(), to.into(), TokenHash([token; 32]), SESSION)
        };
        assert!(!change("hash 9", "new", 2).await.unwrap());
        assert!(lives(&store, 1).await);
        assert!(change("hash 1", "new", 2).await.unwrap());
        assert!(!lives(&store, 1).await && lives(&store, 2).await);
        let late = store.open_session("hash 1".into(), TokenHash([3; 32]), SESSION, None);
        assert!(!late.await.unwrap());
        assert!(!lives(&store, 3).await);
    }

    #[tokio::test]
    async fn a_reset_makes_the_box_claimable_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = unclaimed(&folder).await;
        claim(&store, "CODE", 1).await;
        assert!(store.reset_password("NEW".to_owned()).await.unwrap());
        assert!(!lives(&store, 1).await);
        assert!(claim(&store, "NEW", 2).await);
    }

    #[tokio::test]
    async fn sessions_end_are_extended_replaced_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let store = unclaimed(&folder).await;
        claim(&store, "CODE", 1).await;
        let at = |token: u8, now| store.session(TokenHash([token; 32]), UnixTime(now));
        assert_eq!(at(1, 199).await.unwrap(), Some(SESSION));
        assert_eq!(at(1, 200).await.unwrap(), None);
        let longer = store.extend_session(TokenHash([1; 32]), UnixTime(300));
        longer.await.unwrap();
        assert!(at(1, 299).await.unwrap().is_some());

        let open = |token: u8, replaces: Option<u8>| {
            let replaces = replaces.map(|n| TokenHash([n; 32]));
            store.open_session("hash 1".into(), TokenHash([token; 32]), SESSION, replaces)
        };
        assert!(open(2, Some(1)).await.unwrap());
        assert!(!lives(&store, 1).await && lives(&store, 2).await);
        store.remove_session(TokenHash([2; 32])).await.unwrap();
        assert!(!lives(&store, 2).await);

        for token in 10..200 {
            assert!(open(token, None).await.unwrap());
            assert!(lives(&store, token).await);
        }
        let mut kept = 0;
        for token in 0..=255 {
            kept += u32::from(lives(&store, token).await);
        }
        assert_eq!(kept, SESSIONS);
    }
}

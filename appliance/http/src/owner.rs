//! Who may steer the box: claim code, password, sessions. The store is asked each time, so that
//! what another process changes (a password reset from the console) counts at once.

mod claim_code;
mod claim_window;
mod password;
mod session;
mod throttle;

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use seedbox_core::{Concern, UnixTime};
use seedbox_store::{
    Store,
    admin::{Credential, Session},
};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use crate::{
    Error,
    client_address::ClientAddress,
    clock::Clock,
    problem::{Problem, ProblemType},
};
pub(crate) use claim_code::ClaimCode;
use claim_window::ClaimWindow;
pub(crate) use session::SessionCookie;
use session::{CookieName, Token};
use throttle::Throttle;

/// How long a session lives after its last use, seconds.
const SESSION_LIFETIME: u64 = 30 * 24 * 3600;
/// A session's end is moved at most this often, seconds, to spare the disk.
const EXTENSION_STEP: u64 = 3600;
/// How recently the password must have been given for orders that want it, seconds.
const RECENT: u64 = 5 * 60;

/// Keeper of claim code, password and sessions.
pub(crate) struct Owner {
    store: Store,
    clock: Clock,
    cookie_name: CookieName,
    hashing: Arc<Semaphore>,
    throttle: Mutex<Throttle>,
    revoked: watch::Sender<()>,
    window: ClaimWindow,
}

/// A request whose session is valid.
#[derive(Clone)]
pub(crate) struct Authenticated {
    token: Token,
    pub(crate) session: Session,
}

/// A session just opened.
pub(crate) struct Opened {
    pub(crate) session: Session,
    pub(crate) cookie: SessionCookie,
}

impl Owner {
    /// Reads the box's identity from the store; the first time it is made.
    pub(crate) async fn load(
        store: Store,
        clock: Clock,
        preset: Option<&str>,
    ) -> Result<Self, Error> {
        let preset: Option<ClaimCode> = preset.map(str::parse).transpose()?;
        let fresh = preset.clone().map_or_else(ClaimCode::generate, Ok)?;
        store
            .create_owner(random()?, fresh.characters().to_owned())
            .await?;
        if let Some(code) = preset {
            store
                .preset_claim_code(code.characters().to_owned())
                .await?;
        }
        let owner = store.owner().await?;
        Ok(Owner {
            window: ClaimWindow::new(store.clone()),
            store,
            clock,
            cookie_name: CookieName::of(&owner.box_id),
            hashing: Arc::new(Semaphore::new(1)),
            throttle: Mutex::new(Throttle::default()),
            revoked: watch::Sender::new(()),
        })
    }

    /// The claim code, until the box is claimed.
    pub(crate) async fn claim_code(&self) -> Result<Option<ClaimCode>, Error> {
        match self.store.owner().await?.credential {
            Credential::ClaimCode(code) => Ok(Some(code.parse()?)),
            Credential::PasswordHash(_) => Ok(None),
        }
    }

    /// Whether the box has an owner.
    pub(crate) async fn is_claimed(&self) -> Result<bool, Error> {
        Ok(self.claim_code().await?.is_none())
    }

    /// Whether a claim code is awaited: nobody owns the box, or its button asked for it.
    pub(crate) async fn is_claimable(&self) -> Result<bool, Error> {
        Ok(self.window.code().is_some() || !self.is_claimed().await?)
    }

    /// Lets an owned box be claimed again for 15 minutes; answers the code. A box that nobody owns
    /// has its code already.
    pub(crate) async fn open_claim_window(&self) -> Result<ClaimCode, Error> {
        match self.claim_code().await? {
            Some(code) => Ok(code),
            None => self.window.open().await,
        }
    }

    /// Closes the claim window when its time is over. An open one does not outlive the process.
    pub(crate) async fn keep_window(&self) -> Result<(), Error> {
        self.window.close().await?;
        self.window.keep_time().await
    }

    /// What the owner should know about who may claim the box.
    pub(crate) fn concerns(&self) -> watch::Receiver<Vec<Concern>> {
        self.window.concerns()
    }

    /// The code that whoever stands at the box may read now.
    pub(crate) async fn shown_code(&self) -> Result<Option<ClaimCode>, Error> {
        match self.claim_code().await? {
            Some(code) => Ok(Some(code)),
            None => ClaimWindow::stored(&self.store).await,
        }
    }

    /// Makes the sender the owner if `typed` is the claim code. Each code works once.
    pub(crate) async fn claim(
        &self,
        typed: &str,
        password: String,
        client: ClientAddress,
    ) -> Result<Opened, Problem> {
        let already = || {
            let detail = "This box already has an owner. Log in, or hold its button for two seconds to choose a new password.";
            Problem::new(ProblemType::AlreadyClaimed, detail)
        };
        let credential = self.store.owner().await?.credential;
        let code = match &credential {
            Credential::ClaimCode(code) => code.parse()?,
            Credential::PasswordHash(_) => self.window.code().ok_or_else(already)?,
        };
        password::check_usable(&password)?;
        self.attempt(client)?;
        if !code.matches(typed) {
            let detail = "This is not the box's claim code. The box writes it to its log, and `seedbox claim-code` shows it.";
            return Err(Problem::new(ProblemType::WrongCode, detail));
        }
        let hash = password::hash(&self.hashing, password).await?;
        let (token, session) = self.fresh_session()?;
        let claimed = match credential {
            Credential::ClaimCode(code) => {
                self.store.claim(code, hash, token.hash(), session).await?
            }
            Credential::PasswordHash(stored) => {
                let change = self
                    .store
                    .change_password(stored, hash, token.hash(), session);
                change.await?
            }
        };
        if !claimed {
            return Err(already());
        }
        self.window.close().await?;
        self.revoked.send_replace(());
        self.succeeded(client);
        Ok(self.opened(&token, session))
    }

    /// Opens a session if the password is right; the session of `replaces` ends then.
    pub(crate) async fn log_in(
        &self,
        password: String,
        client: ClientAddress,
        replaces: Option<Token>,
    ) -> Result<Opened, Problem> {
        let stored = self.verify(password, client).await?;
        let (token, session) = self.fresh_session()?;
        let replaced = replaces.map(|token| token.hash());
        if !self
            .store
            .open_session(stored, token.hash(), session, replaced)
            .await?
        {
            return Err(wrong_password());
        }
        self.revoked.send_replace(());
        Ok(self.opened(&token, session))
    }

    /// Changes the password, ends every session and opens a fresh one.
    pub(crate) async fn change_password(
        &self,
        current: String,
        new: String,
        client: ClientAddress,
    ) -> Result<Opened, Problem> {
        password::check_usable(&new)?;
        let stored = self.verify(current, client).await?;
        let hash = password::hash(&self.hashing, new).await?;
        let (token, session) = self.fresh_session()?;
        if !self
            .store
            .change_password(stored, hash, token.hash(), session)
            .await?
        {
            return Err(wrong_password());
        }
        self.revoked.send_replace(());
        Ok(self.opened(&token, session))
    }

    /// Ends a session. The cookie returned makes the browser forget it.
    pub(crate) async fn log_out(
        &self,
        authenticated: &Authenticated,
    ) -> Result<SessionCookie, Problem> {
        self.store
            .remove_session(authenticated.token.hash())
            .await?;
        self.revoked.send_replace(());
        Ok(self.cookie_name.forget())
    }

    /// The session that a request belongs to, and the cookie to send if its end was moved.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Authenticated, Option<SessionCookie>), Problem> {
        let unauthenticated =
            || Problem::new(ProblemType::Unauthenticated, "Log in with your password.");
        let token = self.token_of(headers).ok_or_else(unauthenticated)?;
        let now = self.clock.now();
        let found = self.store.session(token.hash(), now).await?;
        let mut session = found.ok_or_else(unauthenticated)?;
        let expires_at = UnixTime(now.0.saturating_add(SESSION_LIFETIME));
        let mut cookie = None;
        // A session from a clock that ran ahead ends no later than any other.
        let is_ahead = session.expires_at > expires_at;
        if is_ahead || expires_at.seconds_since(session.expires_at) >= EXTENSION_STEP {
            session.expires_at = expires_at;
            self.store.extend_session(token.hash(), expires_at).await?;
            cookie = Some(self.cookie_name.hand_out(&token, SESSION_LIFETIME));
        }
        Ok((Authenticated { token, session }, cookie))
    }

    /// Whether a session is still valid.
    pub(crate) async fn is_alive(&self, authenticated: &Authenticated) -> Result<bool, Error> {
        let now = self.clock.now();
        let found = self.store.session(authenticated.token.hash(), now).await?;
        Ok(found.is_some())
    }

    /// Wakes when sessions may have ended.
    pub(crate) fn revocations(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }

    /// The session token that a browser sends, valid or not.
    pub(crate) fn token_of(&self, headers: &HeaderMap) -> Option<Token> {
        self.cookie_name.find(headers)
    }

    /// Lets an order through only shortly after the password was given.
    pub(crate) fn require_recent(&self, authenticated: &Authenticated) -> Result<(), Problem> {
        let given = authenticated.session.authenticated_at;
        // A password given in the future was given by another clock.
        let now = self.clock.now();
        if given <= now && now.seconds_since(given) <= RECENT {
            return Ok(());
        }
        let detail = "This needs your password again. Enter it and repeat.";
        Err(Problem::new(ProblemType::Reauthenticate, detail))
    }

    /// Answers the stored hash that the password fits.
    async fn verify(&self, password: String, client: ClientAddress) -> Result<String, Problem> {
        let Credential::PasswordHash(stored) = self.store.owner().await?.credential else {
            let detail = "Nobody owns this box yet. Claim it first.";
            return Err(Problem::new(ProblemType::Unclaimed, detail));
        };
        self.attempt(client)?;
        if !password::verify(&self.hashing, password, stored.clone()).await? {
            return Err(wrong_password());
        }
        self.succeeded(client);
        Ok(stored)
    }

    /// Counts an attempt before it is carried out, so that many at once gain nothing.
    fn attempt(&self, client: ClientAddress) -> Result<(), Problem> {
        self.throttle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .attempt(client.network(), Instant::now())
            .map_err(|wait| Problem::too_many(wait.as_secs().saturating_add(1)))
    }

    fn succeeded(&self, client: ClientAddress) {
        self.throttle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .succeeded(client.network());
    }

    fn fresh_session(&self) -> Result<(Token, Session), Error> {
        let now = self.clock.now();
        let session = Session {
            authenticated_at: now,
            expires_at: UnixTime(now.0.saturating_add(SESSION_LIFETIME)),
        };
        Ok((Token::generate()?, session))
    }

    fn opened(&self, token: &Token, session: Session) -> Opened {
        Opened {
            session,
            cookie: self.cookie_name.hand_out(token, SESSION_LIFETIME),
        }
    }
}

fn wrong_password() -> Problem {
    Problem::new(ProblemType::WrongPassword, "The password is not right.")
}

/// Random bytes from the operating system.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    use rand::TryRng;
    let mut bytes = [0; N];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|e| Error::Random(e.to_string()))?;
    Ok(bytes)
}

//! How the rest of the box sees the chain service: snapshots to watch and a few orders.

use std::sync::Arc;

use seedbox_core::{
    Access, Basis, ChainStatus, Delegation, InfoHash, LandGrid, Model, ModelId, Owned, Parcel,
    ParcelProof, Subject, WalletAddress,
    votes::{CountedVote, Measure, SignedVote},
};
use tokio::sync::{mpsc, mpsc::error::TrySendError, oneshot, watch};

use crate::{
    Error,
    access::{self, balances::Balances},
    prover::Question,
    publisher::ModelIndex,
    votes::{Scales, signer},
};

/// Orders that may wait before a caller has to.
pub(crate) const QUEUE: usize = 16;

/// An order to the service, with where to send the answer.
pub(crate) enum Order {
    Link(WalletAddress, oneshot::Sender<Result<(), Error>>),
    Unlink(WalletAddress, oneshot::Sender<Result<(), Error>>),
}

/// A cheap handle on the chain service.
#[derive(Clone)]
pub struct Handle {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) status: watch::Receiver<ChainStatus>,
    pub(crate) grid: watch::Receiver<Arc<LandGrid>>,
    pub(crate) models: watch::Receiver<Arc<ModelIndex>>,
    pub(crate) owned: watch::Receiver<Arc<Owned>>,
    pub(crate) questions: mpsc::Sender<Question>,
    pub(crate) visitors: mpsc::Sender<access::Question>,
    /// The standard gate.
    pub(crate) access_pass: Option<WalletAddress>,
    pub(crate) scales: Option<Arc<Scales>>,
    pub(crate) balances: Option<Arc<Balances>>,
}

impl Handle {
    /// How the service is doing.
    pub fn status(&self) -> watch::Receiver<ChainStatus> {
        self.status.clone()
    }

    /// The land grid. Replaced only when something on it changed: `status().as_of` says up to
    /// which later block it still holds.
    pub fn grid(&self) -> watch::Receiver<Arc<LandGrid>> {
        self.grid.clone()
    }

    /// What the linked wallets own. Populated with the last known state from the first moment.
    pub fn owned(&self) -> watch::Receiver<Arc<Owned>> {
        self.owned.clone()
    }

    /// Links a wallet; its property is in [`Handle::owned`] when this returns. Twice is no error.
    ///
    /// # Errors
    /// [`Error::TooManyWallets`], [`Error::Store`] or [`Error::Stopped`].
    pub async fn link_wallet(&self, wallet: WalletAddress) -> Result<(), Error> {
        self.order(|answer| Order::Link(wallet, answer)).await
    }

    /// Unlinks a wallet; its property is gone from [`Handle::owned`] when this returns. A wallet
    /// that is not linked is no error.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Stopped`].
    pub async fn unlink_wallet(&self, wallet: WalletAddress) -> Result<(), Error> {
        self.order(|answer| Order::Unlink(wallet, answer)).await
    }

    /// The published model with this info hash; of several tokens the lowest ID speaks for it.
    pub async fn model_by_info_hash(&self, info_hash: InfoHash) -> Option<Model> {
        let id = *self.models.borrow().get(&info_hash)?;
        self.grid.borrow().models.get(&id).cloned()
    }

    /// Proof of a parcel's owner at the newest block whose state was proved.
    ///
    /// # Errors
    /// [`Error::Unproved`] before the first proof, [`Error::Busy`] when too many wait,
    /// [`Error::Stopped`].
    pub async fn parcel_proof(&self, parcel: Parcel) -> Result<ParcelProof, Error> {
        let (answer, answered) = oneshot::channel();
        self.questions
            .try_send((parcel, answer))
            .map_err(|refused| match refused {
                TrySendError::Full(_) => Error::Busy,
                TrySendError::Closed(_) => Error::Unproved,
            })?;
        answered
            .await
            .map_err(|_| Error::Stopped)?
            .ok_or(Error::Unproved)
    }

    /// Whether a wallet may have the content of the model with this info hash.
    ///
    /// # Errors
    /// [`Error::UnknownModel`]; [`Error::Unproved`], [`Error::Stale`] or [`Error::Unanswered`]
    /// while it cannot be known; [`Error::Busy`], [`Error::Stopped`].
    pub async fn model_access(
        &self,
        info_hash: InfoHash,
        wallet: WalletAddress,
    ) -> Result<Access, Error> {
        let id = self.models.borrow().get(&info_hash).copied();
        self.token_access(id.ok_or(Error::UnknownModel)?, wallet)
            .await
    }

    /// Whether a wallet may have the content of the model with this token ID.
    ///
    /// # Errors
    /// As [`Handle::model_access`].
    pub async fn token_access(&self, id: ModelId, wallet: WalletAddress) -> Result<Access, Error> {
        let model = self.grid.borrow().models.get(&id).cloned();
        let model = model.ok_or(Error::UnknownModel)?;
        let subject = Subject::Model(model.id);
        let Some(gate) = model.gate else {
            let status = self.status.borrow();
            let as_of = status.as_of.ok_or(Error::Unproved)?;
            return Ok(Access {
                subject,
                wallet,
                allowed: true,
                block: as_of.block,
                trust: status.proved.map(|proved| proved.trust),
                observed_at: as_of.observed_at,
                basis: Basis::Free,
            });
        };
        self.knock(subject, wallet, gate).await
    }

    /// Whether a wallet may enter a parcel: whether it has a pass for it. Whom the owner lets in
    /// without a pass is not on the chain.
    ///
    /// # Errors
    /// [`Error::NoAccessPass`], or as [`Handle::model_access`].
    pub async fn parcel_access(
        &self,
        parcel: Parcel,
        wallet: WalletAddress,
    ) -> Result<Access, Error> {
        let gate = self.access_pass.ok_or(Error::NoAccessPass)?;
        self.knock(Subject::Parcel(parcel), wallet, gate).await
    }

    /// What a wallet has of CYBR (in the smallest unit) or land at the newest proved block.
    ///
    /// # Errors
    /// [`Error::NoCybr`] or [`Error::NoChain`]; [`Error::Unproved`], [`Error::Stale`],
    /// [`Error::Unanswered`] or [`Error::Busy`] while that cannot be known.
    pub async fn holds(&self, wallet: WalletAddress, measure: Measure) -> Result<u128, Error> {
        let balances = self.balances.clone().ok_or(Error::NoChain)?;
        balances.of(wallet, measure).await
    }

    /// The chain that is followed, by its EIP-155 ID.
    pub fn chain_id(&self) -> Option<u64> {
        self.balances.as_ref().map(|balances| balances.chain_id())
    }

    /// Whose signature this is (r, s, v) under a delegation for the chain that is followed.
    pub fn delegated_by(
        &self,
        delegation: &Delegation,
        signature: &[u8; 65],
    ) -> Option<WalletAddress> {
        signer(signature, delegation.hash(self.chain_id()?))
    }

    /// Checks a vote: that its voter signed it, and what he held at the proposal's block.
    ///
    /// # Errors
    /// [`Error::VoteSignature`], [`Error::VoteTooEarly`], [`Error::VoteWithoutWeight`],
    /// [`Error::NoCybr`] or [`Error::NoChain`] if it cannot count; [`Error::Unproved`],
    /// [`Error::Unanswered`] or [`Error::Busy`] while that cannot be known.
    pub async fn weigh(&self, signed: SignedVote) -> Result<CountedVote, Error> {
        let scales = self.scales.clone().ok_or(Error::NoChain)?;
        let head = self.status.borrow().as_of.ok_or(Error::Unproved)?;
        scales.weigh(signed, head.block.number).await
    }

    async fn knock(
        &self,
        subject: Subject,
        wallet: WalletAddress,
        gate: WalletAddress,
    ) -> Result<Access, Error> {
        let (answer, answered) = oneshot::channel();
        let question = access::Question {
            subject,
            wallet,
            gate,
            answer,
        };
        self.visitors
            .try_send(question)
            .map_err(|refused| match refused {
                TrySendError::Full(_) => Error::Busy,
                TrySendError::Closed(_) => Error::Unproved,
            })?;
        answered.await.map_err(|_| Error::Stopped)?
    }

    async fn order(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<(), Error>>) -> Order,
    ) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.orders
            .send(order(answer))
            .await
            .map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)?
    }
}

//! The orders that the panel can give. The daemon implements them over the services' handles, so
//! that this room knows no other service.

use std::{io, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use seedbox_core::{
    Access, Alerts, ChainStatus, InfoHash, LandGrid, Owned, Parcel, ParcelProof, RefusalReason,
    RelayStatus, SeederStatus, TorrentStatus, UnixTime, UpdateStatus, WalletAddress,
    votes::{CountedVote, Proposal, SignedVote},
};
use tokio::sync::watch;

use crate::RelaySocket;

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The order itself is wrong; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// What it names does not exist.
    #[error("{0}")]
    NotFound(String),
    /// What was sent is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The disk has no room for it.
    #[error("{0}")]
    NoRoom(String),
    /// It contradicts the present state, for example a setting that the configuration file locks.
    #[error("{0}")]
    Conflict(String),
    /// The box refuses, with its reason.
    #[error("{0}")]
    Refused(#[from] RefusalReason),
    /// Not now; the text says when, or what has to happen first.
    #[error("{0}")]
    Unavailable(String),
    /// The box failed; the text is for the owner.
    #[error("{0}")]
    Failed(String),
}

/// Where a request for a model stands.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestState {
    /// The box fetches it or already holds it.
    Held(Box<TorrentStatus>),
    /// The request waits in the queue.
    Queued,
    /// The box does not store it.
    Refused(RefusalReason),
    /// The box was not asked for it and does not hold it.
    Unknown,
}

/// A bundle on its way in.
pub type Content = BoxStream<'static, io::Result<Bytes>>;

/// The box as its owner and its visitors can steer it.
#[async_trait]
pub trait Appliance: Send + Sync + 'static {
    /// The chain service's latest word; changes wake the receiver.
    fn chain(&self) -> watch::Receiver<ChainStatus>;
    /// The seeder's latest word; changes wake the receiver.
    fn seeder(&self) -> watch::Receiver<SeederStatus>;
    /// The relay's latest word; changes wake the receiver.
    fn relay(&self) -> watch::Receiver<RelayStatus>;
    /// What needs the owner; replaced only when something of it changed.
    fn alerts(&self) -> watch::Receiver<Arc<Alerts>>;
    /// What the linked wallets own.
    fn owned(&self) -> watch::Receiver<Arc<Owned>>;
    /// The updater's latest word; changes wake the receiver.
    fn update(&self) -> watch::Receiver<UpdateStatus>;
    /// The land grid; replaced only when something on it changed.
    fn grid(&self) -> watch::Receiver<Arc<LandGrid>>;

    /// Watches a wallet: secures what stands on its land. Linking twice is no error.
    async fn link_wallet(&self, wallet: WalletAddress) -> Result<(), OrderError>;
    /// Stops watching a wallet; its models become community data.
    async fn unlink_wallet(&self, wallet: WalletAddress) -> Result<(), OrderError>;
    /// Changes a volume's quota in bytes.
    async fn set_quota(&self, volume: &str, bytes: u64) -> Result<(), OrderError>;
    /// Accepts a torrent by magnet link, to be kept until the owner removes it.
    async fn add_torrent(&self, magnet: &str) -> Result<InfoHash, OrderError>;
    /// Deletes a torrent that the owner accepted or that is community data. A torrent on owned
    /// land is a conflict.
    async fn remove_torrent(&self, info_hash: InfoHash) -> Result<(), OrderError>;

    /// Makes the box as new: it ends, and its next start begins without owner, wallets and models.
    /// What lies on disks other than the database's stays unless `external_volumes`.
    async fn factory_reset(&self, external_volumes: bool) -> Result<(), OrderError>;

    /// Takes in a bundle of `size` bytes and checks its signature.
    async fn receive_update(&self, size: Option<u64>, content: Content) -> Result<(), OrderError>;
    /// The same with one that was found on a disk.
    async fn fetch_update(&self, path: String) -> Result<(), OrderError>;
    /// Deletes the bundle that was taken in, and forgets what became of the last update.
    async fn discard_update(&self) -> Result<(), OrderError>;
    /// Begins to install the bundle that was taken in. An older one than what runs is a conflict
    /// unless `allow_downgrade`.
    async fn install_update(&self, allow_downgrade: bool) -> Result<(), OrderError>;
    /// Restarts the machine into what was installed, now or at a time.
    async fn restart_into_update(&self, at: Option<UnixTime>) -> Result<(), OrderError>;
    /// Takes a planned restart into what was installed back.
    async fn cancel_restart(&self) -> Result<(), OrderError>;

    /// A visitor asks for a published model: the box counts the demand and fetches it into the
    /// community cache if it may. `from` is used for throttling alone and never stored.
    async fn request_model(
        &self,
        info_hash: InfoHash,
        from: IpAddr,
    ) -> Result<RequestState, OrderError>;
    /// Proves who owns a parcel, at the newest block that the box can prove anything of.
    async fn parcel_proof(&self, parcel: Parcel) -> Result<ParcelProof, OrderError>;
    /// Whether a wallet may have a published model's content.
    async fn model_access(
        &self,
        info_hash: InfoHash,
        wallet: WalletAddress,
    ) -> Result<Access, OrderError>;
    /// Whether a wallet has a pass to a parcel.
    async fn parcel_access(
        &self,
        parcel: Parcel,
        wallet: WalletAddress,
    ) -> Result<Access, OrderError>;
    /// Serves a client of the relay until his socket ends. Asked only while the relay is on.
    fn enter_relay(&self, socket: RelaySocket) -> BoxFuture<'static, ()>;
    /// This box's descriptor in base64; `None` if it does not relay or nobody could reach it.
    fn relay_descriptor(&self) -> Option<String>;
    /// All descriptors that the relay knows, in base64.
    fn relay_descriptors(&self) -> Vec<String>;
    /// Keeps a vote if it counts; says whether it is new.
    async fn vote(&self, vote: SignedVote) -> Result<bool, OrderError>;
    /// The votes of a proposal, by hash.
    async fn votes(&self, proposal: Proposal) -> Result<Vec<CountedVote>, OrderError>;
    /// The proposals of which the box has votes, with their number.
    async fn proposals(&self) -> Result<Vec<(Proposal, u64)>, OrderError>;
    /// Where an earlier request stands.
    async fn request_state(&self, info_hash: InfoHash) -> Result<RequestState, OrderError>;
}

//! The panel's orders, carried out over the services' handles.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;
use seedbox_core::{
    Access, Alerts, ChainStatus, InfoHash, LandGrid, Owned, Parcel, ParcelProof, RelayStatus,
    SeederStatus, UnixTime, UpdateStatus, WalletAddress,
    votes::{CountedVote, Proposal, SignedVote},
};
use seedbox_http::{Appliance, Content, OrderError, RelaySocket, RequestState};
use seedbox_seeder::magnet::Magnet;
use seedbox_store::{Store, votes::Kept};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{factory_reset, relay::Relay};

/// The handles that orders go to.
pub(crate) struct Orders {
    pub(crate) relay: Relay,
    pub(crate) chain: seedbox_chain::Handle,
    pub(crate) store: Store,
    pub(crate) seeder: seedbox_seeder::Handle,
    pub(crate) alerts: watch::Receiver<Arc<Alerts>>,
    pub(crate) updater: seedbox_updater::Handle,
    pub(crate) data: PathBuf,
    pub(crate) volumes: Vec<PathBuf>,
    /// Ends the process, to be started again.
    pub(crate) start_anew: CancellationToken,
}

#[async_trait]
impl Appliance for Orders {
    fn chain(&self) -> watch::Receiver<ChainStatus> {
        self.chain.status()
    }

    fn seeder(&self) -> watch::Receiver<SeederStatus> {
        self.seeder.status()
    }

    fn relay(&self) -> watch::Receiver<RelayStatus> {
        self.relay.status()
    }

    fn enter_relay(&self, socket: RelaySocket) -> BoxFuture<'static, ()> {
        self.relay.enter(socket)
    }

    fn relay_descriptor(&self) -> Option<String> {
        self.relay.descriptor()
    }

    fn relay_descriptors(&self) -> Vec<String> {
        self.relay.descriptors()
    }

    fn alerts(&self) -> watch::Receiver<Arc<Alerts>> {
        self.alerts.clone()
    }

    fn owned(&self) -> watch::Receiver<Arc<Owned>> {
        self.chain.owned()
    }

    fn update(&self) -> watch::Receiver<UpdateStatus> {
        self.updater.status()
    }

    fn grid(&self) -> watch::Receiver<Arc<LandGrid>> {
        self.chain.grid()
    }

    async fn parcel_proof(&self, parcel: Parcel) -> Result<ParcelProof, OrderError> {
        self.chain.parcel_proof(parcel).await.map_err(chain_error)
    }

    async fn model_access(
        &self,
        info_hash: InfoHash,
        wallet: WalletAddress,
    ) -> Result<Access, OrderError> {
        let access = self.chain.model_access(info_hash, wallet).await;
        access.map_err(chain_error)
    }

    async fn parcel_access(
        &self,
        parcel: Parcel,
        wallet: WalletAddress,
    ) -> Result<Access, OrderError> {
        let access = self.chain.parcel_access(parcel, wallet).await;
        access.map_err(chain_error)
    }

    async fn vote(&self, vote: SignedVote) -> Result<bool, OrderError> {
        let counted = self.chain.weigh(vote).await.map_err(chain_error)?;
        match self.store.add_vote(counted).await.map_err(store_error)? {
            Kept::New => Ok(true),
            Kept::Known => Ok(false),
            Kept::Full => Err(OrderError::Unavailable(
                "the box keeps no more votes of this proposal; post it to another box".into(),
            )),
        }
    }

    async fn votes(&self, proposal: Proposal) -> Result<Vec<CountedVote>, OrderError> {
        self.store.votes(proposal).await.map_err(store_error)
    }

    async fn proposals(&self) -> Result<Vec<(Proposal, u64)>, OrderError> {
        self.store.proposals().await.map_err(store_error)
    }

    async fn link_wallet(&self, wallet: WalletAddress) -> Result<(), OrderError> {
        self.chain.link_wallet(wallet).await.map_err(chain_error)
    }

    async fn unlink_wallet(&self, wallet: WalletAddress) -> Result<(), OrderError> {
        self.chain.unlink_wallet(wallet).await.map_err(chain_error)
    }

    async fn set_quota(&self, volume: &str, bytes: u64) -> Result<(), OrderError> {
        self.seeder
            .set_quota(volume, bytes)
            .await
            .map_err(seeder_error)
    }

    async fn add_torrent(&self, magnet: &str) -> Result<InfoHash, OrderError> {
        let magnet = Magnet::parse(magnet).map_err(|e| OrderError::Invalid(e.to_string()))?;
        let info_hash = magnet.info_hash;
        self.seeder.accept(magnet).await.map_err(seeder_error)?;
        Ok(info_hash)
    }

    async fn remove_torrent(&self, info_hash: InfoHash) -> Result<(), OrderError> {
        self.seeder.remove(info_hash).await.map_err(seeder_error)
    }

    async fn factory_reset(&self, external_volumes: bool) -> Result<(), OrderError> {
        factory_reset::order(&self.data, &self.volumes, external_volumes).map_err(|error| {
            let data = self.data.display();
            OrderError::Failed(format!("the order cannot be written to {data}: {error}"))
        })?;
        log::warn!("the owner orders a factory reset");
        self.start_anew.cancel();
        Ok(())
    }

    async fn receive_update(&self, size: Option<u64>, content: Content) -> Result<(), OrderError> {
        let received = self.updater.receive(size, content).await;
        received.map_err(updater_error)
    }

    async fn fetch_update(&self, path: String) -> Result<(), OrderError> {
        self.updater.fetch(path).await.map_err(updater_error)
    }

    async fn discard_update(&self) -> Result<(), OrderError> {
        self.updater.discard().await.map_err(updater_error)
    }

    async fn install_update(&self, allow_downgrade: bool) -> Result<(), OrderError> {
        let begun = self.updater.install(allow_downgrade).await;
        begun.map_err(updater_error)
    }

    async fn restart_into_update(&self, at: Option<UnixTime>) -> Result<(), OrderError> {
        self.updater.restart(at).await.map_err(updater_error)
    }

    async fn cancel_restart(&self) -> Result<(), OrderError> {
        self.updater.cancel_restart().await.map_err(updater_error)
    }

    async fn request_model(
        &self,
        info_hash: InfoHash,
        _from: IpAddr,
    ) -> Result<RequestState, OrderError> {
        self.seeder
            .request(info_hash)
            .await
            .map(request_state)
            .map_err(seeder_error)
    }

    async fn request_state(&self, info_hash: InfoHash) -> Result<RequestState, OrderError> {
        self.seeder
            .state(info_hash)
            .await
            .map(request_state)
            .map_err(seeder_error)
    }
}

fn request_state(state: seedbox_seeder::RequestState) -> RequestState {
    match state {
        seedbox_seeder::RequestState::Held(status) => RequestState::Held(status),
        seedbox_seeder::RequestState::Queued => RequestState::Queued,
        seedbox_seeder::RequestState::Refused(reason) => RequestState::Refused(reason),
        seedbox_seeder::RequestState::Unknown => RequestState::Unknown,
    }
}

fn chain_error(e: seedbox_chain::Error) -> OrderError {
    use seedbox_chain::Error as Theirs;
    match e {
        Theirs::TooManyWallets { .. } => OrderError::Conflict(e.to_string()),
        Theirs::VoteSignature
        | Theirs::VoteTooEarly { .. }
        | Theirs::VoteWithoutWeight { .. }
        | Theirs::NoCybr => OrderError::Invalid(e.to_string()),
        Theirs::NoChain => OrderError::Unavailable(e.to_string()),
        Theirs::UnknownModel | Theirs::NoAccessPass => OrderError::NotFound(e.to_string()),
        Theirs::Unproved | Theirs::Busy | Theirs::Stale { .. } | Theirs::Unanswered { .. } => {
            OrderError::Unavailable(e.to_string())
        }
        e => OrderError::Failed(e.to_string()),
    }
}

#[allow(clippy::needless_pass_by_value)] // it is mapped over results
fn store_error(e: seedbox_store::Error) -> OrderError {
    OrderError::Failed(e.to_string())
}

fn seeder_error(e: seedbox_seeder::OrderError) -> OrderError {
    use seedbox_seeder::OrderError as Theirs;
    match e {
        Theirs::Invalid(text) => OrderError::Invalid(text),
        Theirs::NotFound(text) => OrderError::NotFound(text),
        Theirs::Conflict(text) => OrderError::Conflict(text),
        Theirs::Refused(reason) => OrderError::Refused(reason),
        e @ (Theirs::Failed(_) | Theirs::Stopped) => OrderError::Failed(e.to_string()),
    }
}

fn updater_error(e: seedbox_updater::OrderError) -> OrderError {
    use seedbox_updater::OrderError as Theirs;
    match e {
        Theirs::Conflict(text) => OrderError::Conflict(text),
        e @ (Theirs::Unsupported | Theirs::Downgrade { .. }) => OrderError::Conflict(e.to_string()),
        e @ Theirs::NotFound(_) => OrderError::NotFound(e.to_string()),
        e @ Theirs::TooLarge { .. } => OrderError::TooLarge(e.to_string()),
        e @ Theirs::NoRoom { .. } => OrderError::NoRoom(e.to_string()),
        e @ (Theirs::Broken(_) | Theirs::Untrusted(_)) => OrderError::Invalid(e.to_string()),
        e @ Theirs::Unchecked(_) => OrderError::Unavailable(e.to_string()),
        e @ (Theirs::Disk { .. } | Theirs::Stopped) => OrderError::Failed(e.to_string()),
    }
}

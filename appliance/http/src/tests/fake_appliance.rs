//! A box without services: what it shows is set by the test, what it is told is written down.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};
use seedbox_core::{
    Access, Alerts, ChainStatus, Health, InfoHash, Keep, LandGrid, Owned, OwnedWallet, Parcel,
    ParcelProof, RelayStatus, SeederStatus, TorrentState, TorrentStatus, UnixTime, UpdateStatus,
    WalletAddress,
    votes::{CountedVote, Proposal, SignedVote},
};
use tokio::sync::watch;

use crate::{Appliance, Content, OrderError, RelaySocket, RequestState};

pub(super) struct FakeAppliance {
    pub(super) chain: watch::Sender<ChainStatus>,
    pub(super) seeder: watch::Sender<SeederStatus>,
    pub(super) relay: watch::Sender<RelayStatus>,
    pub(super) alerts: watch::Sender<Arc<Alerts>>,
    pub(super) owned: watch::Sender<Arc<Owned>>,
    pub(super) grid: watch::Sender<Arc<LandGrid>>,
    pub(super) update: watch::Sender<UpdateStatus>,
    /// The proof of every parcel; "not proved yet" without one.
    pub(super) proof: Mutex<Option<ParcelProof>>,
    /// What is answered about every access; "not known now" without one.
    pub(super) access: Mutex<Option<Access>>,
    /// The votes that were posted; each weighs 5.
    pub(super) votes: Mutex<Vec<CountedVote>>,
    /// Orders received, in words.
    pub(super) orders: Mutex<Vec<String>>,
    /// What every order is answered, once.
    pub(super) next_error: Mutex<Option<OrderError>>,
    /// What every request for a model is answered.
    pub(super) request_state: Mutex<RequestState>,
}

impl Default for FakeAppliance {
    fn default() -> Self {
        FakeAppliance {
            chain: watch::Sender::new(ChainStatus {
                health: Health::Well,
                sentence: "The chain is read.".to_owned(),
                ..ChainStatus::default()
            }),
            seeder: watch::Sender::new(SeederStatus {
                health: Health::Well,
                sentence: "Everything is secured.".to_owned(),
                torrents: vec![torrent(1)],
                ..SeederStatus::default()
            }),
            relay: watch::Sender::default(),
            alerts: watch::Sender::default(),
            owned: watch::Sender::new(Arc::new(Owned {
                wallets: vec![OwnedWallet {
                    address: WalletAddress([1; 20]),
                    parcels: Vec::new(),
                }],
                as_of: None,
            })),
            grid: watch::Sender::default(),
            update: watch::Sender::default(),
            proof: Mutex::default(),
            access: Mutex::default(),
            votes: Mutex::default(),
            orders: Mutex::default(),
            next_error: Mutex::default(),
            request_state: Mutex::new(RequestState::Unknown),
        }
    }
}

pub(super) fn torrent(n: u8) -> TorrentStatus {
    TorrentStatus {
        info_hash: InfoHash([n; 20]),
        name: format!("torrent {n}"),
        model: Some(u64::from(n)),
        keep: Keep::Owned,
        state: TorrentState::Seeding,
        size: 1000,
        have: 1000,
        reserved: 1000,
        peers: 1,
        other_seeds: 2,
        download_rate: 0,
        upload_rate: 5,
        uploaded: 10,
        requests: 3,
        added_at: UnixTime(1),
        error: None,
    }
}

impl FakeAppliance {
    fn ordered(&self, order: String) -> Result<(), OrderError> {
        self.orders.lock().unwrap().push(order);
        self.next_error.lock().unwrap().take().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Appliance for FakeAppliance {
    fn chain(&self) -> watch::Receiver<ChainStatus> {
        self.chain.subscribe()
    }

    fn seeder(&self) -> watch::Receiver<SeederStatus> {
        self.seeder.subscribe()
    }

    fn alerts(&self) -> watch::Receiver<Arc<Alerts>> {
        self.alerts.subscribe()
    }

    fn owned(&self) -> watch::Receiver<Arc<Owned>> {
        self.owned.subscribe()
    }

    fn grid(&self) -> watch::Receiver<Arc<LandGrid>> {
        self.grid.subscribe()
    }

    fn relay(&self) -> watch::Receiver<RelayStatus> {
        self.relay.subscribe()
    }

    /// Sends every frame back.
    fn enter_relay(&self, socket: RelaySocket) -> BoxFuture<'static, ()> {
        let (send, receive) = socket.split();
        Box::pin(receive.map(Ok).forward(send).map(drop))
    }

    fn relay_descriptor(&self) -> Option<String> {
        self.relay_descriptors().pop()
    }

    fn relay_descriptors(&self) -> Vec<String> {
        vec!["AAAA".to_owned()]
    }

    async fn parcel_proof(&self, parcel: Parcel) -> Result<ParcelProof, OrderError> {
        self.ordered(format!("prove {},{}", parcel.x, parcel.y))?;
        let proof = self.proof.lock().unwrap().clone();
        proof.ok_or_else(|| OrderError::Unavailable("not proved yet".to_owned()))
    }

    async fn vote(&self, signed: SignedVote) -> Result<bool, OrderError> {
        self.ordered(format!("vote of {}", signed.vote.voter))?;
        let hash = signed.vote.hash(1);
        let counted = CountedVote {
            signed,
            hash,
            weight: 5,
        };
        let mut votes = self.votes.lock().unwrap();
        let new = votes.iter().all(|vote| vote.hash != hash);
        if new {
            votes.push(counted);
        }
        Ok(new)
    }

    async fn votes(&self, proposal: Proposal) -> Result<Vec<CountedVote>, OrderError> {
        let mut votes = self.votes.lock().unwrap().clone();
        votes.retain(|vote| vote.signed.vote.proposal == proposal);
        Ok(votes)
    }

    async fn proposals(&self) -> Result<Vec<(Proposal, u64)>, OrderError> {
        let votes = self.votes.lock().unwrap();
        Ok(votes
            .iter()
            .map(|vote| (vote.signed.vote.proposal, 1))
            .collect())
    }

    async fn model_access(
        &self,
        info_hash: InfoHash,
        wallet: WalletAddress,
    ) -> Result<Access, OrderError> {
        self.ordered(format!("access {info_hash} {wallet}"))?;
        let access = self.access.lock().unwrap().clone();
        access.ok_or_else(|| OrderError::Unavailable("not known now".to_owned()))
    }

    async fn parcel_access(
        &self,
        parcel: Parcel,
        wallet: WalletAddress,
    ) -> Result<Access, OrderError> {
        self.ordered(format!("enter {},{} {wallet}", parcel.x, parcel.y))?;
        let access = self.access.lock().unwrap().clone();
        access.ok_or_else(|| OrderError::Unavailable("not known now".to_owned()))
    }

    async fn link_wallet(&self, wallet: WalletAddress) -> Result<(), OrderError> {
        self.ordered(format!("link {wallet}"))
    }

    async fn unlink_wallet(&self, wallet: WalletAddress) -> Result<(), OrderError> {
        self.ordered(format!("unlink {wallet}"))
    }

    async fn set_quota(&self, volume: &str, bytes: u64) -> Result<(), OrderError> {
        self.ordered(format!("quota {volume} {bytes}"))
    }

    async fn add_torrent(&self, magnet: &str) -> Result<InfoHash, OrderError> {
        self.ordered(format!("add {magnet}"))?;
        Ok(InfoHash([9; 20]))
    }

    async fn remove_torrent(&self, info_hash: InfoHash) -> Result<(), OrderError> {
        self.ordered(format!("remove {info_hash}"))
    }

    async fn factory_reset(&self, external_volumes: bool) -> Result<(), OrderError> {
        self.ordered(format!("factory reset {external_volumes}"))
    }

    fn update(&self) -> watch::Receiver<UpdateStatus> {
        self.update.subscribe()
    }

    async fn receive_update(&self, size: Option<u64>, content: Content) -> Result<(), OrderError> {
        let sent = content.try_fold(0, |sum, bytes| async move { Ok(sum + bytes.len()) });
        let sent = sent.await.map_err(|e| OrderError::Invalid(e.to_string()))?;
        self.ordered(format!("receive {size:?} {sent}"))
    }

    async fn fetch_update(&self, path: String) -> Result<(), OrderError> {
        self.ordered(format!("fetch {path}"))
    }

    async fn discard_update(&self) -> Result<(), OrderError> {
        self.ordered("discard".to_owned())
    }

    async fn install_update(&self, allow_downgrade: bool) -> Result<(), OrderError> {
        self.ordered(format!("install {allow_downgrade}"))
    }

    async fn restart_into_update(&self, at: Option<UnixTime>) -> Result<(), OrderError> {
        self.ordered(format!("restart {:?}", at.map(|at| at.0)))
    }

    async fn cancel_restart(&self) -> Result<(), OrderError> {
        self.ordered("cancel restart".to_owned())
    }

    async fn request_model(
        &self,
        info_hash: InfoHash,
        from: IpAddr,
    ) -> Result<RequestState, OrderError> {
        self.ordered(format!("request {info_hash} {from}"))?;
        Ok(self.request_state.lock().unwrap().clone())
    }

    async fn request_state(&self, _: InfoHash) -> Result<RequestState, OrderError> {
        Ok(self.request_state.lock().unwrap().clone())
    }
}

//! How the box is doing: chain, seeder, volumes, and the one sentence over all of it.

use seedbox_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Alert, Relay, Torrent, Update};

/// How a service is doing, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Doing its job.
    Well,
    /// Not yet at work.
    Starting,
    /// At work, but the owner should know something.
    Attention,
    /// Not doing its job.
    Failing,
}

/// The whole box at one moment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The worst of all services.
    pub health: Health,
    /// The one sentence the owner should read.
    #[schema(example = "Everything on your land is here and verified.")]
    pub sentence: String,
    /// Version of the box's software.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Seconds since the software started.
    pub uptime: u64,
    /// The box's clock, Unix seconds; ages are to be counted from it.
    pub now: u64,
    /// What needs the owner, gravest first.
    pub alerts: Vec<Alert>,
    /// Linked wallets.
    pub wallets: u64,
    /// The chain service.
    pub chain: Chain,
    /// The seeder.
    pub seeder: Seeder,
    /// The relay.
    pub relay: Relay,
    /// Updates of the box's system.
    pub update: Update,
}

/// What the chain service knows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Chain {
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// EIP-155 chain ID, once known.
    #[schema(required)]
    pub chain_id: Option<u64>,
    /// The block that the box's knowledge is the state of.
    #[schema(required)]
    pub as_of: Option<AsOf>,
    /// Height of the newest block that an endpoint spoke of.
    #[schema(required)]
    pub head: Option<u64>,
    /// Parcels minted.
    pub parcels: u64,
    /// Models published.
    pub models: u64,
    /// Placements standing.
    pub placements: u64,
    /// Reorganisations undone since start.
    pub reorgs: u64,
    /// Every configured RPC endpoint.
    pub endpoints: Vec<Endpoint>,
    /// Who vouches for the chain's blocks.
    pub trust: Trust,
    /// The newest block whose whole state was proved.
    #[schema(required)]
    pub proved: Option<VouchedBlock>,
    /// The newest of those that more than one endpoint vouches for.
    #[schema(required)]
    pub corroborated: Option<VouchedBlock>,
}

/// Who has to vouch for a block before it is believed, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrustLevel {
    /// Any one RPC endpoint.
    Rpc,
    /// Several RPC endpoints that say the same.
    Quorum,
    /// Ethereum's validators, whose signatures the box checks itself; the block is not final yet.
    Signed,
    /// The same, and the block is final.
    Finalized,
}

/// Who vouches for the chain's blocks, and how well that goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trust {
    /// What the owner chose.
    pub level: TrustLevel,
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// The newest block that is vouched for.
    #[schema(required)]
    pub block: Option<VouchedBlock>,
    /// Where the light client's trust begins, if there is a light client.
    #[schema(required)]
    pub checkpoint: Option<Checkpoint>,
    /// Those who are asked: RPC endpoints or beacon nodes.
    pub endpoints: Vec<Endpoint>,
}

/// A block that is vouched for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VouchedBlock {
    /// Height.
    pub number: u64,
    /// Block hash, 64 hexadecimal characters.
    pub hash: String,
    /// The block's own timestamp, Unix seconds.
    pub timestamp: u64,
    /// Its slot on the beacon chain, where that is known.
    #[schema(required)]
    pub slot: Option<u64>,
    /// How many endpoints say the same; null if it is not a quorum that vouches.
    #[schema(required)]
    pub agree: Option<u8>,
}

/// Where the light client's trust begins.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// Root of the beacon block that the owner chose, 64 hexadecimal characters.
    pub root: String,
    /// Seconds since that block's slot; null until the block has been fetched.
    #[schema(required)]
    pub age: Option<u64>,
}

/// A block, and when the chain was last heard to confirm it as current.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AsOf {
    /// Height.
    pub number: u64,
    /// Block hash, 64 hexadecimal characters.
    pub hash: String,
    /// The block's own timestamp, Unix seconds.
    pub timestamp: u64,
    /// When the box last heard that this is current, Unix seconds.
    pub observed_at: u64,
}

/// One RPC endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// Scheme, host and port.
    #[schema(example = "https://rpc.example")]
    pub name: String,
    /// Whether it is the one in use.
    pub active: bool,
    /// Last error, in words; null while it works.
    #[schema(required)]
    pub error: Option<String>,
}

/// What the seeder knows, without its lists.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Seeder {
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// Data volumes.
    pub volumes: Vec<Volume>,
    /// How many torrents it holds.
    pub torrents: u64,
    /// How many refusals are listed.
    pub refusals: u64,
    /// How many of those were to be protected.
    pub protected_refusals: u64,
    /// Torrents evicted since the box was set up.
    pub evicted: u64,
    /// Damaged pieces found and fetched again since the box was set up.
    pub repaired_pieces: u64,
    /// TCP port for peers, once listening.
    #[schema(required)]
    pub listen_port: Option<u16>,
}

/// Whether a volume can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeState {
    /// In its place.
    Ready,
    /// Not in its place; the box writes nothing there.
    Missing,
}

/// One data volume.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Volume {
    /// Identity written in its marker.
    pub id: String,
    /// Where it is.
    pub path: String,
    /// Whether it can be used.
    pub state: VolumeState,
    /// What is wrong with it, in words.
    #[schema(required)]
    pub problem: Option<String>,
    /// Bytes the owner gives.
    pub quota: u64,
    /// Bytes reserved for protected torrents.
    pub protected: u64,
    /// Bytes reserved for the community cache.
    pub community: u64,
    /// Bytes the disk has free; null while missing.
    #[schema(required)]
    pub disk_free: Option<u64>,
    /// Bytes of free space that are never eaten.
    pub reserve: u64,
}

/// Changes a volume's quota.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaRequest {
    /// Bytes the owner gives.
    pub quota: u64,
}

/// What the live stream sends: status and torrents of the same moment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// The whole box.
    pub status: Status,
    /// Every torrent, protected first, then by name.
    pub torrents: Vec<Torrent>,
}

/// Liveness for monitors.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HealthReport {
    /// The worst of all services.
    pub health: Health,
    /// The chain service.
    pub chain: Health,
    /// The seeder.
    pub seeder: Health,
}

/// Which software this is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Name of the software.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl From<core::Health> for Health {
    fn from(health: core::Health) -> Self {
        match health {
            core::Health::Well => Health::Well,
            core::Health::Starting => Health::Starting,
            core::Health::Attention => Health::Attention,
            core::Health::Failing => Health::Failing,
        }
    }
}

impl From<core::AsOf> for AsOf {
    fn from(as_of: core::AsOf) -> Self {
        AsOf {
            number: as_of.block.number,
            hash: hex::encode(as_of.block.hash),
            timestamp: as_of.block.timestamp.0,
            observed_at: as_of.observed_at.0,
        }
    }
}

impl From<&core::EndpointStatus> for Endpoint {
    fn from(endpoint: &core::EndpointStatus) -> Self {
        Endpoint {
            name: endpoint.name.clone(),
            active: endpoint.active,
            error: endpoint.error.clone(),
        }
    }
}

impl From<core::Trust> for TrustLevel {
    fn from(trust: core::Trust) -> Self {
        match trust {
            core::Trust::Rpc => TrustLevel::Rpc,
            core::Trust::Quorum { .. } => TrustLevel::Quorum,
            core::Trust::Signed => TrustLevel::Signed,
            core::Trust::Finalized => TrustLevel::Finalized,
        }
    }
}

impl From<core::VouchedBlock> for VouchedBlock {
    fn from(vouched: core::VouchedBlock) -> Self {
        VouchedBlock {
            number: vouched.block.number,
            hash: hex::encode(vouched.block.hash),
            timestamp: vouched.block.timestamp.0,
            slot: vouched.slot,
            agree: match vouched.trust {
                core::Trust::Quorum { agree, .. } => Some(agree),
                _ => None,
            },
        }
    }
}

impl From<&core::TrustStatus> for Trust {
    fn from(trust: &core::TrustStatus) -> Self {
        Trust {
            level: trust.level.into(),
            health: trust.health.into(),
            sentence: trust.sentence.clone(),
            block: trust.block.map(VouchedBlock::from),
            checkpoint: trust.checkpoint.map(|checkpoint| Checkpoint {
                root: hex::encode(checkpoint.root),
                age: checkpoint.age,
            }),
            endpoints: trust.endpoints.iter().map(Endpoint::from).collect(),
        }
    }
}

impl From<&core::ChainStatus> for Chain {
    fn from(chain: &core::ChainStatus) -> Self {
        Chain {
            health: chain.health.into(),
            sentence: chain.sentence.clone(),
            chain_id: chain.chain_id,
            as_of: chain.as_of.map(AsOf::from),
            head: chain.head,
            parcels: chain.parcels,
            models: chain.models,
            placements: chain.placements,
            reorgs: chain.reorgs,
            endpoints: chain.endpoints.iter().map(Endpoint::from).collect(),
            trust: Trust::from(&chain.trust),
            proved: chain.proved.map(VouchedBlock::from),
            corroborated: chain.corroborated.map(VouchedBlock::from),
        }
    }
}

impl From<&core::SeederStatus> for Seeder {
    fn from(seeder: &core::SeederStatus) -> Self {
        Seeder {
            health: seeder.health.into(),
            sentence: seeder.sentence.clone(),
            volumes: seeder.volumes.iter().map(Volume::from).collect(),
            torrents: seeder.torrents.len() as u64,
            refusals: seeder.refusals.len() as u64,
            protected_refusals: seeder.refusals.iter().filter(|r| r.protected).count() as u64,
            evicted: seeder.evicted,
            repaired_pieces: seeder.repaired_pieces,
            listen_port: seeder.listen_port,
        }
    }
}

impl From<&core::VolumeStatus> for Volume {
    fn from(volume: &core::VolumeStatus) -> Self {
        let (state, problem) = match &volume.state {
            core::VolumeState::Ready => (VolumeState::Ready, None),
            core::VolumeState::Missing(detail) => (VolumeState::Missing, Some(detail.clone())),
        };
        Volume {
            id: volume.id.clone(),
            path: volume.path.clone(),
            state,
            problem,
            quota: volume.quota,
            protected: volume.protected,
            community: volume.community,
            disk_free: volume.disk_free,
            reserve: volume.reserve,
        }
    }
}

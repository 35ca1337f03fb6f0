//! The pure words of the domain, shared by every room of the house.
//!
//! No I/O, no async runtime, no clock: time and bytes are passed in, decisions come out. What the
//! box may delete is decided here and nowhere else, see [`classify`] and [`eviction`].

mod access;
mod address;
pub mod alerts;
mod classify;
mod delegation;
pub mod eviction;
pub mod grid;
mod info_hash;
mod inventory;
mod land_grid;
mod model;
mod network;
mod owned;
mod parcel;
mod parcel_proof;
mod refusal;
mod relay;
mod shares;
mod status;
mod time;
mod trust;
mod typed_data;
mod update;
pub mod votes;

pub use access::{Access, Basis, PassProof, Subject};
pub use address::{AddressError, WalletAddress};
pub use alerts::{Alert, AlertId, Alerts, Concern, Severity};
pub use classify::{Classified, Evictable, Protected, Protection, classify};
pub use delegation::Delegation;
pub use info_hash::{ContentHash, HashError, InfoHash};
pub use inventory::{Demand, Item};
pub use land_grid::{LandGrid, ParcelState};
pub use model::{Model, ModelId, Placement, PlacementId, Pose};
pub use network::{Network, may_dial, subscriber};
pub use owned::{AsOf, BlockRef, Owned, OwnedParcel, OwnedPlacement, OwnedWallet};
pub use parcel::{Parcel, ParcelIdError};
pub use parcel_proof::ParcelProof;
pub use refusal::{Refusal, RefusalReason};
pub use relay::RelayStatus;
pub use shares::{Share, Shares};
pub use status::{
    ChainStatus, EndpointStatus, Health, Keep, SeederStatus, TorrentState, TorrentStatus,
    VolumeState, VolumeStatus,
};
pub use time::UnixTime;
pub use trust::{CheckpointStatus, Trust, TrustStatus, VouchedBlock};
pub use update::{Bundle, FoundBundle, UpdateOutcome, UpdatePhase, UpdateStatus};

//! The JSON that crosses the wire, apart from the domain's own words, so that the core stays free
//! of HTTP and a change of the wire is always a visible one. Times are Unix seconds, sizes bytes,
//! rates bytes a second.

mod alert;
mod model_request;
mod owner;
mod property;
mod relay;
mod status;
mod torrent;
mod update;

pub use alert::{Alert, Severity};
pub use model_request::{ModelRequest, ModelRequestState};
pub use owner::{Claim, ClaimRequest, FactoryResetRequest, LoginRequest, PasswordRequest, Session};
pub use property::{LinkRequest, Model, Parcel, Placement, Pose, Wallet, Wallets};
pub use relay::{Relay, Relays};
pub use status::{
    AsOf, Chain, Endpoint, Health, HealthReport, Live, QuotaRequest, Seeder, Status, Version,
    Volume, VolumeState,
};
pub use torrent::{
    AddTorrentRequest, AddedTorrent, Keep, Refusal, RefusalCode, Refusals, Torrent, TorrentState,
    Torrents,
};
pub use update::{
    FetchUpdateRequest, FoundBundle, InstallUpdateRequest, LastUpdate, RestartRequest, Update,
    UpdateBundle, UpdatePhase, UpdateResult,
};

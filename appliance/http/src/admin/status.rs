//! How the box is doing, in one object and one sentence.

use std::sync::Arc;

use axum::extract::State;
use seedbox_core::{ChainStatus, SeederStatus};

use super::Admin;
use crate::{
    dto::{Alert, Chain, Live, Relay, Seeder, Status, Torrent, Update},
    health,
    problem::Problem,
};

/// The whole box at this moment.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses(
    (status = 200, body = Status, description = "The box now."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn get_status(State(admin): State<Arc<Admin>>) -> axum::Json<Status> {
    axum::Json(status(&admin))
}

/// The whole box at this moment.
fn status(admin: &Admin) -> Status {
    let chain = admin.appliance.chain();
    let seeder = admin.appliance.seeder();
    let (chain, seeder) = (chain.borrow(), seeder.borrow());
    status_of(admin, &chain, &seeder)
}

/// Status and torrents, of the same snapshot of the seeder.
pub(super) fn live(admin: &Admin) -> Live {
    let chain = admin.appliance.chain();
    let seeder = admin.appliance.seeder();
    let (chain, seeder) = (chain.borrow(), seeder.borrow());
    Live {
        status: status_of(admin, &chain, &seeder),
        torrents: seeder.torrents.iter().map(Torrent::from).collect(),
    }
}

fn status_of(admin: &Admin, chain: &ChainStatus, seeder: &SeederStatus) -> Status {
    let wallets = admin.appliance.owned().borrow().wallets.len();
    let alerts = admin.appliance.alerts().borrow().clone();
    let (health, sentence) = health::overall(chain, seeder, &alerts);
    Status {
        health: health.into(),
        sentence,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: admin.started.elapsed().as_secs(),
        now: admin.clock.now().0,
        alerts: alerts.iter().map(Alert::from).collect(),
        wallets: wallets as u64,
        chain: Chain::from(chain),
        seeder: Seeder::from(seeder),
        relay: Relay::from(&*admin.appliance.relay().borrow()),
        update: Update::from(&*admin.appliance.update().borrow()),
    }
}

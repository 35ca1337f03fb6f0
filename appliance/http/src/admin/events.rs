//! The live stream: server-sent events with the whole status, at once and on every change.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use seedbox_core::{Alerts, ChainStatus, Owned, SeederStatus, UpdateStatus};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep_until},
};

use super::{Admin, status};
use crate::{
    dto::Live,
    owner::Authenticated,
    problem::{Problem, ProblemType},
};

/// Streams that may be open at once, over all browsers.
pub(super) const MAX_STREAMS: usize = 16;
/// Least time between two events of a stream.
const THROTTLE: Duration = Duration::from_millis(500);
/// A comment is sent after so much silence, so that both ends notice a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the session is looked up again, because another process may end it.
const SESSION_CHECK: Duration = Duration::from_secs(15);

/// Server-sent events. `event: status` with the whole status and all torrents as `data`, at once
/// and on every change, at most twice a second; a comment every 15 s. The stream ends with the
/// session.
#[utoipa::path(get, path = "/api/v1/events", tag = "status", responses(
    (status = 200, body = Live, content_type = "text/event-stream", description = "The stream."),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Too many streams are open."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn events(
    State(admin): State<Arc<Admin>>,
    Extension(authenticated): Extension<Authenticated>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = Arc::clone(&admin.streams)
        .try_acquire_owned()
        .map_err(|_| {
            let detail = "Too many pages of this panel are open. Close one and try again.";
            Problem::new(ProblemType::Unavailable, detail)
        })?;
    let watcher = Watcher {
        chain: admin.appliance.chain(),
        seeder: admin.appliance.seeder(),
        alerts: admin.appliance.alerts(),
        owned: admin.appliance.owned(),
        update: admin.appliance.update(),
        revoked: admin.owner.revocations(),
        admin,
        authenticated,
        sent: None,
        session_check: Instant::now() + SESSION_CHECK,
        _permit: permit,
    };
    let stream = futures::stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// One browser's view of the box. Dropped with its connection.
struct Watcher {
    admin: Arc<Admin>,
    authenticated: Authenticated,
    chain: watch::Receiver<ChainStatus>,
    seeder: watch::Receiver<SeederStatus>,
    alerts: watch::Receiver<Arc<Alerts>>,
    owned: watch::Receiver<Arc<Owned>>,
    update: watch::Receiver<UpdateStatus>,
    revoked: watch::Receiver<()>,
    sent: Option<Instant>,
    session_check: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next event, or `None` when the session or the box ends.
    async fn next(&mut self) -> Option<Event> {
        if let Some(sent) = self.sent {
            self.changed().await?;
            self.quiet_until(sent + THROTTLE).await?;
        }
        self.sent = Some(Instant::now());
        self.chain.mark_unchanged();
        self.seeder.mark_unchanged();
        self.alerts.mark_unchanged();
        self.owned.mark_unchanged();
        self.update.mark_unchanged();
        let live = status::live(&self.admin);
        Event::default().event("status").json_data(live).ok()
    }

    /// Waits for a change of any snapshot.
    async fn changed(&mut self) -> Option<()> {
        loop {
            tokio::select! {
                () = self.admin.shutdown.cancelled() => return None,
                result = self.revoked.changed() => {
                    result.ok()?;
                    self.check_session().await?;
                }
                () = sleep_until(self.session_check) => self.check_session().await?,
                result = self.chain.changed() => return result.ok(),
                result = self.seeder.changed() => return result.ok(),
                result = self.alerts.changed() => return result.ok(),
                result = self.owned.changed() => return result.ok(),
                result = self.update.changed() => return result.ok(),
            }
        }
    }

    /// Waits for `moment`, unless the session or the box ends before.
    async fn quiet_until(&mut self, moment: Instant) -> Option<()> {
        loop {
            tokio::select! {
                () = self.admin.shutdown.cancelled() => return None,
                result = self.revoked.changed() => {
                    result.ok()?;
                    self.check_session().await?;
                }
                () = sleep_until(moment) => return Some(()),
            }
        }
    }

    async fn check_session(&mut self) -> Option<()> {
        self.session_check = Instant::now() + SESSION_CHECK;
        let alive = self.admin.owner.is_alive(&self.authenticated).await;
        alive.unwrap_or(false).then_some(())
    }
}

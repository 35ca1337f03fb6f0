//! The stream of changes. Each is encoded once and shared by all who listen; whoever is too slow
//! for the changes that are kept is let go, and asks again from where it stood.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use seedbox_core::grid::{Delta, EpochName};
use serde::Deserialize;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::{binary::epoch_name, history::History};
use crate::{
    problem::{Problem, ProblemType},
    public::Public,
};

/// Clients that may listen at once.
pub(super) const MAX_SUBSCRIBERS: usize = 3000;
/// A comment is sent after so much silence, so that both ends notice a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Largest delta that is pushed, encoded: whoever missed more does better to load the world.
const LARGEST: usize = 512 * 1024;
/// Seconds after which a client that was turned away may ask again.
const RETRY: u64 = 10;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where to begin.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StartingPoint {
    /// The epoch that the client has. `Last-Event-ID` counts more.
    from: Option<String>,
}

/// Server-sent events. `delta`: base64 of a binary delta, `id` is the epoch that it leads to.
/// `resync`: the client's epoch is unknown or too old; it is to load the world of the epoch in
/// `id`, from which the deltas then go on. At first everything that is missing, then each change
/// as it comes; a comment every 15 s.
#[utoipa::path(get, path = "/grid/deltas", tag = "grid", params(StartingPoint), responses(
    (status = 200, content_type = "text/event-stream", description = "The stream."),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Too many clients listen, or the chain has not been read yet."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn deltas(
    State(public): State<Arc<Public>>,
    Query(start): Query<StartingPoint>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get(LAST_EVENT_ID);
    let last = last.and_then(|id| id.to_str().ok()).map(str::to_owned);
    let from = last
        .or(start.from)
        .map(|from| epoch_name(&from))
        .transpose()?;
    let grid = &public.grid;
    grid.current()?;
    let permit = Arc::clone(&grid.subscribers).try_acquire_owned();
    let permit = permit.map_err(|_| {
        let detail = "Too many clients listen. Try again later, or at another box.";
        Problem {
            retry_after: Some(RETRY),
            ..Problem::new(ProblemType::Unavailable, detail)
        }
    })?;
    let subscriber = Subscriber::new(grid.history.subscribe(), from, &grid.shutdown, permit);
    let events = futures::stream::unfold(subscriber, |mut subscriber| async move {
        let event = subscriber.next().await?;
        Some((Ok::<_, Infallible>(event), subscriber))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that collect answers would hold the changes back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}

/// One listening client. Dropped with its connection.
struct Subscriber {
    history: watch::Receiver<History>,
    position: u64,
    pending: VecDeque<Bytes>,
    shutdown: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Subscriber {
    fn new(
        mut history: watch::Receiver<History>,
        from: Option<EpochName>,
        shutdown: &CancellationToken,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        // What the client is told at once; it also says that the stream stands.
        let mut pending = VecDeque::from([Bytes::from_static(b"retry: 2000\n\n")]);
        let position = {
            let history = history.borrow_and_update();
            let known = from.and_then(|epoch| history.position_of(epoch));
            match known.filter(|known| history.after(*known).is_some()) {
                Some(known) => known,
                None => {
                    pending.extend(history.current().map(|now| resync(now.snapshot.name)));
                    history.position()
                }
            }
        };
        Subscriber {
            history,
            position,
            pending,
            shutdown: shutdown.clone(),
            _permit: permit,
        }
    }

    /// The next bytes, or `None` when the client is too slow or the box ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            {
                let history = self.history.borrow_and_update();
                self.pending.extend(history.after(self.position)?);
                self.position = history.position();
            }
            if !self.pending.is_empty() {
                continue;
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return None,
                changed = timeout(HEARTBEAT, self.history.changed()) => match changed {
                    Ok(changed) => changed.ok()?,
                    Err(_) => return Some(Bytes::from_static(b":\n\n")),
                },
            }
        }
    }
}

/// A change as it is sent; `None` if it is too large for that.
pub(super) fn event(delta: &Delta) -> Option<Bytes> {
    let encoded = delta.encode().ok()?;
    (encoded.len() <= LARGEST).then(|| {
        let data = BASE64_STANDARD.encode(encoded);
        format!("id: {}\nevent: delta\ndata: {data}\n\n", delta.to.name()).into()
    })
}

fn resync(epoch: EpochName) -> Bytes {
    format!("id: {epoch}\nevent: resync\ndata: {{\"epoch\":\"{epoch}\"}}\n\n").into()
}

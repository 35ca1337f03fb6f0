//! The relay's door: clients' sockets are handed to the relay by way of the [`crate::Appliance`], and
//! everybody may read which boxes there are.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Extension,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Public;
use crate::{
    connections::Held,
    dto::Relays,
    problem::{Problem, ProblemType},
};

/// The protocol that clients ask for.
const SUBPROTOCOL: &str = "cosmos-relay.1";
/// Bytes of the longest frame.
const FRAME_LIMIT: usize = 15_360;
/// Bytes that one read takes at most; the library would take 128 KiB for every idle client.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes that wait to be sent on one socket at most.
const WRITE_BUFFER: usize = 64 * 1024;

pub(super) fn routes() -> OpenApiRouter<Arc<Public>> {
    OpenApiRouter::new()
        .routes(routes!(enter))
        .routes(routes!(own))
        .routes(routes!(all))
}

/// A client's socket: binary messages both ways. A text message or a longer one than the relay knows
/// ends it.
pub struct RelaySocket {
    socket: WebSocket,
    /// The client's place on the listener is taken as long as the socket lives.
    _held: Option<Held>,
}

impl Stream for RelaySocket {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(frame))) => return Poll::Ready(Some(frame)),
                // The library answers these.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Close(_)) | Err(_)) | None => {
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Sink<Bytes> for RelaySocket {
    type Error = axum::Error;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), axum::Error>> {
        self.socket.poll_ready_unpin(context)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Bytes) -> Result<(), axum::Error> {
        self.socket.start_send_unpin(Message::Binary(frame))
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), axum::Error>> {
        self.socket.poll_flush_unpin(context)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), axum::Error>> {
        self.socket.poll_close_unpin(context)
    }
}

fn off() -> Problem {
    Problem::new(ProblemType::NotFound, "This box does not relay.")
}

/// Enters the relay: a WebSocket (RFC 6455) of subprotocol `cosmos-relay.1`, each binary message one
/// frame.
#[utoipa::path(get, path = "/relay", responses(
    (status = 101, description = "The socket is the relay's."),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "This box does not relay."),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "No WebSocket of that subprotocol."),
))]
async fn enter(
    State(public): State<Arc<Public>>,
    held: Option<Extension<Held>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    if !public.appliance.relay().borrow().on {
        return Err(off());
    }
    let wrong = || {
        let text = "The relay wants a WebSocket of subprotocol cosmos-relay.1.";
        Problem::new(ProblemType::InvalidRequest, text)
    };
    let upgrade = upgrade.map_err(|_| wrong())?.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return Err(wrong());
    }
    let answer = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(READ_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(FRAME_LIMIT)
        .max_frame_size(FRAME_LIMIT)
        .on_upgrade(move |socket| {
            let held = held.map(|Extension(held)| held);
            public.appliance.enter_relay(RelaySocket {
                socket,
                _held: held,
            })
        });
    Ok(answer)
}

/// This box's own descriptor.
#[utoipa::path(get, path = "/v1/relay", responses(
    (status = 200, body = Relays, description = "One descriptor."),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "This box does not relay, or nobody could reach it."),
))]
async fn own(State(public): State<Arc<Public>>) -> Result<axum::Json<Relays>, Problem> {
    let own = public.appliance.relay_descriptor().ok_or_else(off)?;
    Ok(axum::Json(Relays {
        descriptors: vec![own],
    }))
}

/// All descriptors that this box knows, its own included.
#[utoipa::path(get, path = "/v1/relays", responses(
    (status = 200, body = Relays, description = "Every box known here; check each signature."),
))]
async fn all(State(public): State<Arc<Public>>) -> axum::Json<Relays> {
    axum::Json(Relays {
        descriptors: public.appliance.relay_descriptors(),
    })
}

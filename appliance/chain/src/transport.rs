//! How bytes travel to an endpoint: HTTP or WebSocket, with a cap on every answer and no URL in
//! any error or log line.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    pubsub::{ConnectionHandle, PubSubConnect},
    rpc::{
        client::{ClientBuilder, RpcClient},
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{
        TransportError, TransportErrorKind, TransportFut, TransportResult,
        http::reqwest::{self, Url, header::CONTENT_TYPE, redirect::Policy},
        ws::{WebSocketConfig, WsConnect},
    },
};

use crate::endpoint_error::{EndpointError, innermost};

/// Bytes of one answer that are read: ten thousand logs take about 8 MB.
pub(crate) const MAX_ANSWER: usize = 32 << 20;

/// Opens a client for `url`. HTTP connects on the first request, WebSocket at once.
pub(crate) async fn connect(url: &Url, timeout: Duration) -> TransportResult<RpcClient> {
    if matches!(url.scheme(), "ws" | "wss") {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_ANSWER))
            .max_frame_size(Some(MAX_ANSWER));
        let socket = WsConnect::new(url.as_str()).with_config(limits);
        return ClientBuilder::default().pubsub(OneConnection(socket)).await;
    }
    let client = reqwest::Client::builder()
        .connect_timeout(timeout)
        .timeout(timeout)
        .redirect(Policy::none())
        .build()
        .map_err(|e| custom(&e, timeout))?;
    let http = CappedHttp {
        client,
        url: url.clone(),
        timeout,
        limit: MAX_ANSWER,
    };
    Ok(ClientBuilder::default().transport(http, false))
}

/// A WebSocket that ends when it breaks. alloy would reconnect on its own, but behind the same
/// address another chain may answer by then: every new connection is checked first.
#[derive(Clone)]
struct OneConnection(WsConnect);

impl PubSubConnect for OneConnection {
    fn is_local(&self) -> bool {
        false
    }

    async fn connect(&self) -> TransportResult<ConnectionHandle> {
        self.0.connect().await
    }

    async fn try_reconnect(&self) -> TransportResult<ConnectionHandle> {
        Err(TransportErrorKind::non_retryable_str(
            "the connection was lost",
        ))
    }
}

/// JSON-RPC over HTTP that reads no more than `limit` bytes of an answer.
#[derive(Clone)]
struct CappedHttp {
    client: reqwest::Client,
    url: Url,
    timeout: Duration,
    limit: usize,
}

impl CappedHttp {
    async fn send(self, request: RequestPacket) -> TransportResult<ResponsePacket> {
        let body = serde_json::to_vec(&request).map_err(TransportError::ser_err)?;
        let post = self
            .client
            .post(self.url)
            .header(CONTENT_TYPE, "application/json");
        let failed = |e: reqwest::Error| custom(&e, self.timeout);
        let mut response = post.body(body).send().await.map_err(failed)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.len() + chunk.len() > self.limit {
                let limit = self.limit;
                return Err(TransportErrorKind::custom(EndpointError::TooLarge {
                    limit,
                }));
            }
            answer.extend_from_slice(&chunk);
        }
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(TransportErrorKind::custom(EndpointError::RateLimited));
        }
        match serde_json::from_slice(&answer) {
            // Some endpoints send their JSON-RPC errors with an HTTP error status.
            Ok(packet) => Ok(packet),
            Err(_) if !status.is_success() => {
                let text = format!("HTTP status {}", status.as_u16());
                Err(TransportErrorKind::custom(EndpointError::Refused(text)))
            }
            Err(error) => Err(TransportError::deser_err(error, String::new())),
        }
    }
}

impl tower::Service<RequestPacket> for CappedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

fn custom(error: &reqwest::Error, timeout: Duration) -> TransportError {
    TransportErrorKind::custom(if error.is_timeout() {
        EndpointError::Timeout(timeout)
    } else {
        EndpointError::Unreachable(innermost(error))
    })
}

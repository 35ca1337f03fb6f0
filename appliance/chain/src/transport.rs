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
    let http = CappedHttp::new(url.clone(), timeout, MAX_ANSWER)?;
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
    fn new(url: Url, timeout: Duration, limit: usize) -> TransportResult<Self> {
        let client = http_client(timeout).map_err(|e| custom(&e, timeout))?;
        Ok(Self {
            client,
            url,
            timeout,
            limit,
        })
    }

    async fn send(self, request: RequestPacket) -> TransportResult<ResponsePacket> {
        let body = serde_json::to_vec(&request).map_err(TransportError::ser_err)?;
        let post = self
            .client
            .post(self.url)
            .header(CONTENT_TYPE, "application/json");
        let failed = |e: reqwest::Error| custom(&e, self.timeout);
        let response = post.body(body).send().await.map_err(failed)?;
        let status = response.status();
        let answer = read(response, self.limit, self.timeout)
            .await
            .map_err(TransportErrorKind::custom)?;
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

/// A client that gives up after `timeout`, the answer's body included.
pub(crate) fn http_client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    // The first one counts for the process; another was the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(timeout)
        .timeout(timeout)
        // A redirect would carry the request to an address that nobody configured.
        .redirect(Policy::none())
        .build()
}

/// The body of an answer, unless it has more than `limit` bytes.
pub(crate) async fn read(
    mut response: reqwest::Response,
    limit: usize,
    timeout: Duration,
) -> Result<Vec<u8>, EndpointError> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| failed(&e, timeout))? {
        if answer.len() + chunk.len() > limit {
            return Err(EndpointError::TooLarge { limit });
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// What went wrong with a request, without its address.
pub(crate) fn failed(error: &reqwest::Error, timeout: Duration) -> EndpointError {
    if error.is_timeout() {
        EndpointError::Timeout(timeout)
    } else {
        EndpointError::Unreachable(innermost(error))
    }
}

fn custom(error: &reqwest::Error, timeout: Duration) -> TransportError {
    TransportErrorKind::custom(failed(error, timeout))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U64;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers every request with `answer` and hangs after it.
    async fn answering(answer: Vec<u8>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = socket.read(&mut request).await;
                    let _ = socket.write_all(&answer).await;
                    std::future::pending::<()>().await;
                });
            }
        });
        format!("http://{address}/v3/0123456789").parse().unwrap()
    }

    async fn error(answer: Vec<u8>) -> EndpointError {
        let timeout = Duration::from_millis(500);
        let http = CappedHttp::new(answering(answer).await, timeout, 1000).unwrap();
        let client = ClientBuilder::default().transport(http, false);
        let answer = client.request::<_, U64>("eth_chainId", ()).await;
        EndpointError::of(answer.unwrap_err(), &[])
    }

    fn answer(status: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_the_limit() {
        let huge = answer("200 OK", &" ".repeat(1001));
        assert_eq!(error(huge).await, EndpointError::TooLarge { limit: 1000 });
        // Without a length it could go on for ever.
        let endless = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b' '; 5000]].concat();
        assert_eq!(
            error(endless).await,
            EndpointError::TooLarge { limit: 1000 }
        );
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_the_address() {
        let limited = error(answer("429 Too Many Requests", "{}")).await;
        assert_eq!(limited, EndpointError::RateLimited);
        let refused = error(answer("403 Forbidden", "<html>")).await;
        assert_eq!(refused.to_string(), "refused a request: HTTP status 403");
        let page = error(answer("200 OK", "<html>")).await;
        assert!(matches!(page, EndpointError::Nonsense(_)), "{page}");
        let silent = error(Vec::new()).await;
        assert!(matches!(silent, EndpointError::Timeout(_)), "{silent}");
        let moved = error(answer("302 Found\r\nlocation: http://127.0.0.1:1/", "")).await;
        for error in [refused, page, silent, moved] {
            assert!(!error.to_string().contains("0123456789"), "{error}");
        }
        let body =
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"too many results"}}"#;
        let error = error(answer("400 Bad Request", body)).await;
        assert_eq!(error, EndpointError::Refused("too many results".into()));
    }
}

//! A beacon node's light-client API over HTTP: what is asked for, bounded in bytes and time.

use std::time::Duration;

use alloy::transports::http::reqwest::{
    Client, Url,
    header::{ACCEPT, CONTENT_TYPE},
};

use crate::{
    endpoint,
    endpoint_error::{EndpointError, presentable},
    headers::asked::Named,
    transport,
};

/// Somebody who speaks the beacon API.
pub(crate) trait Beacon: Named {
    /// The answer to `GET` of a path under `/eth/v1/beacon/light_client/`.
    async fn get(&mut self, path: &str, limit: usize) -> Result<Vec<u8>, EndpointError>;
}

/// A configured beacon node.
pub(crate) struct HttpBeacon {
    client: Client,
    url: Url,
    name: String,
    timeout: Duration,
}

impl HttpBeacon {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn new(url: Url, timeout: Duration) -> Result<Self, &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its scheme is not http or https");
        }
        let client = transport::http_client(timeout).map_err(|_| "no HTTP client can be made")?;
        Ok(Self {
            name: endpoint::name(&url),
            client,
            url,
            timeout,
        })
    }

    /// The address of a question; what the owner gave may itself have a path with a key in it.
    fn address(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/eth/v1/beacon/light_client/{path}"));
        if !query.is_empty() {
            let given = url.query().map(|given| format!("{given}&"));
            url.set_query(Some(&format!("{}{query}", given.unwrap_or_default())));
        }
        url
    }
}

impl Named for HttpBeacon {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Beacon for HttpBeacon {
    async fn get(&mut self, path: &str, limit: usize) -> Result<Vec<u8>, EndpointError> {
        let question = self
            .client
            .get(self.address(path))
            .header(ACCEPT, "application/json");
        let failed = |error| transport::failed(&error, self.timeout);
        let response = question.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        if status == 429 {
            return Err(EndpointError::RateLimited);
        }
        let json = response
            .headers()
            .get(CONTENT_TYPE)
            .is_none_or(|kind| kind.as_bytes().starts_with(b"application/json"));
        let answer = transport::read(response, limit, self.timeout).await?;
        if status != 200 {
            return Err(EndpointError::Refused(match status {
                404 => format!("it has no {}", presentable(path, &[])),
                status => format!("HTTP status {status}"),
            }));
        }
        if !json {
            return Err(EndpointError::Nonsense("an answer that is no JSON".into()));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_path_and_query_that_the_owner_gave() {
        let beacon = |address: &str| {
            HttpBeacon::new(address.parse().unwrap(), Duration::from_secs(1)).unwrap()
        };
        let plain = beacon("http://127.0.0.1:5052").address("finality_update");
        let expected = "http://127.0.0.1:5052/eth/v1/beacon/light_client/finality_update";
        assert_eq!(plain.as_str(), expected);
        let keyed = beacon("https://node.example/key/?token=secret");
        assert_eq!(keyed.name(), "https://node.example");
        assert_eq!(
            keyed.address("updates?start_period=1&count=2").as_str(),
            "https://node.example/key/eth/v1/beacon/light_client/updates\
             ?token=secret&start_period=1&count=2"
        );
        let socket = HttpBeacon::new("ws://node.example".parse().unwrap(), Duration::ZERO);
        assert!(socket.is_err());
    }
}

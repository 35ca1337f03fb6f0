//! A JSON-RPC endpoint as a witness: what it says about a block, and no more.

use std::time::Duration;

use alloy::transports::http::reqwest::Url;
use seedbox_core::BlockRef;

use crate::{
    Config, Deployment, Error,
    endpoint::{self, Endpoint},
    endpoint_error::EndpointError,
    endpoints,
    headers::asked::Named,
};

/// What a witness says about one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) block: BlockRef,
    pub(crate) state_root: [u8; 32],
}

/// Somebody who tells of blocks.
pub(crate) trait Witness: Named {
    /// The newest block.
    async fn head(&mut self) -> Result<Seen, EndpointError>;
    /// The block at a height, `None` beyond the head.
    async fn at(&mut self, number: u64) -> Result<Option<Seen>, EndpointError>;
}

/// A configured endpoint, connected when it is first asked and again after every failure.
pub(crate) struct EndpointWitness {
    url: Url,
    name: String,
    deployment: Deployment,
    timeout: Duration,
    connection: Option<Endpoint>,
}

impl EndpointWitness {
    /// All of them.
    ///
    /// # Errors
    /// [`Error::Endpoint`] if one is no URL.
    pub(crate) fn all(config: &Config, deployment: &Deployment) -> Result<Vec<Self>, Error> {
        let one = |(index, address): (usize, &String)| {
            let url = endpoints::parse(address).map_err(|reason| Error::Endpoint {
                number: index + 1,
                reason,
            })?;
            Ok(Self {
                name: endpoint::name(&url),
                url,
                deployment: deployment.clone(),
                timeout: config.request_timeout,
                connection: None,
            })
        };
        config.rpc.iter().enumerate().map(one).collect()
    }

    async fn ask(&mut self, number: Option<u64>) -> Result<Option<Seen>, EndpointError> {
        // It is put back only if it answers.
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Endpoint::connect(&self.url, &self.deployment, self.timeout).await?,
        };
        let seen = connection.seen(number).await?;
        self.connection = Some(connection);
        Ok(seen)
    }
}

impl Named for EndpointWitness {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Witness for EndpointWitness {
    async fn head(&mut self) -> Result<Seen, EndpointError> {
        let head = self.ask(None).await?;
        head.ok_or_else(|| EndpointError::Nonsense("there is no newest block".into()))
    }

    async fn at(&mut self, number: u64) -> Result<Option<Seen>, EndpointError> {
        self.ask(Some(number)).await
    }
}

//! One connected JSON-RPC endpoint: the five questions that the box asks, each with a time limit.

use std::{ops::RangeInclusive, time::Duration};

use alloy::{
    primitives::{Address, B256, Bytes, Log as PrimitiveLog, U64, U256},
    pubsub::RawSubscription,
    rpc::{
        client::RpcClient,
        json_rpc::{RpcRecv, RpcSend},
        types::{
            BlockId, EIP1186AccountProofResponse, Filter, Header as FullHeader, Log,
            TransactionRequest,
        },
    },
    transports::{TransportError, TransportErrorKind, TransportResult, http::reqwest::Url},
};
use futures::stream::{FuturesOrdered, TryStreamExt};
use seedbox_core::{BlockRef, UnixTime, WalletAddress};
use seedbox_store::chain::Contract;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    sync::broadcast::error::{RecvError, TryRecvError},
    task::spawn_blocking,
    time::timeout,
};

use crate::{
    Deployment, contracts,
    endpoint_error::EndpointError,
    evidence::Evidence,
    headers::Seen,
    source::{Header, Source},
    transport,
};

/// Questions sent together. Many public endpoints allow 100 in one batch, few allow less than 20.
const BATCH: usize = 20;
/// Batches under way.
const BATCHES_AT_ONCE: usize = 3;

/// A connection whose chain was checked.
pub(crate) struct Endpoint {
    client: RpcClient,
    deployment: Deployment,
    timeout: Duration,
    secrets: Vec<String>,
    heads: Option<RawSubscription>,
}

/// The fields of a block that the box needs; endpoints of other chains add more.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RpcHeader {
    number: U64,
    hash: B256,
    parent_hash: B256,
    // Ethereum's fits 64 bits; a wider one is nonsense, but not worth refusing the block.
    timestamp: U256,
}

impl RpcHeader {
    fn header(&self) -> Header {
        Header {
            block: BlockRef {
                number: self.number.to(),
                hash: self.hash.0,
                timestamp: UnixTime(self.timestamp.saturating_to()),
            },
            parent: self.parent_hash.0,
        }
    }
}

/// A header with its state root, which reading logs does not need.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RpcRooted {
    #[serde(flatten)]
    header: RpcHeader,
    state_root: B256,
}

/// A log, of which an answer may hold thousands: read in one go, without what the box never asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RpcLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_hash: Option<B256>,
    block_number: Option<U64>,
    log_index: Option<U64>,
    #[serde(default)]
    removed: bool,
}

impl From<RpcLog> for Log {
    fn from(told: RpcLog) -> Self {
        Log {
            // More topics than there can be are none that the box knows.
            inner: PrimitiveLog::new(told.address, told.topics, told.data).unwrap_or_default(),
            block_hash: told.block_hash,
            block_number: told.block_number.map(|number| number.to()),
            log_index: told.log_index.map(|index| index.to()),
            removed: told.removed,
            ..Log::default()
        }
    }
}

impl Endpoint {
    /// Connects and checks the chain ID and the contracts before anything is asked. On WebSocket
    /// new heads are subscribed to.
    pub(crate) async fn connect(
        url: &Url,
        deployment: &Deployment,
        limit: Duration,
    ) -> Result<Self, EndpointError> {
        let secrets = secrets(url);
        let client = timeout(limit, transport::connect(url, limit))
            .await
            .map_err(|_| EndpointError::Timeout(limit))?
            .map_err(|e| EndpointError::of(e, &secrets))?;
        let mut endpoint = Self {
            client,
            deployment: deployment.clone(),
            timeout: limit,
            secrets,
            heads: None,
        };
        endpoint.verify().await?;
        if matches!(url.scheme(), "ws" | "wss") {
            // Only a wake-up: an endpoint without subscriptions is polled like any other.
            endpoint.heads = endpoint.subscribe().await.ok();
        }
        Ok(endpoint)
    }

    /// Waits for word of a new head since the last call; for ever where none is given.
    pub(crate) async fn new_head(&mut self) {
        let Some(heads) = &mut self.heads else {
            return std::future::pending().await;
        };
        if let Err(RecvError::Closed) = heads.recv().await {
            return std::future::pending().await; // the next look finds out
        }
        // One look answers them all.
        while let Ok(_) | Err(TryRecvError::Lagged(_)) = heads.try_recv() {}
    }

    /// What it says about the block at a height, or about its newest one, with the state root.
    pub(crate) async fn seen(&self, number: Option<u64>) -> Result<Option<Seen>, EndpointError> {
        let which = number.map_or("latest".to_owned(), |number| format!("{number:#x}"));
        let block: Option<RpcRooted> = self.ask("eth_getBlockByNumber", (which, false)).await?;
        let Some(RpcRooted { header, state_root }) = block else {
            return Ok(None);
        };
        let header = header.header();
        match number {
            Some(number) if header.block.number != number => Err(wrong_block(number, &header)),
            _ => Ok(Some(Seen {
                block: header.block,
                state_root: state_root.0,
            })),
        }
    }

    /// What it says of an account and one word of its storage at a block, with proofs (EIP-1186).
    pub(crate) async fn proof(
        &self,
        account: WalletAddress,
        slot: U256,
        block: &BlockRef,
    ) -> Result<EIP1186AccountProofResponse, EndpointError> {
        let block = BlockId::from(B256::from(block.hash));
        let params = (Address::from(account.0), [B256::from(slot)], block);
        match self.ask("eth_getProof", params).await {
            Err(EndpointError::Refused(_)) => Err(EndpointError::NoProofs),
            answer => answer,
        }
    }

    /// What code leaves behind that is run in the state after a block, by nobody and to no account.
    pub(crate) async fn run(
        &self,
        code: Bytes,
        gas: u64,
        block: &BlockRef,
    ) -> Result<Bytes, EndpointError> {
        let block = BlockId::from(B256::from(block.hash));
        let transaction = TransactionRequest::default()
            .from(Address::ZERO)
            .gas_limit(gas)
            .input(code.into());
        self.ask("eth_call", (transaction, block)).await
    }

    /// What a contract of ours answers in the state after a block, or in the newest.
    pub(crate) async fn call(
        &self,
        contract: WalletAddress,
        data: Bytes,
        block: Option<u64>,
    ) -> Result<Bytes, EndpointError> {
        let block = block.map_or(BlockId::latest(), BlockId::number);
        let transaction = TransactionRequest::default()
            .to(Address::from(contract.0))
            .input(data.into());
        self.ask("eth_call", (transaction, block)).await
    }

    async fn subscribe(&self) -> Result<RawSubscription, EndpointError> {
        let id: B256 = self.ask("eth_subscribe", ("newHeads",)).await?;
        let frontend = self.client.pubsub_frontend();
        let frontend = frontend.ok_or_else(|| {
            EndpointError::of(TransportErrorKind::pubsub_unavailable(), &self.secrets)
        })?;
        self.limited(frontend.get_subscription(id)).await
    }

    async fn ask<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, EndpointError> {
        self.limited(self.client.request(method, params)).await
    }

    async fn limited<T>(
        &self,
        answer: impl IntoFuture<Output = TransportResult<T>>,
    ) -> Result<T, EndpointError> {
        timeout(self.timeout, answer.into_future())
            .await
            .map_err(|_| EndpointError::Timeout(self.timeout))?
            .map_err(|e| EndpointError::of(e, &self.secrets))
    }

    /// Asks the same question with many parameters, in batches where the endpoint takes them, a few
    /// of them at once so that it need not wait for the next one.
    async fn ask_each<P: RpcSend + Clone, R: RpcRecv>(
        &self,
        method: &'static str,
        params: &[P],
    ) -> Result<Vec<R>, EndpointError> {
        let mut all = Vec::with_capacity(params.len());
        let mut asked = FuturesOrdered::new();
        for some in params.chunks(BATCH) {
            asked.push_back(self.ask_some(method, some));
            if asked.len() == BATCHES_AT_ONCE {
                all.extend(asked.try_next().await?.unwrap_or_default());
            }
        }
        while let Some(answers) = asked.try_next().await? {
            all.extend(answers);
        }
        Ok(all)
    }

    async fn ask_some<P: RpcSend + Clone, R: RpcRecv>(
        &self,
        method: &'static str,
        params: &[P],
    ) -> Result<Vec<R>, EndpointError> {
        if params.len() > 1 {
            match self.limited(self.batch(method, params)).await {
                Err(error)
                    if !matches!(
                        error,
                        EndpointError::Timeout(_) | EndpointError::RateLimited
                    ) => {} // it takes no batches
                answers => return answers,
            }
        }
        let mut answers = Vec::with_capacity(params.len());
        for params in params {
            answers.push(self.ask(method, params.clone()).await?);
        }
        Ok(answers)
    }

    async fn batch<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: &[P],
    ) -> Result<Vec<R>, TransportError> {
        let mut batch = self.client.new_batch();
        let waiters = params
            .iter()
            .map(|params| batch.add_call::<P, R>(method, params))
            .collect::<Result<Vec<_>, _>>()?;
        batch.send().await?;
        let mut answers = Vec::with_capacity(waiters.len());
        for waiter in waiters {
            answers.push(waiter.await?);
        }
        Ok(answers)
    }

    fn filter(&self) -> Filter {
        let addresses = Contract::ALL.map(|c| Address::from(self.deployment.address(c).0));
        Filter::new()
            .address(addresses.to_vec())
            .event_signature(contracts::EVENTS.to_vec())
    }
}

impl Source for Endpoint {
    async fn verify(&self) -> Result<(), EndpointError> {
        let found: U64 = self.ask("eth_chainId", ()).await?;
        let (expected, found) = (self.deployment.chain_id, found.to());
        if found != expected {
            return Err(EndpointError::WrongChain { expected, found });
        }
        for contract in Contract::ALL.map(|contract| self.deployment.address(contract)) {
            let WalletAddress(address) = contract;
            let code: Bytes = self
                .ask("eth_getCode", (Address::from(address), "latest"))
                .await?;
            if code.is_empty() {
                return Err(EndpointError::NoContract(contract));
            }
        }
        Ok(())
    }

    async fn head(&self) -> Result<Header, EndpointError> {
        let head: RpcHeader = self.ask("eth_getBlockByNumber", ("latest", false)).await?;
        Ok(head.header())
    }

    async fn header(&self, number: u64) -> Result<Option<Header>, EndpointError> {
        let params = (U64::from(number), false);
        let header: Option<RpcHeader> = self.ask("eth_getBlockByNumber", params).await?;
        match header.map(|h| h.header()) {
            Some(header) if header.block.number != number => Err(wrong_block(number, &header)),
            header => Ok(header),
        }
    }

    async fn headers(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Header>, EndpointError> {
        let params: Vec<_> = numbers.clone().map(|n| (U64::from(n), false)).collect();
        let headers: Vec<Option<RpcHeader>> =
            self.ask_each("eth_getBlockByNumber", &params).await?;
        numbers
            .zip(headers)
            .map(|(number, header)| match header.map(|h| h.header()) {
                Some(header) if header.block.number == number => Ok(header),
                Some(header) => Err(wrong_block(number, &header)),
                None => Err(EndpointError::Nonsense(format!(
                    "block {number} below its own head is missing"
                ))),
            })
            .collect()
    }

    async fn logs(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Log>, EndpointError> {
        let range = self
            .filter()
            .from_block(*numbers.start())
            .to_block(*numbers.end());
        let answer: Box<RawValue> = self.ask("eth_getLogs", (range,)).await?;
        // Megabytes: meanwhile this thread has other things to do.
        let read = spawn_blocking(move || {
            let logs: Vec<RpcLog> = serde_json::from_str(answer.get())?;
            Ok(logs.into_iter().map(Log::from).collect())
        });
        let broken_off = |_| EndpointError::Unreachable("reading was broken off".into());
        let read: serde_json::Result<_> = read.await.map_err(broken_off)?;
        read.map_err(|e| EndpointError::of(TransportError::deser_err(e, ""), &self.secrets))
    }

    async fn logs_of(&self, blocks: &[BlockRef]) -> Result<Vec<Log>, EndpointError> {
        let filters: Vec<_> = blocks
            .iter()
            .map(|b| (self.filter().at_block_hash(B256::from(b.hash)),))
            .collect();
        let logs: Vec<Vec<RpcLog>> = self.ask_each("eth_getLogs", &filters).await?;
        Ok(logs.into_iter().flatten().map(Log::from).collect())
    }

    async fn evidence(&self, block: &BlockRef) -> Result<Evidence, EndpointError> {
        let hash = B256::from(block.hash);
        let header: Option<FullHeader> = self.ask("eth_getBlockByHash", (hash, false)).await?;
        let header = header.ok_or(EndpointError::Disproved("it does not have the block"))?;
        let params = Contract::ALL.map(|contract| {
            let address = Address::from(self.deployment.address(contract).0);
            (address, [(); 0], BlockId::from(hash))
        });
        let proofs = match self.ask_each("eth_getProof", &params).await {
            Err(EndpointError::Refused(_)) => return Err(EndpointError::NoProofs),
            answers => answers?,
        };
        let proofs = <[_; 3]>::try_from(proofs)
            .map_err(|_| EndpointError::Disproved("an account is missing"))?;
        Evidence::check(&self.deployment, block, &header.inner, proofs)
    }
}

fn wrong_block(asked: u64, got: &Header) -> EndpointError {
    let got = got.block.number;
    EndpointError::Nonsense(format!("block {got} when asked for block {asked}"))
}

/// Scheme, host and port: what may be shown of an endpoint's address.
pub(crate) fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// The parts of an address that may be a key: everything after the host that is no short word.
fn secrets(url: &Url) -> Vec<String> {
    const SHORT: usize = 6;
    let path = url.path_segments().into_iter().flatten().map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let user = [Some(url.username()), url.password()]
        .into_iter()
        .flatten()
        .map(str::to_owned);
    let mut secrets: Vec<String> = path
        .chain(query)
        .chain(user)
        .filter(|part| part.len() >= SHORT)
        .collect();
    // Longest first, so that no part of a longer one is left standing.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_more_than_the_host() {
        let url: Url = "https://user:password@node.example:8443/v3/0123456789?key=abcdefgh"
            .parse()
            .unwrap();
        assert_eq!(name(&url), "https://node.example:8443");
        assert_eq!(secrets(&url), ["0123456789", "abcdefgh", "password"]);
        let plain: Url = "http://127.0.0.1".parse().unwrap();
        assert_eq!(name(&plain), "http://127.0.0.1");
    }
}

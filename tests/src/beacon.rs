//! A beacon node that answers light clients: 512 seeded validators sign the blocks of a local
//! execution chain, one a second. It tells the truth, dies, or lies in every way that a light
//! client must notice.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use seedbox_light_client::{
    Bytes, ExecutionHeader, Fork, Network, Preset, ScheduledFork, Update,
    testing::{self, Block, SignedChain},
};
use serde_json::Value;

use crate::{node::Node, wait::wait_until};

const LONGEST_REQUEST: u64 = 8 << 10;
/// Slots since genesis when it starts: well inside its third sync committee period.
const FIRST_SLOT: u64 = 2 * PERIOD + 1_000;
const PERIOD: u64 = 8_192;
const COMMITTEE: usize = 512;

/// What the beacon does when it is asked for the newest finality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Tells the truth.
    Honest,
    /// Repeats what was signed minutes ago.
    OldHead,
    /// Damages the signature.
    WrongSignature,
    /// Shows a chain that other validators signed.
    WrongChain,
    /// Puts another block's hash into what was signed.
    WrongBlock,
    /// Breaks off in the middle.
    Truncated,
    /// Sends 100 MB.
    Endless,
    /// Takes the question and says nothing.
    Silent,
    /// Speaks of a fork that nobody has heard of.
    UnknownFork,
}

/// A running beacon node.
pub struct Beacon {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    network: Network,
    checkpoint: Block,
}

struct Shared {
    chain: Mutex<Chain>,
    stopped: AtomicBool,
    /// Connections that are kept waiting for an answer.
    waiting: Mutex<Vec<TcpStream>>,
}

struct Chain {
    signed: SignedChain,
    /// Who signs [`Manner::WrongChain`].
    others: SignedChain,
    checkpoint: Block,
    finalized: Block,
    /// What is signed in every slot; the final block if nothing newer.
    signed_now: Option<ExecutionHeader>,
    manner: Manner,
}

impl Beacon {
    /// A beacon on whose chain the execution chain's first block is final.
    ///
    /// # Errors
    /// No port is free, or the execution chain does not answer.
    pub fn start(node: &Node) -> Result<Self> {
        let network = network(now()?);
        let mut signed = SignedChain::new(network.clone(), 1);
        let genesis = execution(&node.block(0)?)?;
        // Two periods before now: the client has to go through two hand-overs of the committee.
        let checkpoint = signed.block(64, genesis.clone(), None)?;
        let finalized = signed.block(FIRST_SLOT - 64, genesis, None)?;
        let chain = Chain {
            others: SignedChain::new(network.clone(), 2),
            signed,
            checkpoint: checkpoint.clone(),
            finalized,
            signed_now: None,
            manner: Manner::Honest,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port")?;
        let mut beacon = Self {
            address: listener.local_addr()?,
            shared: Arc::new(Shared {
                chain: Mutex::new(chain),
                stopped: AtomicBool::new(false),
                waiting: Mutex::default(),
            }),
            thread: None,
            network,
            checkpoint,
        };
        beacon.thread = Some(beacon.serve(listener)?);
        Ok(beacon)
    }

    fn serve(&self, listener: TcpListener) -> Result<JoinHandle<()>> {
        let shared = self.shared.clone();
        let serve = move || {
            for stream in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::Relaxed) {
                    break;
                }
                // A client that breaks off is its own affair.
                let _ = shared.answer(stream);
            }
        };
        Ok(thread::Builder::new().name("beacon".into()).spawn(serve)?)
    }

    /// Where it listens, with a key in the path that nobody may ever show.
    pub fn url(&self) -> String {
        format!("http://{}/secret-key", self.address)
    }

    /// Root of the block that clients are to begin with.
    pub fn checkpoint(&self) -> String {
        self.checkpoint.root().to_string()
    }

    /// What a client has to be told of the network, in JSON.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn description(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.network)?)
    }

    /// Makes a block of the execution chain final; waits for a slot that it can be in.
    ///
    /// # Errors
    /// There is no such block.
    pub fn finalize(&self, node: &Node, height: u64) -> Result<()> {
        let execution = execution(&node.block(height)?)?;
        let last = self.shared.chain().finalized.header.beacon.slot;
        let slot = wait_until("the next slot", Duration::from_secs(10), || {
            let slot = self.network.slot_at(now()?) - 3;
            ensure!(slot > last, "slot {slot} is taken");
            Ok(slot)
        })?;
        let mut chain = self.shared.chain();
        chain.finalized = chain.signed.block(slot, execution, None)?;
        Ok(())
    }

    /// From now on the validators sign a block of the execution chain that is not final yet.
    ///
    /// # Errors
    /// There is no such block.
    pub fn sign(&self, node: &Node, height: u64) -> Result<()> {
        let execution = execution(&node.block(height)?)?;
        self.shared.chain().signed_now = Some(execution);
        Ok(())
    }

    /// From now on it does this.
    pub fn behave(&self, manner: Manner) {
        self.shared.chain().manner = manner;
        self.shared.waiting().clear();
    }

    /// Ends it; its port refuses connections from now on.
    pub fn die(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.shared.waiting().clear();
        // Wakes the listener, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Starts it again on the same port after [`Beacon::die`].
    ///
    /// # Errors
    /// The port was taken meanwhile.
    pub fn rise(&mut self) -> Result<()> {
        let listener = TcpListener::bind(self.address)?;
        self.shared.stopped.store(false, Ordering::Relaxed);
        self.thread = Some(self.serve(listener)?);
        Ok(())
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        self.die();
    }
}

impl Shared {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.set_write_timeout(Some(Duration::from_secs(2)))?;
        let mut reader = BufReader::new(Read::take(&stream, LONGEST_REQUEST));
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        let target = request.split_whitespace().nth(1).unwrap_or_default();
        let path = target.strip_prefix("/secret-key/eth/v1/beacon/light_client/");
        let mut chain = self.chain();
        let body = path.map_or(Ok(None), |path| chain.tell(path))?;
        let Some(body) = body else {
            write!(
                stream,
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
            )?;
            return Ok(());
        };
        let (body, length) = match chain.manner {
            Manner::Silent => {
                self.waiting().push(stream);
                return Ok(());
            }
            Manner::Endless => (" ".repeat(100 << 20), 100 << 20),
            Manner::Truncated => (body[..body.len() / 2].to_owned(), body.len()),
            _ => (body.clone(), body.len()),
        };
        drop(chain);
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )?;
        stream.write_all(body.as_bytes())?;
        Ok(())
    }
}

impl Chain {
    /// The answer to `GET` of a path of the light-client API.
    fn tell(&mut self, path: &str) -> Result<Option<String>> {
        if path == format!("bootstrap/{}", self.checkpoint.root()) {
            let bootstrap = self.checkpoint.bootstrap();
            return Ok(Some(testing::bootstrap_json(FORK, &bootstrap)?));
        }
        if let Some(query) = path.strip_prefix("updates?") {
            return self.updates(query).map(Some);
        }
        let answer = match path {
            "finality_update" => testing::finality_update_json(FORK, &self.newest()?)?,
            "optimistic_update" => testing::optimistic_update_json(FORK, &self.newest()?)?,
            _ => return Ok(None),
        };
        let unknown = self.manner == Manner::UnknownFork;
        Ok(Some(if unknown {
            answer.replacen(FORK.name(), "heze", 1)
        } else {
            answer
        }))
    }

    /// The best update of each period that is asked for, as far as there is one.
    fn updates(&mut self, query: &str) -> Result<String> {
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
            found
                .context("a parameter is missing")?
                .parse::<u64>()
                .context("not a number")
        };
        let first = parameter("start_period")?;
        let last = self.signed.network().slot_at(now()?) / PERIOD;
        let mut updates = Vec::new();
        for period in (first..=last).take(usize::try_from(parameter("count")?)?) {
            let slot = period * PERIOD + 200;
            let nothing = self.checkpoint.header.execution.clone();
            let finalized = self.signed.block(slot, nothing.clone(), None)?;
            let block = self.signed.block(slot + 70, nothing, Some(&finalized))?;
            let update = self.signed.update(&block, slot + 71, COMMITTEE)?;
            updates.push(testing::update_json(FORK, &update)?);
        }
        Ok(format!("[{}]", updates.join(",")))
    }

    /// What all validators sign in this very slot, or what the beacon makes of it.
    fn newest(&mut self) -> Result<Update> {
        let mut slot = self.signed.network().slot_at(now()?);
        let mut finalized = self.finalized.clone();
        if self.manner == Manner::OldHead {
            slot -= 200;
            let execution = finalized.header.execution.clone();
            finalized = self.signed.block(slot - 70, execution, None)?;
        }
        let chain = if self.manner == Manner::WrongChain {
            &mut self.others
        } else {
            &mut self.signed
        };
        let last = finalized.header.execution.clone();
        let execution = self.signed_now.clone().unwrap_or(last);
        let block = chain.block(slot - 1, execution, Some(&finalized))?;
        let mut update = chain.update(&block, slot, COMMITTEE - 12)?;
        match self.manner {
            Manner::WrongSignature => update.sync_aggregate.signature.0[50] ^= 1,
            Manner::WrongBlock => {
                let finality = update.finality.as_mut().context("nothing is final")?;
                finality.header.execution.block_hash = Bytes([6; 32]);
            }
            _ => {}
        }
        Ok(update)
    }
}

const FORK: Fork = Fork::Fulu;

/// A network of mainnet's sizes whose slots take a second.
fn network(now: seedbox_core::UnixTime) -> Network {
    Network {
        genesis_validators_root: Bytes([5; 32]),
        genesis_time: now.0 - FIRST_SLOT,
        seconds_per_slot: 1,
        preset: Preset::Mainnet,
        forks: vec![ScheduledFork {
            fork: FORK,
            version: Bytes([6, 0, 0, 0x31]),
            epoch: 0,
        }],
    }
}

fn now() -> Result<seedbox_core::UnixTime> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(seedbox_core::UnixTime(since.as_secs()))
}

/// The header of an execution payload from the block that an execution node tells. The roots of
/// its transactions and withdrawals are not of the kind that the payload has, and nobody looks.
fn execution(block: &Value) -> Result<ExecutionHeader> {
    let text = |name: &str| {
        block[name]
            .as_str()
            .with_context(|| format!("no {name} in {block}"))
    };
    let number = |name: &str| -> Result<u64> {
        Ok(u64::from_str_radix(
            text(name)?.trim_start_matches("0x"),
            16,
        )?)
    };
    Ok(ExecutionHeader {
        parent_hash: text("parentHash")?.parse()?,
        fee_recipient: text("miner")?.parse()?,
        state_root: text("stateRoot")?.parse()?,
        receipts_root: text("receiptsRoot")?.parse()?,
        logs_bloom: text("logsBloom")?.parse()?,
        prev_randao: text("mixHash")?.parse()?,
        block_number: number("number")?,
        gas_limit: number("gasLimit")?,
        gas_used: number("gasUsed")?,
        timestamp: number("timestamp")?,
        extra_data: hex::decode(text("extraData")?.trim_start_matches("0x"))?,
        base_fee_per_gas: text("baseFeePerGas")?.parse()?,
        block_hash: text("hash")?.parse()?,
        transactions_root: text("transactionsRoot")?.parse()?,
        withdrawals_root: text("withdrawalsRoot")
            .unwrap_or("0x")
            .parse()
            .unwrap_or_default(),
        blob_gas_used: Some(number("blobGasUsed").unwrap_or_default()),
        excess_blob_gas: Some(number("excessBlobGas").unwrap_or_default()),
    })
}

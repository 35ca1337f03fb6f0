//! An Ethereum node in front of anvil that proves what it tells, and that lies on command.
//!
//! anvil 1.7.1 keeps words that are zero in its storage tries, so that its state roots are not
//! Ethereum's, and whoever checks them against the events is right to call it a liar. This node
//! passes everything on to anvil except what concerns blocks: it follows anvil block by block,
//! takes the changes of each from its trace, and has tries, state roots and block hashes of its
//! own. Accounts that no transaction touched and nobody funded are not in its state.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};

mod answer;
mod chain;
mod lie;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod trie;
mod upstream;

pub use self::lie::Lie;
use self::{
    answer::{Answer, answer},
    chain::Chain,
    server::{Reply, Server},
    upstream::Upstream,
};
use crate::{
    anvil::{block, storage_hash},
    http::Client,
};

/// Bytes of an answer that is far too long.
const HUGE: usize = 100_000_000;

/// A running node. It is there as long as anvil is: where anvil is silent, it is silent too.
pub struct Node {
    server: Server,
    desk: Arc<Desk>,
}

/// What all connections share.
struct Desk {
    chain: Mutex<Chain>,
    mood: Mutex<Mood>,
    changed: Condvar,
}

#[derive(Default)]
struct Mood {
    lie: Option<Lie>,
    stopped: bool,
}

impl Node {
    /// Starts a truthful node before the anvil at `url`, which must not have been stopped since
    /// its first block: it remembers only its newest state over a restart.
    ///
    /// # Errors
    /// anvil does not answer, or no port is free.
    pub fn before(url: &str) -> Result<Self> {
        let desk = Arc::new(Desk {
            chain: Mutex::new(Chain::new(Upstream::new(url))?),
            mood: Mutex::default(),
            changed: Condvar::new(),
        });
        let shared = desk.clone();
        let server = Server::start(move |request| shared.reply(request))?;
        Ok(Self { server, desk })
    }

    /// Its JSON-RPC endpoint.
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// A block as this node tells it, without its transactions.
    ///
    /// # Errors
    /// There is none.
    pub fn block(&self, height: u64) -> Result<Value> {
        block(&Client::new(self.rpc_url()), height)
    }

    /// The hash of a block as this node tells it.
    ///
    /// # Errors
    /// There is none.
    pub fn block_hash(&self, height: u64) -> Result<String> {
        let hash = &self.block(height)?["hash"];
        Ok(hash.as_str().context("no hash")?.to_owned())
    }

    /// An account's storage root in the newest block.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn storage_hash(&self, account: &str) -> Result<String> {
        storage_hash(&Client::new(self.rpc_url()), account, "latest")
    }

    /// Takes in anvil's newest blocks, as every question about blocks makes it do. Worth a call
    /// before anvil is stopped: the past of a block that was not seen is lost then.
    ///
    /// # Errors
    /// anvil does not answer.
    pub fn follow(&self) -> Result<()> {
        self.desk.chain().follow()
    }

    /// Lies from the next question on.
    pub fn lie(&self, lie: Lie) {
        self.desk.change(|mood| mood.lie = Some(lie));
    }

    /// Ends the lie.
    pub fn tell_the_truth(&self) {
        self.desk.change(|mood| mood.lie = None);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.desk.change(|mood| mood.stopped = true);
    }
}

impl Desk {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.mood());
        self.changed.notify_all();
    }

    fn reply(&self, request: &[u8]) -> Reply {
        let mut mood = self.mood();
        let lie = mood.lie.clone();
        if lie == Some(Lie::Hang) {
            while mood.lie == lie && !mood.stopped {
                mood = self
                    .changed
                    .wait(mood)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            return Reply::Nothing;
        }
        drop(mood);
        if lie == Some(Lie::Huge) {
            return Reply::Spaces(HUGE);
        }
        match self.respond(request, lie.as_ref()) {
            Ok(mut body) => {
                if lie == Some(Lie::Truncated) {
                    body.truncate(body.len() / 2);
                }
                Reply::Body(body)
            }
            Err(_) => Reply::Nothing,
        }
    }

    /// The body of the response to a single question or a batch.
    ///
    /// # Errors
    /// The request is no JSON, or anvil does not answer.
    fn respond(&self, request: &[u8], lie: Option<&Lie>) -> Result<Vec<u8>> {
        let response = match serde_json::from_slice(request)? {
            Value::Array(batch) => {
                let answers = batch.iter().map(|request| self.answer(request, lie));
                Value::Array(answers.collect::<Result<_>>()?)
            }
            request => self.answer(&request, lie)?,
        };
        Ok(serde_json::to_vec(&response)?)
    }

    fn answer(&self, request: &Value, lie: Option<&Lie>) -> Result<Value> {
        let method = request["method"].as_str().unwrap_or_default();
        let answer = answer(&mut self.chain(), lie, method, &request["params"]);
        let (name, value) = match answer.or_else(failure)? {
            Ok(result) => ("result", result),
            Err(error) => ("error", error),
        };
        Ok(json!({"jsonrpc": "2.0", "id": request["id"], name: value}))
    }
}

/// anvil's silence is passed on; any other failure is told, or nobody would know why.
fn failure(error: anyhow::Error) -> Result<Answer> {
    if error.chain().any(|cause| cause.is::<ureq::Error>()) {
        return Err(error);
    }
    Ok(Err(
        json!({"code": -32603, "message": format!("{error:#}")}),
    ))
}

//! transmission-daemon with a folder of its own, told what to do over its RPC. It is both the
//! independent publisher's seeder and a real client that downloads from a box.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    anvil::free_port,
    http::Client,
    process::{Process, Usage},
    tracker::own_address,
    wait::wait_until,
};

/// A running daemon.
pub struct Transmission {
    process: Process,
    rpc: Client,
    peer_port: u16,
    folder: TempDir,
}

/// A torrent, as Transmission knows it.
#[derive(Debug, Clone)]
pub struct Torrent {
    /// Its info hash.
    pub info_hash: String,
    /// Whether every byte is there and verified.
    pub complete: bool,
    /// Why it does not go on, empty if it does.
    pub error: String,
}

impl Transmission {
    /// Starts a daemon with nothing to share yet.
    ///
    /// # Errors
    /// transmission-daemon is not installed.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (rpc_port, peer_port) = (free_port()?, free_port()?);
        fs::write(
            folder.path().join("settings.json"),
            settings(rpc_port, peer_port).to_string(),
        )?;
        let mut command = Command::new("transmission-daemon");
        command
            .arg("--foreground")
            .arg("--config-dir")
            .arg(folder.path());
        command
            .arg("--download-dir")
            .arg(folder.path().join("downloads"));
        let mut process = Process::start(&command, &folder.path().join("log"))?;
        let rpc = Client::new(format!("http://127.0.0.1:{rpc_port}/transmission/rpc"));
        wait_until("transmission's RPC", Duration::from_secs(20), || {
            process.ensure_running()?;
            ask(&rpc, "session-get", &json!({"fields": ["version"]}))
        })?;
        Ok(Self {
            process,
            rpc,
            peer_port,
            folder,
        })
    }

    /// Where other peers reach it.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(own_address(), self.peer_port)
    }

    /// Where downloads go.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// What it has cost so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage> {
        self.process.usage()
    }

    /// Adds a `.torrent` file or a magnet link whose data is, or is to be, in `folder`; gives
    /// its info hash.
    ///
    /// # Errors
    /// Transmission refused it.
    pub fn add(&self, torrent: &str, folder: &Path) -> Result<String> {
        let arguments = json!({"filename": torrent, "download-dir": folder, "paused": false});
        let answer = ask(&self.rpc, "torrent-add", &arguments)?;
        let added = answer
            .get("torrent-added")
            .or_else(|| answer.get("torrent-duplicate"));
        let hash = added.and_then(|added| added["hashString"].as_str());
        Ok(hash
            .with_context(|| format!("not added: {answer}"))?
            .to_owned())
    }

    /// Every torrent it has.
    ///
    /// # Errors
    /// It does not answer.
    pub fn torrents(&self) -> Result<Vec<Torrent>> {
        let fields = json!({"fields": ["hashString", "percentDone", "status", "errorString"]});
        let answer = ask(&self.rpc, "torrent-get", &fields)?;
        let torrents = answer["torrents"]
            .as_array()
            .context("no list of torrents")?;
        Ok(torrents
            .iter()
            .map(|torrent| Torrent {
                info_hash: torrent["hashString"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                // 5 and 6: waiting to seed, seeding.
                complete: torrent["percentDone"] == 1.0
                    && matches!(torrent["status"].as_u64(), Some(5 | 6)),
                error: torrent["errorString"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            })
            .collect())
    }

    /// Waits until everything it has is complete and verified.
    ///
    /// # Errors
    /// It was not in time.
    pub fn wait_complete(&self, limit: Duration) -> Result<()> {
        wait_until("transmission to have everything", limit, || {
            for torrent in self.torrents()? {
                ensure!(
                    torrent.complete,
                    "{} is not complete {}",
                    torrent.info_hash,
                    torrent.error
                );
            }
            Ok(())
        })
    }

    /// Tells the tracker and the peers about a torrent now, not at the next interval.
    ///
    /// # Errors
    /// It does not answer.
    pub fn announce(&self, info_hash: &str) -> Result<()> {
        ask(
            &self.rpc,
            "torrent-reannounce",
            &json!({"ids": [info_hash]}),
        )
        .map(drop)
    }

    /// Limits what it gives away, in kilobytes a second; `None` lifts the limit.
    ///
    /// # Errors
    /// It does not answer.
    pub fn limit_upload(&self, kilobytes: Option<u32>) -> Result<()> {
        let arguments = json!({
            "speed-limit-up-enabled": kilobytes.is_some(), "speed-limit-up": kilobytes.unwrap_or(0),
        });
        ask(&self.rpc, "session-set", &arguments).map(drop)
    }
}

// Peer exchange stays on, though nobody here speaks it: without it Transmission at once closes on
// an address that was ever complete, and here all programs share one address.
fn settings(rpc_port: u16, peer_port: u16) -> Value {
    json!({
        "rpc-enabled": true, "rpc-port": rpc_port, "rpc-bind-address": "127.0.0.1",
        "rpc-authentication-required": false, "rpc-whitelist-enabled": false,
        "rpc-host-whitelist-enabled": false,
        "peer-port": peer_port, "peer-port-random-on-start": false,
        "port-forwarding-enabled": false, "dht-enabled": false, "lpd-enabled": false,
        "pex-enabled": true, "utp-enabled": false, "encryption": 0, "blocklist-enabled": false,
        "download-queue-enabled": false, "seed-queue-enabled": false, "queue-stalled-enabled": false,
        "ratio-limit-enabled": false, "idle-seeding-limit-enabled": false, "preallocation": 0,
        "peer-limit-global": 500, "peer-limit-per-torrent": 60, "upload-slots-per-torrent": 30,
        "start-added-torrents": true, "rename-partial-files": false, "cache-size-mb": 16,
        "scrape-paused-torrents-enabled": false, "message-level": 2
    })
}

/// Calls a method of the RPC (its specification: docs/rpc-spec.txt of Transmission).
fn ask(rpc: &Client, method: &str, arguments: &Value) -> Result<Value> {
    let request = json!({"method": method, "arguments": arguments});
    let mut session = String::new();
    for _ in 0..2 {
        let headers = [("x-transmission-session-id", session.as_str())];
        let answer = rpc.send("POST", "", &headers, Some(&request))?;
        if answer.status == 409 {
            // The answer carries the session ID, in a header and again in its text.
            let text = answer.text();
            let id = text
                .split("X-Transmission-Session-Id: ")
                .nth(1)
                .context("no session ID")?;
            session = id.split('<').next().unwrap_or_default().to_owned();
            continue;
        }
        let value: Value = answer.expect_success()?.json()?;
        ensure!(value["result"] == "success", "{method}: {value}");
        return Ok(value["arguments"].clone());
    }
    bail!("transmission does not accept its own session ID")
}

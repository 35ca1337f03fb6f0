//! Numbers for a monitor, in Prometheus's text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). No wallet, model, peer or client
//! is in them, not even as a label.

use std::{collections::BTreeMap, fmt::Write};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use seedbox_core::{Alerts, ChainStatus, Health, RelayStatus, SeederStatus, Severity};

use crate::Appliance;

/// The box's numbers now.
pub(crate) fn respond(appliance: &dyn Appliance) -> Response {
    let text = {
        let (chain, seeder) = (appliance.chain(), appliance.seeder());
        let (relay, alerts) = (appliance.relay(), appliance.alerts());
        let text = Text::new();
        text.chain(&chain.borrow())
            .seeder(&seeder.borrow())
            .relay(&relay.borrow())
            .alerts(&alerts.borrow())
            .0
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Labels and a value.
type Sample = (String, u64);

fn plain(value: u64) -> [Sample; 1] {
    [(String::new(), value)]
}

struct Text(String);

impl Text {
    fn new() -> Self {
        let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
        Text(String::new()).add("info", "gauge", "The box's software.", [(version, 1)])
    }

    fn add(
        mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample>,
    ) -> Self {
        let text = &mut self.0;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP seedbox_{name} {help}");
        let _ = writeln!(text, "# TYPE seedbox_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "seedbox_{name}{labels} {value}");
        }
        self
    }

    fn gauge(self, name: &str, help: &str, value: u64) -> Self {
        self.add(name, "gauge", help, plain(value))
    }

    fn counter(self, name: &str, help: &str, value: u64) -> Self {
        self.add(name, "counter", help, plain(value))
    }

    fn chain(self, chain: &ChainStatus) -> Self {
        let (block, observed) = chain
            .as_of
            .map_or((0, 0), |as_of| (as_of.block.number, as_of.observed_at.0));
        let health = "0 well, 1 starting, 2 attention, 3 failing.";
        self.gauge("chain_health", health, level(chain.health))
            .gauge(
                "chain_block",
                "The block that the map is the state of.",
                block,
            )
            .gauge(
                "chain_observed_timestamp_seconds",
                "When the chain last confirmed it, Unix seconds.",
                observed,
            )
            .gauge(
                "chain_head",
                "The newest block spoken of.",
                chain.head.unwrap_or(0),
            )
            .gauge("parcels", "Parcels minted.", chain.parcels)
            .gauge("models", "Models published.", chain.models)
            .gauge("placements", "Placements standing.", chain.placements)
            .counter(
                "chain_reorgs_total",
                "Reorganisations undone since start.",
                chain.reorgs,
            )
    }

    fn seeder(self, seeder: &SeederStatus) -> Self {
        let mut states = BTreeMap::<String, u64>::new();
        for torrent in &seeder.torrents {
            let labels = format!(
                "{{keep=\"{}\",state=\"{}\"}}",
                word(&torrent.keep),
                word(&torrent.state)
            );
            *states.entry(labels).or_default() += 1;
        }
        let volumes = |bytes: fn(&seedbox_core::VolumeStatus) -> u64| {
            let numbered = seeder.volumes.iter().enumerate();
            let samples = numbered
                .map(|(number, volume)| (format!("{{volume=\"{number}\"}}"), bytes(volume)));
            samples.collect::<Vec<_>>()
        };
        let sum = |of: fn(&seedbox_core::TorrentStatus) -> u64| -> u64 {
            seeder.torrents.iter().map(of).sum()
        };
        let health = "0 well, 1 starting, 2 attention, 3 failing.";
        let bytes = |part| format!("Bytes of a volume: {part}.");
        self.gauge("seeder_health", health, level(seeder.health))
            .add("torrents", "gauge", "Torrents held.", states)
            .gauge("peers", "Peers connected.", sum(|t| t.peers.into()))
            .gauge(
                "upload_bytes_per_second",
                "Going out.",
                sum(|t| t.upload_rate),
            )
            .gauge(
                "download_bytes_per_second",
                "Coming in.",
                sum(|t| t.download_rate),
            )
            .gauge(
                "uploaded_bytes",
                "Given to others, of the torrents held now.",
                sum(|t| t.uploaded),
            )
            .gauge("refusals", "Refusals listed.", seeder.refusals.len() as u64)
            .counter(
                "evicted_total",
                "Torrents evicted since set up.",
                seeder.evicted,
            )
            .counter(
                "repaired_pieces_total",
                "Damaged pieces found since set up.",
                seeder.repaired_pieces,
            )
            .add(
                "volume_quota_bytes",
                "gauge",
                &bytes("given"),
                volumes(|v| v.quota),
            )
            .add(
                "volume_protected_bytes",
                "gauge",
                &bytes("protected"),
                volumes(|v| v.protected),
            )
            .add(
                "volume_community_bytes",
                "gauge",
                &bytes("community"),
                volumes(|v| v.community),
            )
            .add(
                "volume_disk_free_bytes",
                "gauge",
                &bytes("free on its disk"),
                volumes(|v| v.disk_free.unwrap_or(0)),
            )
    }

    fn relay(self, relay: &RelayStatus) -> Self {
        let gauges = [
            (
                "clients",
                "Clients whose entry this box is.",
                relay.clients as u64,
            ),
            (
                "streams",
                "Sessions through other boxes.",
                relay.streams as u64,
            ),
            (
                "circuits",
                "Circuits to other boxes.",
                relay.circuits as u64,
            ),
            (
                "handshakes",
                "Handshakes under way.",
                relay.handshakes as u64,
            ),
            ("rooms", "Rooms on this box.", relay.rooms as u64),
            ("members", "Members of all rooms.", relay.members as u64),
            (
                "month_bytes",
                "Sent to clients this month.",
                relay.month_bytes,
            ),
        ];
        let counters = [
            ("sessions", "Sessions begun.", relay.sessions),
            ("challenged", "Handshakes asked for work.", relay.challenged),
            ("refused", "Handshakes refused.", relay.refused),
            ("frames_received", "Frames from clients.", relay.frames_in),
            ("frames_sent", "Frames to clients.", relay.frames_out),
            ("bytes_received", "Bytes from clients.", relay.bytes_in),
            ("bytes_sent", "Bytes to clients.", relay.bytes_out),
        ];
        let text = gauges.into_iter().fold(self, |text, (name, help, value)| {
            text.gauge(&format!("relay_{name}"), help, value)
        });
        counters
            .into_iter()
            .fold(text, |text, (name, help, value)| {
                text.counter(&format!("relay_{name}_total"), help, value)
            })
    }

    fn alerts(self, alerts: &Alerts) -> Self {
        let severities = [Severity::Notice, Severity::Attention, Severity::Failing];
        let samples = severities.map(|severity| {
            let count = alerts.iter().filter(|a| a.concern.severity == severity);
            let labels = format!("{{severity=\"{}\"}}", word(&severity));
            (labels, count.count() as u64)
        });
        self.add("alerts", "gauge", "What needs the owner.", samples)
    }
}

fn level(health: Health) -> u64 {
    match health {
        Health::Well => 0,
        Health::Starting => 1,
        Health::Attention => 2,
        Health::Failing => 3,
    }
}

/// The word that a value is on the wire.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

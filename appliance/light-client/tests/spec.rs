//! The official `sync` vectors of the consensus specifications, step by step, through SSZ. What
//! they check is what the specification's own Python code believes after each step.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::PathBuf};

use seedbox_light_client::{
    Bytes, Fork, Network, Preset, Root, ScheduledFork, Store, VerifiedHeader, ssz,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Meta {
    genesis_validators_root: Root,
    trusted_block_root: Root,
    bootstrap_fork_digest: Bytes<4>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Config {
    preset_base: Preset,
    seconds_per_slot: u64,
    min_genesis_time: u64,
    // Hexadecimal without quotes is a number in YAML.
    capella_fork_version: u32,
    capella_fork_epoch: u64,
    deneb_fork_version: u32,
    deneb_fork_epoch: u64,
}

#[derive(Deserialize)]
struct Step {
    process_update: Option<Process>,
    force_update: Option<Force>,
}

#[derive(Deserialize)]
struct Process {
    update_fork_digest: Bytes<4>,
    update: String,
    current_slot: u64,
    checks: Checks,
}

#[derive(Deserialize)]
struct Force {
    current_slot: u64,
    checks: Checks,
}

#[derive(Deserialize)]
struct Checks {
    finalized_header: Expected,
    optimistic_header: Expected,
}

#[derive(Deserialize)]
struct Expected {
    slot: u64,
    beacon_root: Root,
    execution_root: Root,
}

struct Suite {
    folder: PathBuf,
    network: Network,
}

impl Suite {
    fn open(name: &str, genesis_validators_root: Root) -> Self {
        let folder = folder(name);
        let config: Config = yaml(&folder, "config.yaml");
        let scheduled = |fork, version: u32, epoch| ScheduledFork {
            fork,
            version: Bytes(version.to_be_bytes()),
            epoch,
        };
        let network = Network {
            genesis_validators_root,
            genesis_time: config.min_genesis_time,
            seconds_per_slot: config.seconds_per_slot,
            preset: config.preset_base,
            forks: vec![
                scheduled(
                    Fork::Capella,
                    config.capella_fork_version,
                    config.capella_fork_epoch,
                ),
                scheduled(
                    Fork::Deneb,
                    config.deneb_fork_version,
                    config.deneb_fork_epoch,
                ),
            ],
        };
        Self { folder, network }
    }

    fn fork(&self, digest: Bytes<4>) -> Fork {
        let of_digest =
            |entry: &&ScheduledFork| self.network.fork_data_root(entry.version).0[..4] == digest.0;
        self.network.forks.iter().find(of_digest).unwrap().fork
    }

    fn file(&self, name: &str) -> Vec<u8> {
        let compressed = fs::read(self.folder.join(format!("{name}.ssz_snappy"))).unwrap();
        snap::raw::Decoder::new()
            .decompress_vec(&compressed)
            .unwrap()
    }
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors/spec-deneb")
        .join(name)
}

fn yaml<T: serde::de::DeserializeOwned>(folder: &std::path::Path, name: &str) -> T {
    serde_yaml_ng::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn check(what: &str, expected: &Expected, found: &VerifiedHeader, execution_root: Root) {
    assert_eq!(
        (found.slot, found.beacon_root, execution_root),
        (expected.slot, expected.beacon_root, expected.execution_root),
        "{what}"
    );
}

/// Runs every step of a suite; gives how many there were.
fn run(name: &str) -> usize {
    let meta: Meta = yaml(&folder(name), "meta.yaml");
    let suite = Suite::open(name, meta.genesis_validators_root);
    let fork = suite.fork(meta.bootstrap_fork_digest);
    let bootstrap = ssz::bootstrap(&suite.network, fork, &suite.file("bootstrap")).unwrap();
    let mut store = Store::new(suite.network.clone(), meta.trusted_block_root, bootstrap).unwrap();

    let steps: Vec<Step> = yaml(&suite.folder, "steps.yaml");
    let count = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        let checks = match (step.process_update, step.force_update) {
            (Some(step), None) => {
                let fork = suite.fork(step.update_fork_digest);
                let bytes = suite.file(&step.update);
                let update = ssz::update(&suite.network, fork, &bytes).unwrap();
                store.process(update, step.current_slot).unwrap();
                step.checks
            }
            (None, Some(step)) => {
                assert!(store.force_update(step.current_slot).unwrap());
                step.checks
            }
            _ => panic!("step {index} of {name} is of an unknown kind"),
        };
        let what = format!("step {index} of {name}");
        let (finalized, optimistic) = store.headers();
        for (expected, header) in [
            (&checks.finalized_header, finalized),
            (&checks.optimistic_header, optimistic),
        ] {
            let root = header.execution_root(&suite.network).unwrap();
            check(&what, expected, &VerifiedHeader::from(header), root);
        }
    }
    count
}

#[test]
fn light_client_sync() {
    assert_eq!(run("light_client_sync"), 10);
}

#[test]
fn supply_sync_committee_from_past_update() {
    assert_eq!(run("supply_sync_committee_from_past_update"), 1);
}

#[test]
fn advance_finality_without_sync_committee() {
    assert_eq!(run("advance_finality_without_sync_committee"), 5);
}

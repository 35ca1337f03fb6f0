//! Electra and Fulu against vectors that another implementation of SSZ, Merkle proofs and BLS made
//! from the specification's containers (`vectors/electra-fulu/generate.py`).

#![allow(clippy::unwrap_used, clippy::panic)]

use seedbox_light_client::{Branch, Error, Fork, Network, Root, Store, Update, json, ssz, testing};
use serde::Deserialize;

#[derive(Deserialize)]
struct Suite {
    network: Network,
    trusted_root: Root,
    bootstrap_fork: Fork,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    fork: Fork,
    update: String,
    current_slot: u64,
    finalized_slot: u64,
    optimistic_slot: u64,
    finalized_root: Root,
    block_hash: Root,
    state_root: Root,
}

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/electra-fulu");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn started() -> (Suite, Store) {
    let suite: Suite = serde_json::from_slice(&file("suite.json")).unwrap();
    let network = suite.network.clone();
    let bootstrap = ssz::bootstrap(&network, suite.bootstrap_fork, &file("bootstrap.ssz"));
    let store = Store::new(network, suite.trusted_root, bootstrap.unwrap()).unwrap();
    (suite, store)
}

fn update(suite: &Suite, step: &Step) -> Update {
    ssz::update(&suite.network, step.fork, &file(&step.update)).unwrap()
}

#[test]
fn follows_what_another_implementation_signed() {
    let (suite, mut store) = started();
    for step in &suite.steps {
        let update = update(&suite, step);
        let text = testing::update_json(step.fork, &update).unwrap();
        let read = json::updates(&suite.network, format!("[{text}]").as_bytes(), 1).unwrap();
        assert_eq!(
            read,
            std::slice::from_ref(&update),
            "JSON and SSZ say the same"
        );
        store.process(update, step.current_slot).unwrap();
        let finalized = store.finalized();
        assert_eq!(finalized.slot, step.finalized_slot);
        assert_eq!(finalized.beacon_root, step.finalized_root);
        assert_eq!(finalized.block_hash, step.block_hash);
        assert_eq!(finalized.state_root, step.state_root);
        assert_eq!(store.optimistic().slot, step.optimistic_slot);
    }
    assert_eq!(store.period(), 1);
}

#[test]
fn neither_fork_has_the_indices_of_deneb() {
    let (suite, store) = started();
    let first = update(&suite, &suite.steps[0]);
    // The same chain under a table that has not got to Electra.
    let mut old = suite.network.clone();
    old.forks[2].epoch = 3;
    let saved = store.save().unwrap();
    let mut store = Store::restore(old, &saved).unwrap();
    store.process(first.clone(), 25).unwrap();
    let mut older = suite.network.clone();
    older.forks[2].epoch = 4;
    let mut store = Store::restore(older, &saved).unwrap();
    let refused = store.process(first, 25).unwrap_err();
    assert_eq!(refused, Error::WrongBranch(Branch::Finality));
}

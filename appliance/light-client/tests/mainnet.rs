//! Recorded on mainnet: from a checkpoint over five sync committee periods to a finality update,
//! through the beacon API's JSON.

#![allow(clippy::unwrap_used, clippy::panic)]

use seedbox_core::UnixTime;
use seedbox_light_client::{Error, Network, Root, Store, WEAK_SUBJECTIVITY_AGE, json};

fn recorded(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/mainnet-capella");
    std::fs::read(format!("{folder}/{name}.json")).unwrap()
}

/// Root of block 7,069,376, the first of its epoch.
fn checkpoint() -> Root {
    let network = Network::mainnet();
    let bootstrap = json::bootstrap(&network, &recorded("bootstrap")).unwrap();
    bootstrap.header.beacon.root()
}

fn started() -> Store {
    let network = Network::mainnet();
    let bootstrap = json::bootstrap(&network, &recorded("bootstrap")).unwrap();
    Store::new(network, checkpoint(), bootstrap).unwrap()
}

const NOW: u64 = 7_109_435;

#[test]
fn follows_mainnet_from_a_checkpoint() {
    let mut store = started();
    let network = store.network().clone();
    assert_eq!((store.finalized().slot, store.period()), (7_069_376, 862));
    for (period, update) in (862..).zip(json::updates(&network, &recorded("updates"), 6).unwrap()) {
        store.process(update, NOW).unwrap();
        assert!(store.knows_next_committee());
        assert_eq!(store.period(), period);
    }
    let finality = json::finality_update(&network, &recorded("finality")).unwrap();
    store.process(finality, NOW).unwrap();
    let finalized = store.finalized();
    assert_eq!(finalized.slot, 7_109_344);
    assert_eq!(store.optimistic().slot, 7_109_430);

    let optimistic = json::optimistic_update(&network, &recorded("optimistic")).unwrap();
    store.process(optimistic, NOW).unwrap();
    let head = store.optimistic();
    assert_eq!((head.slot, head.block_number), (7_109_431, 17_923_113));
    let hash = "0x3c015340e234ff7f8e75ecebb11d45154a394cd896ddcfcfffc941a07b314960";
    assert_eq!(head.block_hash.to_string(), hash);
    assert_eq!(head.timestamp, network.time_of(head.slot));
    assert_eq!(store.finalized(), finalized);
}

#[test]
fn goes_on_after_a_restart() {
    let mut store = started();
    let network = store.network().clone();
    let updates = json::updates(&network, &recorded("updates"), 6).unwrap();
    for update in updates {
        store.process(update, NOW).unwrap();
        let saved = store.save().unwrap();
        store = Store::restore(network.clone(), &saved).unwrap();
        assert_eq!(store.save().unwrap(), saved);
    }
    let finality = json::finality_update(&network, &recorded("finality")).unwrap();
    store.process(finality, NOW).unwrap();
    assert_eq!(store.finalized().slot, 7_109_344);
    assert_eq!(store.checkpoint().beacon_root, checkpoint());
}

#[test]
fn damaged_memory_is_not_taken_up() {
    let mut store = started();
    let saved = store.save().unwrap();
    let network = store.network().clone();
    let mut other = network.clone();
    other.genesis_validators_root.0[0] ^= 1;
    let refused = |network: &Network, saved| Store::restore(network.clone(), &saved).unwrap_err();
    assert!(matches!(refused(&other, saved.clone()), Error::Saved(_)));

    let updates = json::updates(&network, &recorded("updates"), 6).unwrap();
    for update in updates.into_iter().take(2) {
        store.process(update, NOW).unwrap();
    }
    let mut mixed = saved.clone();
    mixed.position = store.save().unwrap().position;
    assert!(matches!(refused(&network, mixed), Error::Saved(_)));
    let mut cut = saved;
    cut.committees.truncate(cut.committees.len() / 2);
    assert!(matches!(refused(&network, cut), Error::Saved(_)));
}

#[test]
fn tells_its_age() {
    let store = started();
    let block = store.network().time_of(7_069_376);
    assert_eq!(block, UnixTime(1_691_656_535));
    assert_eq!(
        store.age(UnixTime(block.0 + WEAK_SUBJECTIVITY_AGE)),
        14 * 86_400
    );
    assert_eq!(store.age(UnixTime(0)), 0);
    assert_eq!(store.network().slot_at(UnixTime(block.0 + 11)), 7_069_376);
    assert_eq!(store.network().slot_at(UnixTime(0)), 0);
}

/// Figures for the documentation: `cargo test --release … -- --nocapture`.
#[test]
fn costs_little() {
    let started_at = std::time::Instant::now();
    let mut store = started();
    let bootstrapped = started_at.elapsed();
    let network = store.network().clone();
    let updates = json::updates(&network, &recorded("updates"), 6).unwrap();
    for update in updates {
        store.process(update, NOW).unwrap();
    }
    let synced = started_at.elapsed();
    let finality = json::finality_update(&network, &recorded("finality")).unwrap();
    store.process(finality, NOW).unwrap();
    let finished = started_at.elapsed();
    println!(
        "bootstrap {bootstrapped:?}, a period {:?}, a finality update {:?}",
        (synced - bootstrapped) / 6,
        finished - synced
    );
    let saved = store.save().unwrap();
    println!(
        "saved: position {} bytes, committees {} bytes",
        saved.position.len(),
        saved.committees.len()
    );
    assert!(saved.position.len() < 20_000 && saved.committees.len() < 150_000);
}

//! The service against a real node with the real contracts: reading, following, reorganisations,
//! failover, restarts, replaced chains.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::too_many_arguments)] // generated functions take an event's fields one by one

mod support;

use std::{sync::Arc, time::Duration};

use seedbox_chain::Config;
use seedbox_core::{Health, InfoHash, Owned, Parcel};
use support::{Anvil, Running, Wire, available, config, first_wallet, until};

fn parcels(owned: &Owned) -> usize {
    owned
        .wallets
        .iter()
        .map(|wallet| wallet.parcels.len())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_follows_and_survives() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("seedbox.db");
    let anvil = Arc::new(Anvil::start(&[]).await);
    let deployment = anvil.deploy().await;
    let home = Parcel { x: 2, y: -1 };
    anvil.mint(&deployment, home.x, home.y).await;
    anvil.publish(&deployment, 7).await;
    anvil.place(&deployment, home.token_id(), 1).await;
    let wires = [Wire::to(anvil.address).await, Wire::to(anvil.address).await];
    let rpc = wires
        .each_ref()
        .map(|wire| format!("http://{}/?key=a-secret-key", wire.address));
    let config = config(&rpc, &deployment);

    // Reads what there is.
    let running = Running::start(config.clone(), &database).await;
    let (mut status, mut owned) = (running.handle.status(), running.handle.owned());
    let well = until("well", &mut status, |s| s.health == Health::Well).await;
    assert_eq!((well.parcels, well.models, well.placements), (1, 1, 1));
    assert_eq!(well.chain_id, Some(31337));
    assert!(
        well.sentence.starts_with("Following chain 31337 at block "),
        "{}",
        well.sentence
    );
    assert_eq!(running.handle.owned().borrow().wallets.len(), 0);

    // Links and unlinks a wallet; it is there when the order returns.
    let wallet = first_wallet(&anvil).await;
    running.handle.link_wallet(wallet).await.unwrap();
    let models = owned
        .borrow_and_update()
        .models()
        .keys()
        .copied()
        .collect::<Vec<_>>();
    assert_eq!(models, [InfoHash([7; 20])]);
    running.handle.unlink_wallet(wallet).await.unwrap();
    assert_eq!(owned.borrow_and_update().wallets.len(), 0);
    running.handle.link_wallet(wallet).await.unwrap();
    let model = running
        .handle
        .model_by_info_hash(InfoHash([7; 20]))
        .await
        .unwrap();
    assert_eq!((model.id, model.owner), (1, Some(wallet)));
    assert_eq!(
        running.handle.model_by_info_hash(InfoHash([8; 20])).await,
        None
    );

    // Follows new blocks.
    anvil.mint(&deployment, 5, 5).await;
    until("a second parcel", &mut owned, |o| parcels(o) == 2).await;

    // Undoes what a reorganisation takes back.
    anvil.ask("anvil_reorg", serde_json::json!([3, []])).await;
    until("a reorganisation", &mut status, |s| s.reorgs == 1).await;
    until("the placement and a parcel undone", &mut owned, |o| {
        parcels(o) == 1 && o.models().is_empty()
    })
    .await;
    anvil.publish(&deployment, 9).await;
    anvil.place(&deployment, home.token_id(), 1).await;
    until("another model", &mut owned, |o| {
        o.models().contains_key(&InfoHash([9; 20]))
    })
    .await;

    // Fails over, says so without a key, and comes back.
    wires[0].cut();
    let degraded = until("failover", &mut status, |s| s.endpoints[1].active).await;
    assert_eq!(degraded.health, Health::Attention);
    assert!(degraded.endpoints[0].error.is_some());
    assert!(!format!("{degraded:?}").contains("secret"), "{degraded:?}");
    anvil.mint(&deployment, 6, 6).await;
    until("a parcel through the second endpoint", &mut owned, |o| {
        parcels(o) == 2
    })
    .await;
    wires[0].lead_to(anvil.address);
    until("the preferred endpoint again", &mut status, |s| {
        s.endpoints[0].active
    })
    .await;
    until("well again", &mut status, |s| s.health == Health::Well).await;
    running.stop().await;

    // Knows everything after a restart, with the node dead.
    wires.iter().for_each(Wire::cut);
    let running = Running::start(config.clone(), &database).await;
    let (mut status, mut owned) = (running.handle.status(), running.handle.owned());
    let known = owned.borrow_and_update().clone();
    assert_eq!((parcels(&known), known.models().len()), (2, 1));
    assert!(known.as_of.is_some());
    let failing = until("failing", &mut status, |s| s.health == Health::Failing).await;
    assert!(
        failing.sentence.contains("has not answered"),
        "{}",
        failing.sentence
    );
    assert!(!format!("{failing:?}").contains("secret"), "{failing:?}");

    // The node comes back as another chain: the old state is served until the new one is read.
    let replaced = Arc::new(Anvil::start(&[]).await);
    wires.iter().for_each(|wire| wire.lead_to(replaced.address));
    let missing = until("no contracts", &mut status, |s| {
        s.endpoints
            .iter()
            .all(|e| e.error.as_ref().is_some_and(|e| e.contains("no contract")))
    })
    .await;
    assert_ne!(missing.health, Health::Well);
    assert_eq!(parcels(&owned.borrow_and_update()), 2);
    assert_eq!(replaced.deploy().await, deployment);
    replaced.mint(&deployment, 1, 1).await;
    let owned_then = until("the new chain's parcel", &mut owned, |o| {
        assert!(parcels(o) > 0, "never an empty state in between");
        parcels(o) == 1
    })
    .await;
    assert_eq!(
        owned_then.wallets[0].parcels[0].parcel,
        Parcel { x: 1, y: 1 }
    );
    until("well on the new chain", &mut status, |s| {
        s.health == Health::Well
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_over_websocket_without_polling() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let anvil = Arc::new(Anvil::start(&[]).await);
    let deployment = anvil.deploy().await;
    let wire = Wire::to(anvil.address).await;
    let config = Config {
        // Far longer than the test waits: only the subscription can be faster.
        poll_interval: Duration::from_secs(300),
        ..config(&[format!("ws://{}", wire.address)], &deployment)
    };
    let running = Running::start(config, &folder.path().join("seedbox.db")).await;
    let mut status = running.handle.status();
    until("well", &mut status, |s| s.health == Health::Well).await;
    anvil.mint(&deployment, 1, 2).await;
    until("a parcel", &mut status, |s| s.parcels == 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_websocket_is_connected_again() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let anvil = Arc::new(Anvil::start(&[]).await);
    let deployment = anvil.deploy().await;
    let wire = Wire::to(anvil.address).await;
    let config = config(&[format!("ws://{}", wire.address)], &deployment);
    let running = Running::start(config, &folder.path().join("seedbox.db")).await;
    let mut status = running.handle.status();
    until("well", &mut status, |s| s.health == Health::Well).await;
    wire.cut();
    until("not well", &mut status, |s| s.endpoints[0].error.is_some()).await;
    wire.lead_to(anvil.address);
    anvil.mint(&deployment, 1, 2).await;
    until("a parcel", &mut status, |s| s.parcels == 1).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_reads_from_another_chain() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let anvil = Arc::new(Anvil::start(&[]).await);
    let other = Arc::new(Anvil::start(&["--chain-id", "77"]).await);
    let deployment = anvil.deploy().await;
    other.deploy().await;
    let rpc = [other.address, anvil.address].map(|address| format!("http://{address}"));
    let running = Running::start(config(&rpc, &deployment), &folder.path().join("db")).await;
    let mut status = running.handle.status();
    let seen = until("followed", &mut status, |s| s.endpoints[1].active).await;
    let error = seen.endpoints[0].error.clone().unwrap();
    assert_eq!(
        error,
        "follows chain 77, but the contracts are on chain 31337"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_without_a_chain_links_wallets() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("seedbox.db");
    let running = Running::start(Config::default(), &database).await;
    assert_eq!(
        running.handle.status().borrow().sentence,
        "No chain is configured."
    );
    let wallet = seedbox_core::WalletAddress([1; 20]);
    running.handle.link_wallet(wallet).await.unwrap();
    running.stop().await;
    let running = Running::start(Config::default(), &database).await;
    let owned = running.handle.owned().borrow().clone();
    assert_eq!((owned.wallets[0].address, owned.as_of), (wallet, None));
    running.stop().await;
}

/// Prints how fast land is read; `PARCELS` says how much of it.
#[tokio::test(flavor = "multi_thread")]
async fn reads_much_land() {
    if !available() {
        return;
    }
    let parcels: u32 = std::env::var("PARCELS").map_or(2_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let anvil = Arc::new(Anvil::start(&[]).await);
    let deployment = anvil.deploy().await;
    for start in (0..parcels).step_by(500) {
        anvil
            .mint_batch(&deployment, start..(start + 500).min(parcels))
            .await;
    }
    let config = config(&[format!("http://{}", anvil.address)], &deployment);
    let started = std::time::Instant::now();
    let running = Running::start(config, &folder.path().join("seedbox.db")).await;
    let mut status = running.handle.status();
    let read = until("read", &mut status, |s| s.health == Health::Well).await;
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(read.parcels, u64::from(parcels));
    println!(
        "{parcels} parcels in {seconds:.2} s: {:.0} logs/s",
        f64::from(parcels) / seconds
    );
    running.stop().await;
}

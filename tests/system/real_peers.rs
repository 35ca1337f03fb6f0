//! Real clients of other families around the box: what Transmission published reaches it, and
//! with the publisher gone for good, aria2 and Transmission have it from the box, byte for byte.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use system_tests::{
    aria2::{download_and_compare, same_content},
    seedbox::Settings,
    tracker::Tracker,
    transmission::Transmission,
    wait::wait_until,
    world::World,
};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn the_box_stands_in_for_a_publisher_who_is_gone() -> Result<()> {
    let mut world = World::start()?;
    let owner = world.owner().to_owned();
    let parcel = world.anvil.mint(&owner, 0, 1)?;
    let (single, single_id) = world.publish_random("a statue.glb", 5_000_003)?;
    let files = [
        ("scene.gltf", 16_384),
        ("walls.bin", 1_000_000),
        ("z.png", 77_777),
    ];
    let several = world.publisher.publish_folder("a house", &files)?;
    let several_id = world.anvil.publish(&owner, &several)?;
    for model in [single_id, several_id] {
        world.anvil.place(&owner, parcel, model)?;
    }
    world.wait_seeding()?;
    let mut seedbox = world.owners_box(&world.settings()?)?;
    let both = [&single, &several];
    for model in both {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    }
    let originals = both.map(|model| world.publisher.content_of(model));
    let torrents = both.map(|model| world.publisher.torrent_of(model));
    world.publisher.stop();

    let from_the_box = [seedbox.peer_address()];
    for ((model, original), torrent) in both.iter().zip(&originals).zip(&torrents) {
        download_and_compare(&model.magnet(), &from_the_box, original, LIMIT)?;
        download_and_compare(&torrent.to_string_lossy(), &from_the_box, original, LIMIT)?;
    }

    // A tracker that names the box alone, because Transmission knows one port of an address and
    // the publisher, too, was at this one.
    let tracker = Tracker::naming(&from_the_box)?;
    let transmission = Transmission::start()?;
    for model in both {
        let magnet = format!("{}&tr={}", model.magnet(), tracker.url());
        transmission.add(&magnet, &transmission.downloads())?;
    }
    transmission.wait_complete(LIMIT)?;
    for (model, original) in both.iter().zip(&originals) {
        same_content(&transmission.downloads().join(&model.name), original)?;
        let uploaded = seedbox.torrent(&model.info_hash)?.uploaded;
        ensure!(
            uploaded >= model.size,
            "the box says it gave {uploaded} bytes of {}",
            model.name
        );
    }
    seedbox.ensure_sound()
}

#[test]
fn what_the_owner_asks_for_by_magnet_link_is_kept() -> Result<()> {
    let world = World::start()?;
    let model = world.publisher.publish_random("asked for", 400_000, 3)?;
    world.wait_seeding()?;
    let mut seedbox = world.settings()?.start()?;
    seedbox.claim()?;
    seedbox.accept(&model.magnet())?;
    seedbox.wait_secured(&model.info_hash, "accepted", LIMIT)?;
    let original = world.publisher.content_of(&model);
    download_and_compare(&model.magnet(), &[seedbox.peer_address()], &original, LIMIT)?;

    let path = format!("/api/v1/torrents/{}", model.info_hash);
    seedbox
        .admin()
        .send("DELETE", &path, &[], None)?
        .expect_success()?;
    ensure!(
        seedbox.torrent(&model.info_hash).is_err(),
        "it is still held"
    );
    seedbox.ensure_sound()
}

#[test]
fn a_box_that_still_looks_for_a_model_does_not_pass_for_a_seed() -> Result<()> {
    let tracker = Tracker::start()?;
    let seedbox = Settings::new()?.set("trackers", tracker.url()).start()?;
    seedbox.claim()?;
    let info_hash = "5e".repeat(20);
    seedbox.accept(&format!("magnet:?xt=urn:btih:{info_hash}"))?;
    let left = wait_until("the box at the tracker", LIMIT, || {
        let peers = tracker.peers(&info_hash);
        peers.values().next().copied().context("nobody announced")
    })?;
    // Trackers count who has nothing left as a seed, and some clients give a seed nothing.
    ensure!(left > 0, "it announced that it has everything");
    Ok(())
}

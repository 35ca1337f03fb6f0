//! The main job, seen from outside: what stands on the owner's land is found on chain, fetched,
//! verified and given to others; what the owner parts with is protected no longer.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    aria2::{download_and_compare, same_content},
    models::{Published, name_of, real_models},
    seedbox::{Seedbox, Settings},
    wait::{hold, wait_until},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(60);

fn on_disk(settings: &Settings, model: &Published) -> PathBuf {
    settings.volume().join("torrents").join(&model.info_hash)
}

fn wait_kept_as(seedbox: &Seedbox, model: &Published, keep: &str) -> Result<()> {
    wait_until(&format!("{} to be {keep}", model.name), LIMIT, || {
        let torrent = seedbox.torrent(&model.info_hash)?;
        ensure!(torrent.keep == keep, "it is {}", torrent.keep);
        Ok(())
    })
}

#[test]
fn what_stands_on_my_land_is_secured_and_given_to_others() -> Result<()> {
    let world = World::start()?;
    let (owner, neighbour) = (world.owner(), world.neighbour());
    let files = real_models()?;
    let publish = |file: &PathBuf| world.publish(file, &format!("{}.glb", name_of(file)));
    let (mine, mine_id) = publish(&files[0])?;
    let (large, large_id) = publish(files.last().context("no models")?)?;
    let (foreign, foreign_id) = publish(&files[1])?;
    // A token that somebody sends to the wallet is no reason to fetch anything.
    let unsolicited = world.publisher.publish(&files[2], "unsolicited.glb")?;
    world.anvil.publish(owner, &unsolicited)?;
    world.wait_seeding()?;
    let parcel = world.anvil.mint(owner, -2, 7)?;
    let foreign_parcel = world.anvil.mint(neighbour, 0, 0)?;
    world.anvil.place(owner, parcel, mine_id)?;
    world.anvil.place(neighbour, foreign_parcel, foreign_id)?;

    let settings = world.settings()?;
    let mut seedbox = world.owners_box(&settings)?;
    seedbox.wait_secured(&mine.info_hash, "owned", LIMIT)?;
    // Placed while the box looks on.
    world.anvil.place(owner, parcel, large_id)?;
    seedbox.wait_secured(&large.info_hash, "owned", LIMIT)?;

    for model in [&mine, &large] {
        same_content(
            &on_disk(&settings, model).join("0"),
            &world.publisher.content_of(model),
        )?;
        let (magnet, original) = (model.magnet(), world.publisher.content_of(model));
        download_and_compare(&magnet, &[seedbox.peer_address()], &original, LIMIT)?;
    }
    for model in [&foreign, &unsolicited] {
        ensure!(
            seedbox.torrent(&model.info_hash).is_err(),
            "{} is held",
            model.name
        );
        ensure!(
            !on_disk(&settings, model).exists(),
            "{} is on the disk",
            model.name
        );
    }
    let wallets: Value = seedbox.admin().get("/api/v1/wallets")?;
    let found = &wallets["wallets"][0]["parcels"][0];
    ensure!(
        (found["x"].as_i64(), found["y"].as_i64()) == (Some(-2), Some(7)),
        "{wallets}"
    );
    ensure!(
        found["placements"]
            .as_array()
            .is_some_and(|all| all.len() == 2),
        "{wallets}"
    );
    seedbox.ensure_sound()
}

#[test]
fn what_i_give_away_is_protected_no_longer_and_is_again_when_it_returns() -> Result<()> {
    let world = World::start()?;
    let (owner, neighbour) = (world.owner().to_owned(), world.neighbour().to_owned());
    let (sold, sold_id) = world.publish_random("sold", 300_000)?;
    let (removed, removed_id) = world.publish_random("removed", 200_000)?;
    world.wait_seeding()?;
    let parcel = world.anvil.mint(&owner, 1, 1)?;
    let other = world.anvil.mint(&owner, 2, 2)?;
    world.anvil.place(&owner, parcel, sold_id)?;
    let placement = world.anvil.place(&owner, other, removed_id)?;
    let mut seedbox = world.owners_box(&world.settings()?)?;
    for model in [&sold, &removed] {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    }

    world.anvil.transfer_parcel(&owner, &neighbour, parcel)?;
    world.anvil.remove(&owner, placement)?;
    for model in [&sold, &removed] {
        // Still there and shared, as long as there is room for it.
        seedbox.wait_secured(&model.info_hash, "community", LIMIT)?;
    }
    world.anvil.transfer_parcel(&neighbour, &owner, parcel)?;
    // A sale ends what stood there, so the owner places it anew.
    world.anvil.place(&owner, parcel, sold_id)?;
    seedbox.wait_secured(&sold.info_hash, "owned", LIMIT)?;

    let unlink = format!("/api/v1/wallets/{owner}");
    seedbox
        .admin()
        .send("DELETE", &unlink, &[], None)?
        .expect_success()?;
    wait_kept_as(&seedbox, &sold, "community")?;
    seedbox.link_wallet(&owner)?;
    wait_kept_as(&seedbox, &sold, "owned")?;
    seedbox.ensure_sound()
}

#[test]
fn what_is_not_what_the_chain_says_is_refused() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let mut lie = world
        .publisher
        .publish_random("not as published", 150_000, 1)?;
    lie.content_hash = "ab".repeat(32);
    let lie_id = world.anvil.publish(owner, &lie)?;
    let mut short = world
        .publisher
        .publish_random("longer than it says", 150_000, 2)?;
    short.size = 1000;
    let short_id = world.anvil.publish(owner, &short)?;
    world.wait_seeding()?;
    let parcel = world.anvil.mint(owner, 3, 3)?;
    for id in [lie_id, short_id] {
        world.anvil.place(owner, parcel, id)?;
    }
    let mut seedbox = world.owners_box(&world.settings()?)?;
    wait_until("both to be refused", LIMIT, || {
        let refusals = seedbox.refusals()?;
        for model in [&lie, &short] {
            let of_it = refusals
                .iter()
                .find(|refusal| refusal.info_hash == model.info_hash);
            let code = of_it.map(|refusal| refusal.code.as_str());
            ensure!(
                code == Some("not-as-published"),
                "{}: {refusals:?}",
                model.name
            );
        }
        Ok(())
    })?;
    hold("refused things stay out", Duration::from_secs(2), || {
        for model in [&lie, &short] {
            let served = seedbox
                .torrent(&model.info_hash)
                .is_ok_and(|torrent| torrent.is_secured());
            ensure!(!served, "{} is given to others", model.name);
        }
        Ok(())
    })?;
    seedbox.ensure_sound()
}

//! Told to stop, the box ends in time and loses nothing of what it was doing.

use std::time::Duration;

use anyhow::{Result, ensure};
use system_tests::{seedbox::DRAIN_LIMIT, wait::wait_until, world::World};

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn stopped_in_the_middle_of_a_download_it_goes_on_where_it_was() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let parcel = world.anvil.mint(owner, 3, 2)?;
    let (model, id) = world.publish_random("large", 8_000_000)?;
    world.wait_seeding()?;
    world.publisher.limit_upload(Some(400))?;
    world.anvil.place(owner, parcel, id)?;
    let mut seedbox = world.owners_box(&world.settings()?)?;
    let have = wait_until("a part of it", LIMIT, || {
        let torrent = seedbox.torrent(&model.info_hash)?;
        ensure!(
            torrent.have > 1_000_000 && torrent.have < torrent.size,
            "{torrent:?}"
        );
        Ok(torrent.have)
    })?;
    seedbox.ensure_sound()?;
    let (settings, took) = seedbox.terminate()?;
    eprintln!("drained in {took:?} while downloading");

    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    wait_until("what it had", Duration::from_secs(20), || {
        let torrent = seedbox.torrent(&model.info_hash)?;
        ensure!(
            torrent.have >= have / 2,
            "of {have} bytes {} are left",
            torrent.have
        );
        Ok(())
    })?;
    world.publisher.limit_upload(None)?;
    seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    seedbox.ensure_sound()
}

#[test]
fn an_idle_box_ends_at_once_on_either_signal() -> Result<()> {
    let settings = system_tests::seedbox::Settings::new()?;
    let (settings, took) = settings.start()?.terminate()?;
    ensure!(took < Duration::from_secs(2), "it took {took:?}");
    settings.start()?.interrupt()
}

#[test]
fn open_connections_do_not_hold_it_up() -> Result<()> {
    let seedbox = system_tests::seedbox::Settings::new()?.start()?;
    let address = seedbox.panel().replace("http://", "").replace('/', "");
    let _silent = std::net::TcpStream::connect(&address)?;
    let _peer = std::net::TcpStream::connect(seedbox.peer_address())?;
    let (_, took) = seedbox.terminate()?;
    ensure!(took <= DRAIN_LIMIT, "it took {took:?}");
    Ok(())
}

//! The container as its owner meets it: the README's line, its own health check, a stop, another
//! start, and three boxes and a chain by compose.

use std::{env, fs, net::SocketAddr, process::Command, time::Duration, time::Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    anvil::Anvil,
    docker::Docker,
    http::Client,
    process::{Process, run},
    publisher::Publisher,
    repository,
    seedbox::{CLAIM_CODE, DRAIN_LIMIT, PASSWORD},
    tracker::Tracker,
    wait::wait_until,
};

/// The most bytes that an image may have, unpacked as it lies on a disk.
const LARGEST: u64 = 30_000_000;
/// Time within which a container must call itself healthy.
const HEALTHY: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(60);
const IMAGE: &str = "seedbox:latest";

#[test]
fn both_images_are_small_and_start() -> Result<()> {
    let docker = Docker::start()?;
    for architecture in ["amd64", "arm64"] {
        let tag = format!("seedbox:{architecture}");
        docker.build(architecture, &tag)?;
        let image = docker.inspect(&tag)?;
        let size = image["Size"].as_u64().context("an image without a size")?;
        let pulled = docker.pulled(architecture)?;
        println!("{architecture}: {size} bytes, gzipped {pulled}");
        if env::var("SEEDBOX_IMAGE_PROFILE").is_ok_and(|profile| profile != "release") {
            println!("NOT CHECKED: whether it is small enough; this is no release");
        } else {
            ensure!(size <= LARGEST, "the {architecture} image has {size} bytes");
        }
        ensure!(image["Architecture"] == architecture, "{image}");
        let config = &image["Config"];
        ensure!(config["User"] == "10001:10001", "{config}");
        ensure!(!config["Volumes"]["/data"].is_null(), "{config}");
        if architecture != native() && !emulated() {
            println!(
                "NOT CHECKED: whether the {architecture} image starts; the kernel has no emulator for it"
            );
            continue;
        }
        let platform = format!("linux/{architecture}");
        docker.run(&[
            "run",
            "--detach",
            "--name",
            architecture,
            "--platform",
            &platform,
            "--read-only",
            "--cap-drop=ALL",
            "--user=10001",
            "--volume=/data",
            &tag,
        ])?;
        let limit = if architecture == native() {
            HEALTHY
        } else {
            LIMIT
        };
        let took = docker.wait_healthy(architecture, limit)?;
        let stopped = stop(&docker, architecture)?;
        println!("{architecture}: healthy after {took:.1?}, stopped after {stopped:.1?}");
    }
    Ok(())
}

#[test]
fn the_line_of_the_readme_gives_a_box_that_keeps_its_data() -> Result<()> {
    let docker = Docker::start()?;
    docker.build(native(), IMAGE)?;
    let line = readme_line()?;
    for guard in ["--read-only", "--cap-drop ALL", "--user 10001"] {
        ensure!(line.contains(guard), "the README's line lacks {guard}");
    }
    run(docker.command("sh").args(["-c", &line]))?;
    let took = docker.wait_healthy("seedbox", HEALTHY)?;
    println!("healthy after {took:.1?}");

    let panel = Client::new("http://127.0.0.1:8080");
    let log = docker.logs("seedbox")?;
    let code = log
        .split("claim code ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("no claim code in {log}"))?;
    panel.post(
        "/api/v1/claim",
        &json!({"code": code, "password": PASSWORD}),
    )?;
    let wallet = format!("0x{}", "ab".repeat(20));
    sign_in(&panel)?;
    panel.post("/api/v1/wallets", &json!({"address": wallet}))?;

    let stopped = stop(&docker, "seedbox")?;
    println!("stopped after {stopped:.1?}");
    // A newer image is another container on the same volume.
    docker.run(&["rm", "seedbox"])?;
    run(docker.command("sh").args(["-c", &line]))?;
    docker.wait_healthy("seedbox", HEALTHY)?;
    ensure!(
        !docker.logs("seedbox")?.contains("claim code"),
        "the box has forgotten its owner"
    );
    let panel = Client::new("http://127.0.0.1:8080");
    sign_in(&panel)?;
    let wallets: Value = panel.get("/api/v1/wallets")?;
    let kept = wallets.to_string().to_lowercase().contains(&wallet);
    ensure!(kept, "the wallet is gone: {wallets}");
    stop(&docker, "seedbox").map(drop)
}

#[test]
fn the_compose_file_gives_a_healthy_box() -> Result<()> {
    let docker = Docker::start()?;
    docker.build(native(), IMAGE)?;
    let compose = |arguments: &[&str]| {
        let mut command = docker.command("docker-compose");
        command.args(["--project-name", "home", "--file"]);
        run(command.arg("image/docker/compose.yaml").args(arguments))
    };
    compose(&["up", "--detach"])?;
    let box_id = compose(&["ps", "--quiet", "seedbox"])?;
    docker.wait_healthy(box_id.trim(), HEALTHY)?;
    compose(&["down", "--volumes"]).map(drop)
}

#[test]
fn three_boxes_by_compose_share_a_model() -> Result<()> {
    let docker = Docker::start()?;
    docker.build(native(), IMAGE)?;
    let tracker = Tracker::start()?;
    let mut publisher = Publisher::start(&tracker)?;
    let folder = tempfile::tempdir()?;
    let deployment = folder.path().join("deployment.json");
    let anvil_binary =
        repository().join("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    let compose = |arguments: &[&str]| -> Command {
        let mut command = docker.command("docker-compose");
        command
            .env("TRACKER", tracker.url())
            .env("DEPLOYMENT", &deployment)
            .env("ANVIL", &anvil_binary)
            .args([
                "--project-name",
                "world",
                "--file",
                "tests/image/compose.yaml",
            ])
            .args(arguments);
        command
    };
    let container = |service: &str| -> Result<String> {
        let id = run(&mut compose(&["ps", "--quiet", service]))?;
        let id = id.trim().to_owned();
        ensure!(!id.is_empty(), "{service} is not up");
        Ok(id)
    };

    let process = Process::start(
        &compose(&["up", "--no-color", "anvil"]),
        &folder.path().join("anvil.log"),
    )?;
    let address = wait_until("the chain's container", LIMIT, || {
        docker.address(&container("anvil")?)
    })?;
    let address: SocketAddr = format!("{address}:8545").parse()?;
    let anvil = Anvil::running_as(process, address, tempfile::tempdir()?)?;
    fs::copy(anvil.deployment(), &deployment)?;
    run(&mut compose(&["up", "--detach", "one", "two", "three"]))?;

    let mut boxes = Vec::new();
    for service in ["one", "two", "three"] {
        let id = container(service)?;
        docker.wait_healthy(&id, HEALTHY)?;
        let panel = Client::new(format!("http://{}:8080", docker.address(&id)?));
        let claim = json!({"code": CLAIM_CODE, "password": PASSWORD});
        panel.post("/api/v1/claim", &claim)?;
        sign_in(&panel)?;
        boxes.push((id, panel));
    }

    // The first box has it from the publisher, because it stands on its owner's land.
    let owner = anvil.account(5).to_owned();
    let model = publisher.publish_random("a shared statue.glb", 3_000_017, 7)?;
    let parcel = anvil.mint(&owner, 3, -4)?;
    let token = anvil.publish(&owner, &model)?;
    anvil.place(&owner, parcel, token)?;
    publisher.wait_seeding(&tracker, LIMIT)?;
    boxes[0]
        .1
        .post("/api/v1/wallets", &json!({"address": owner}))?;
    wait_held(&boxes[0].1, &model.info_hash, "owned")?;

    // The others can have it from a box alone.
    publisher.stop();
    for (_, panel) in &boxes[1..] {
        panel.post("/api/v1/torrents", &json!({"magnet": model.magnet()}))?;
    }
    for (_, panel) in &boxes[1..] {
        wait_held(panel, &model.info_hash, "accepted")?;
    }
    for (id, _) in &boxes {
        stop(&docker, id)?;
    }
    run(&mut compose(&["start", "one"]))?;
    docker.wait_healthy(&boxes[0].0, HEALTHY)?;
    let panel = Client::new(format!("http://{}:8080", docker.address(&boxes[0].0)?));
    sign_in(&panel)?;
    wait_held(&panel, &model.info_hash, "owned")
}

fn sign_in(panel: &Client) -> Result<()> {
    panel
        .post("/api/v1/session", &json!({"password": PASSWORD}))
        .map(drop)
}

fn wait_held(panel: &Client, info_hash: &str, keep: &str) -> Result<()> {
    wait_until(&format!("{info_hash} as {keep}"), LIMIT, || {
        let answer: Value = panel.get("/api/v1/torrents")?;
        let torrents = answer["torrents"].as_array().context("no torrents")?;
        let torrent = torrents
            .iter()
            .find(|torrent| torrent["info_hash"] == info_hash)
            .with_context(|| format!("not held: {answer}"))?;
        let whole = torrent["size"].as_u64() > Some(0) && torrent["have"] == torrent["size"];
        ensure!(whole && torrent["keep"] == keep, "{torrent}");
        Ok(())
    })
}

/// Stops a container as its owner does, and fails unless the box ended well by itself and in time.
fn stop(docker: &Docker, container: &str) -> Result<Duration> {
    let asked = Instant::now();
    docker.run(&["stop", "--time", "30", container])?;
    let took = asked.elapsed();
    let log = docker.logs(container)?;
    ensure!(!log.contains("did not end in"), "{log}");
    let code = docker.inspect(container)?["State"]["ExitCode"].clone();
    ensure!(code == 0, "it ended with {code}:\n{log}");
    ensure!(took <= DRAIN_LIMIT, "it took {took:?} to stop");
    Ok(took)
}

/// The `docker run` line of the README, as it is to be copied.
fn readme_line() -> Result<String> {
    let readme = fs::read_to_string(repository().join("README.md"))?;
    let start = readme
        .find("docker run")
        .context("the README has no docker run line")?;
    let line = readme[start..].split("\n```").next().unwrap_or_default();
    Ok(line.to_owned())
}

/// This machine's architecture, as Docker calls it.
fn native() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    }
}

fn emulated() -> bool {
    fs::exists("/proc/sys/fs/binfmt_misc/qemu-aarch64").unwrap_or(false)
}

//! Whatever is wrong is said clearly, and does no harm: bad configuration before anything is
//! opened, bad requests as problem JSON, and neither a panic nor a loss follows.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    http::Answer,
    seedbox::{Seedbox, Settings},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a box that must refuse to start; gives what it says.
fn refusal(mut command: Command) -> Result<String> {
    // A box that starts after all is not waited for.
    let mut limited = Command::new("timeout");
    limited
        .arg("10")
        .arg(command.get_program())
        .args(command.get_args());
    limited.envs(
        command
            .get_envs()
            .filter_map(|(key, value)| Some((key, value?))),
    );
    let folder = command.get_current_dir().context("no folder")?.to_owned();
    command = limited;
    let output = command.current_dir(folder).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(1) || output.status.code() == Some(2),
        "{output:?}"
    );
    ensure!(!said.contains("panicked"), "{said}");
    Ok(said)
}

#[test]
fn a_wrong_setting_is_named_before_anything_starts() -> Result<()> {
    for (key, value) in [
        ("quota", "lots"),
        ("quota", "-1GB"),
        ("admin_listen", "next door"),
        ("chain_poll", "soon"),
        ("peers", "example.org"),
        ("lan", "10.0.0.1/64"),
        ("max_live", "0"),
        ("dht", "perhaps"),
        ("deployment", "/nonexistent/deployment.json"),
        ("rpc", "ftp://example.org"),
        ("claim_code", "short"),
    ] {
        let settings = Settings::new()?.set(key, value);
        let said = refusal(settings.command("run")?).with_context(|| format!("{key} = {value}"))?;
        let names = ["_", "-", " "].map(|joint| key.replace('_', joint));
        let named = names.iter().any(|name| said.contains(name.as_str()));
        ensure!(named, "{key} = {value} is not named: {said}");
        ensure!(
            !settings.volume().exists(),
            "{key}: a volume was made all the same"
        );
    }
    Ok(())
}

#[test]
fn a_mistyped_key_in_the_file_is_named() -> Result<()> {
    let settings = Settings::new()?;
    let file = settings.data().with_extension("toml");
    for (text, expected) in [
        ("qouta = \"1GB\"", "qouta"),
        ("quota = ", "toml"),
        ("dht = \"yes\"", "dht"),
    ] {
        fs::write(&file, text)?;
        let mut command = settings.command("run")?;
        command.arg("--config").arg(&file);
        let said = refusal(command)?;
        ensure!(said.contains(expected), "{text}: {said}");
    }
    let mut command = settings.command("run")?;
    command.arg("--no-such-flag");
    ensure!(
        refusal(command)?.contains("--no-such-flag"),
        "the flag is not named"
    );
    Ok(())
}

fn expect_problem(answer: &Answer, statuses: &[u16], what: &str) -> Result<()> {
    ensure!(
        statuses.contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        answer.text()
    );
    ensure!(
        answer.content_type.starts_with("application/problem+json"),
        "{what}: {answer:?}"
    );
    let problem: Value = answer.json()?;
    let detail = problem["detail"].as_str().unwrap_or_default();
    ensure!(!detail.is_empty(), "{what}: no reason in {problem}");
    Ok(())
}

fn try_bad_requests(seedbox: &Seedbox) -> Result<()> {
    let admin = seedbox.admin();
    let post = |path: &str, body: Value| admin.send("POST", path, &[], Some(&body));
    for address in [
        "",
        "0x12",
        "vitalik.eth",
        "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ] {
        let answer = post("/api/v1/wallets", json!({"address": address}))?;
        expect_problem(&answer, &[422, 400], &format!("wallet {address:?}"))?;
    }
    for magnet in [
        "",
        "http://example.org",
        "magnet:?xt=urn:btih:123",
        "magnet:?xt=urn:btmh:1220abcd",
        &format!(
            "magnet:?xt=urn:btih:{}&dn={}",
            "a".repeat(40),
            "n".repeat(20_000)
        ),
    ] {
        let answer = post("/api/v1/torrents", json!({"magnet": magnet}))?;
        let shown: String = magnet.chars().take(40).collect();
        expect_problem(&answer, &[422, 400], &format!("magnet {shown:?}"))?;
    }
    let unknown = post(
        "/api/v1/wallets",
        json!({"address": format!("0x{}", "1".repeat(40)), "x": 1}),
    )?;
    expect_problem(&unknown, &[422, 400], "an unknown field")?;
    let raw = |kind: &str, body: Vec<u8>| {
        admin.send_raw(
            "POST",
            "/api/v1/wallets",
            &[("content-type", kind)],
            Some(body),
        )
    };
    expect_problem(
        &raw("application/json", b"{\"address\":".to_vec())?,
        &[400, 422],
        "cut JSON",
    )?;
    expect_problem(
        &raw("text/plain", b"{}".to_vec())?,
        &[415],
        "not said to be JSON",
    )?;
    expect_problem(
        &raw("application/json", vec![b' '; 70_000])?,
        &[413],
        "70 kB",
    )?;
    let deep = "[".repeat(50_000).into_bytes();
    expect_problem(
        &raw("application/json", deep)?,
        &[400, 422],
        "very deep JSON",
    )?;
    let nowhere = admin.send("GET", "/api/v1/nowhere", &[], None)?;
    expect_problem(&nowhere, &[404], "no such path")?;
    let method = admin.send("PATCH", "/api/v1/wallets", &[], Some(&json!({})))?;
    expect_problem(&method, &[405], "no such method")?;
    let volume = admin.send(
        "PATCH",
        "/api/v1/volumes/none",
        &[],
        Some(&json!({"quota": 1})),
    )?;
    expect_problem(&volume, &[404, 409], "no such volume")?;
    let rebound = admin.send("GET", "/api/v1/status", &[("host", "evil.example")], None)?;
    expect_problem(&rebound, &[421], "another host's name")?;
    let foreign = [
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let forged = admin.send("POST", "/api/v1/wallets", &foreign, Some(&json!({})))?;
    expect_problem(&forged, &[403], "another site's form")
}

#[test]
fn bad_requests_get_a_clear_answer_and_do_no_harm() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let parcel = world.anvil.mint(owner, 1, 2)?;
    let (model, id) = world.publish_random("in good hands", 100_000)?;
    world.wait_seeding()?;
    world.anvil.place(owner, parcel, id)?;
    let mut seedbox = world.owners_box(&world.settings()?)?;
    seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;

    try_bad_requests(&seedbox)?;
    let public = seedbox.public();
    for path in [
        "/v1/models/xyz",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/nowhere",
    ] {
        let answer = public.send("GET", path, &[], None)?;
        ensure!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    let unpublished = seedbox.request(&"e".repeat(40))?;
    expect_problem(&unpublished, &[404, 409], "a model that nobody published")?;

    seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    ensure!(
        seedbox.torrents()?.len() == 1,
        "a bad request left something behind"
    );
    seedbox.ensure_sound()
}

#[test]
fn nothing_but_the_claim_is_open_before_the_claim_and_nothing_without_the_password_after()
-> Result<()> {
    let seedbox = Settings::new()?.start()?;
    let closed = [
        "/api/v1/status",
        "/api/v1/torrents",
        "/api/v1/wallets",
        "/api/v1/refusals",
    ];
    for path in closed {
        let answer = seedbox.admin().send("GET", path, &[], None)?;
        expect_problem(&answer, &[401, 403], path)?;
    }
    let wrong = json!({"code": "AAAA-AAAA-AAAA-AAAA", "password": "a long enough password"});
    let answer = seedbox
        .admin()
        .send("POST", "/api/v1/claim", &[], Some(&wrong))?;
    expect_problem(&answer, &[403, 401, 429], "a wrong claim code")?;
    seedbox.claim()?;
    let stranger = system_tests::http::Client::new(seedbox.admin().base());
    for path in closed {
        expect_problem(&stranger.send("GET", path, &[], None)?, &[401], path)?;
    }
    let again = json!({"code": system_tests::seedbox::CLAIM_CODE, "password": "somebody else's"});
    let answer = stranger.send("POST", "/api/v1/claim", &[], Some(&again))?;
    expect_problem(&answer, &[403, 409], "a second claim")
}

#[test]
fn a_second_box_on_the_same_data_is_refused() -> Result<()> {
    let settings = Settings::new()?;
    let seedbox = settings.start()?;
    let said = refusal(settings.command("run")?)?;
    ensure!(said.contains("another box"), "{said}");
    ensure!(
        seedbox.public().send("GET", "/version", &[], None)?.status == 200,
        "the first is gone"
    );
    Ok(())
}

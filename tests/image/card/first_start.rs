//! Flash it, plug it in: the first start, what is open, what it costs, and a model for a visitor.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    http::Client,
    qemu::{Card, Machine, START_LIMIT},
    seedbox::PASSWORD,
};

const MIB: u64 = 1 << 20;
/// The most that the whole system may use of its memory, at rest.
const SYSTEM_MEMORY: u64 = 180 * MIB;
/// The most of it that the box may use.
const BOX_MEMORY: u64 = 60 * MIB;
/// What `systemd-analyze security` may say of the box's unit, from 0 (safe) to 10.
const EXPOSURE: f64 = 2.0;
/// The ports of docs/INSTALL.md, and the shell's, which the tests' key opens.
const OPEN: [u16; 4] = [22, 80, 4240, 8081];

#[test]
fn the_first_start_ends_with_an_owner() -> Result<()> {
    let card = Card::flash()?;
    let mut machine = card.start(&[])?;
    let took = machine.wait_panel()?;
    println!("from power on to the panel's answer: {took:.1?}");

    let code = machine.claim_code()?;
    let panel = machine.panel();
    let claim = json!({"code": code, "password": PASSWORD});
    panel.post("/api/v1/claim", &claim)?;
    sign_in(&panel)?;
    let wallet = format!("0x{}", "ab".repeat(20));
    panel.post("/api/v1/wallets", &json!({"address": wallet}))?;

    let failed = machine.wait_shell("systemctl --failed --no-legend --plain")?;
    ensure!(failed.is_empty(), "failed units: {failed}");
    the_card_is_used_to_its_end(&machine)?;
    the_time_is_no_nonsense(&machine)?;
    nothing_else_is_open(&machine)?;
    it_is_small_and_shut(&machine)?;

    // Nobody else may claim it with what lies on the card.
    machine.wait(
        "the code to be gone from the card",
        START_LIMIT,
        |machine| machine.shell("! test -e /boot/firmware/claim-code.txt"),
    )?;
    let log = machine.shell("journalctl --boot --no-pager --output cat")?;
    ensure!(!log.contains(PASSWORD) && !log.contains(&wallet), "{log}");
    machine.shut_down()?;
    ensure!(
        card.take("claim-code.txt")?.is_none(),
        "the code lies there"
    );

    let mut machine = card.start(&[])?;
    println!("second start: {:.1?}", machine.wait_panel()?);
    let panel = machine.panel();
    sign_in(&panel)?;
    let wallets: Value = panel.get("/api/v1/wallets")?;
    let kept = wallets.to_string().to_lowercase().contains(&wallet);
    ensure!(kept, "the wallet is gone: {wallets}");
    Ok(())
}

#[test]
fn the_code_lies_on_the_card_and_no_shell_is_open() -> Result<()> {
    let card = Card::flash_without_key()?;
    let mut machine = card.start(&[])?;
    machine.wait_panel()?;
    let code = machine.claim_code()?;
    // Where nothing listens the emulated network closes the connection at once.
    let shell = Client::new(format!("http://127.0.0.1:{}", machine.port(22)));
    ensure!(
        shell.send("GET", "/", &[], None).is_err(),
        "a shell is open"
    );
    machine.cut_power()?;
    let file = card.take("claim-code.txt")?.context("no claim-code.txt")?;
    ensure!(
        String::from_utf8_lossy(&file).contains(&code),
        "another code"
    );
    Ok(())
}

fn sign_in(panel: &Client) -> Result<()> {
    panel
        .post("/api/v1/session", &json!({"password": PASSWORD}))
        .map(drop)
}

fn the_card_is_used_to_its_end(machine: &Machine) -> Result<()> {
    let free = machine.shell("df --output=size --block-size=1M /data | tail -1")?;
    let free: u64 = free.trim().parse()?;
    println!("data partition of a 2 GiB card: {free} MiB");
    ensure!(free > 900, "the data partition has {free} MiB only");
    let mounts = machine.shell("cat /proc/mounts")?;
    for read_only in [" / ext4 ro,", " /boot/firmware vfat ro,"] {
        ensure!(mounts.contains(read_only), "not{read_only} in {mounts}");
    }
    Ok(())
}

/// The emulated machine has no clock, as a Pi has none: it starts in 1970 if nobody cares.
fn the_time_is_no_nonsense(machine: &Machine) -> Result<()> {
    let year: u64 = machine.shell("date -u +%Y")?.trim().parse()?;
    ensure!(year >= 2026, "the machine believes it is {year}");
    Ok(())
}

fn nothing_else_is_open(machine: &Machine) -> Result<()> {
    let listening = machine.shell("ss --no-header --listening --numeric --tcp")?;
    for line in listening.lines() {
        let local = line.split_whitespace().nth(3).context("no address")?;
        let (address, port) = local.rsplit_once(':').context("no port")?;
        // systemd-resolved answers this machine alone.
        let itself = address.starts_with("127.") || address == "[::1]";
        let known = OPEN.contains(&port.parse()?);
        ensure!(itself || known, "{local} is not documented");
    }
    let rules = machine.shell("nft list ruleset")?;
    ensure!(rules.contains("policy drop"), "no firewall: {rules}");
    Ok(())
}

fn it_is_small_and_shut(machine: &Machine) -> Result<()> {
    let memory = machine.shell("grep -E 'MemTotal|MemAvailable' /proc/meminfo")?;
    let mut kib = memory
        .split_whitespace()
        .filter_map(|word| word.parse().ok());
    let (total, available): (u64, u64) = (
        kib.next().context("no total")?,
        kib.next().context("no rest")?,
    );
    let used = (total - available) * 1024;
    let resident = machine.shell("cat /proc/$(pidof seedbox)/status | grep VmRSS")?;
    let resident: u64 = resident
        .split_whitespace()
        .nth(1)
        .context("no figure")?
        .parse()?;
    println!(
        "memory at rest: {} MiB, the box {} MiB",
        used / MIB,
        resident / 1024
    );
    ensure!(used <= SYSTEM_MEMORY, "{used} bytes are in use");
    ensure!(resident * 1024 <= BOX_MEMORY, "the box uses {resident} KiB");

    let analysis =
        machine.shell("systemd-analyze security --no-pager seedbox.service | tail -1")?;
    let exposure: f64 = analysis
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .with_context(|| format!("no figure in {analysis}"))?;
    println!("systemd-analyze security: {exposure}");
    ensure!(exposure <= EXPOSURE, "{analysis}");
    Ok(())
}

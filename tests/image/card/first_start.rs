//! Flash it, plug it in: the first start, what is open, what it costs, and a model for a visitor.

use std::{fs, net::SocketAddr};

use anyhow::{Context, Result, ensure};
use system_tests::{
    anvil::Anvil,
    aria2::{Aria2, same_content},
    http::Client,
    publisher::Publisher,
    qemu::{Card, Machine, START_LIMIT, patient},
    seedbox::PASSWORD,
    tracker::Tracker,
};

use crate::owner::{LIMIT, Owner};

const MIB: u64 = 1 << 20;
/// The most that the whole system may use of its memory, at rest.
const SYSTEM_MEMORY: u64 = 180 * MIB;
/// The most of it that the box may use.
const BOX_MEMORY: u64 = 60 * MIB;
/// What `systemd-analyze security` may say of the box's unit, from 0 (safe) to 10.
const EXPOSURE: f64 = 2.0;
/// The ports of docs/INSTALL.md, and the shell's, which the tests' key opens.
const OPEN: [u16; 4] = [22, 80, 4240, 8081];

/// What the owner wrote on the card.
const PRESETS: &str = r#"
hostname = "kitchen"
claim_code = "7Q2M-K9XD-4TWB-0HZ1"
wallets = ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]
quota = "300MB"

[wifi]
ssid = "Home"
password = "a secret of the house"
country = "DE"
"#;
/// What he has learned from the README. On this network nobody but the publisher is found, and he has
/// a private address; the chain answers at what the emulated network calls this machine.
fn settings(chain: &Anvil, peer: SocketAddr) -> String {
    let rpc = chain.url().replace("127.0.0.1", "10.0.2.2");
    format!(
        "[settings]\nrpc = [\"{rpc}/?key={KEY}\"]\nchain_trust = \"unproved\"\n\
         dht = false\nlan = [\"10.0.0.0/8\", \"{}/32\"]\npeers = [\"{peer}\"]\n",
        peer.ip()
    )
}
const KEY: &str = "the-key-of-the-endpoint";
const CODE: &str = "7Q2M-K9XD-4TWB-0HZ1";
const SECRET: &str = "a secret of the house";
const PRESET_WALLET: &str = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";

#[test]
fn the_first_start_ends_with_an_owner_and_a_model_for_a_visitor() -> Result<()> {
    let chain = Anvil::start()?;
    let tracker = Tracker::start()?;
    let mut publisher = Publisher::start(&tracker)?;
    let model = publisher.publish_random("a chair", 2_000_000, 3)?;
    publisher.wait_verified(LIMIT)?;
    let wallet = chain.account(5).to_lowercase();
    let parcel = chain.mint(&wallet, 3, -4)?;
    let token = chain.publish(&wallet, &model)?;
    chain.place(&wallet, parcel, token)?;
    let card = Card::flash()?;
    let peer = publisher.address().context("no publisher")?;
    let presets = format!("{PRESETS}{}", settings(&chain, peer));
    card.put("seedbox.toml", presets.as_bytes())?;
    card.put("deployment.json", &fs::read(chain.deployment())?)?;
    let mut machine = card.start(&[])?;
    let took = machine.wait_panel()?;
    println!("from power on to the panel's answer, with presets: {took:.1?}");

    ensure!(
        machine.claim_code()? == CODE,
        "the screen shows another code"
    );
    let shown = machine.serial().contains("http://kitchen.local");
    ensure!(shown, "the screen names another machine");
    let owner = Owner::claim(&machine, CODE)?;
    ensure!(owner.wallets()?.contains(PRESET_WALLET), "no preset wallet");
    let volumes = owner.status()?["seeder"]["volumes"].to_string();
    ensure!(volumes.contains(":300000000"), "another quota: {volumes}");
    owner.link(&wallet)?;

    let failed = machine.wait_shell("systemctl --failed --no-legend --plain")?;
    ensure!(failed.is_empty(), "failed units: {failed}");
    the_card_is_used_to_its_end(&machine)?;
    the_time_is_no_nonsense(&machine)?;
    nothing_else_is_open(&machine)?;

    machine.wait("the model on the wallet's land", LIMIT, |_| {
        let torrents = owner.torrents()?;
        let held = torrents
            .iter()
            .any(|torrent| torrent.is_secured() && torrent.keep == "owned");
        ensure!(held, "{torrents:?}");
        Ok(())
    })?;
    publisher.stop();
    let door = SocketAddr::from(([127, 0, 0, 1], machine.port(4240)));
    let torrent = publisher.torrent_of(&model).display().to_string();
    let mut visitor = Aria2::start(&torrent, &[door])?;
    let got = visitor.wait(patient(LIMIT))?.join(&model.name);
    same_content(&got, &publisher.content_of(&model))?;
    ensure!(!visitor.got_a_bad_piece(), "a damaged piece was served");
    println!("a visitor has the model from the box");

    // Nobody else may claim it with what lies on the card.
    machine.wait(
        "the code to be gone from the card",
        START_LIMIT,
        |machine| machine.shell("! test -e /boot/firmware/claim-code.txt"),
    )?;
    let log = machine.shell("journalctl --boot --no-pager --output cat")?;
    for secret in [PASSWORD, SECRET, KEY, &wallet] {
        ensure!(!log.contains(secret), "a secret in the log:\n{log}");
    }
    let before = clock(&machine)?;
    machine.shut_down()?;
    ensure!(
        card.take("claim-code.txt")?.is_none(),
        "the code lies there"
    );
    let kept = card.take("seedbox.toml")?.context("no seedbox.toml")?;
    let kept = String::from_utf8_lossy(&kept).into_owned();
    ensure!(
        kept.contains("applied = true")
            && ![CODE, SECRET, KEY].iter().any(|one| kept.contains(one)),
        "{kept}"
    );
    for secret in [SECRET, KEY] {
        ensure!(!card.holds(secret)?, "{secret} is still on the card");
    }

    a_torn_environment_is_written_anew(&card)?;
    let mut machine = card.start(&[])?;
    println!("second start: {:.1?}", machine.wait_panel()?);
    let owner = Owner::sign_in(&machine)?;
    let wallets = owner.wallets()?;
    ensure!(
        wallets.contains(&wallet) && wallets.contains(PRESET_WALLET),
        "a wallet is gone: {wallets}"
    );
    let torrents = owner.torrents()?;
    ensure!(torrents.len() == 1, "the model is gone: {torrents:?}");
    let slots = machine.wait_shell("fw_printenv -n BOOT_ORDER; fw_printenv -n BOOT_A_LEFT")?;
    ensure!(slots.trim() == "A\n9", "not repaired: {slots}");
    println!(
        "time of day before {before}, after the second start {}",
        clock(&machine)?
    );
    the_time_is_no_nonsense(&machine)?;
    it_is_small_and_shut(&machine)
}

/// As a power cut leaves it while U-Boot or RAUC write it. Its own one lets U-Boot look for USB devices,
/// after which the emulated network is dead: the start after it is the one that can be asked.
fn a_torn_environment_is_written_anew(card: &Card) -> Result<()> {
    card.put("uboot.env", b"torn")?;
    let mut machine = card.start(&[])?;
    machine.wait("the boot loader to go on", START_LIMIT, |machine| {
        let serial = machine.serial();
        let repaired = [
            "taking its copy",
            "Saving Environment to FAT... OK",
            "slot A",
        ];
        ensure!(repaired.iter().all(|one| serial.contains(one)), "{serial}");
        Ok(())
    })?;
    machine.cut_power()
}

#[test]
fn the_code_lies_on_the_card_and_no_shell_is_open() -> Result<()> {
    let card = Card::flash_without_key()?;
    let mut machine = card.start(&[])?;
    let took = machine.wait_panel()?;
    println!("from power on to the panel's answer: {took:.1?}");
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

fn the_card_is_used_to_its_end(machine: &Machine) -> Result<()> {
    let free = machine.shell("df --output=size --block-size=1M /data | tail -1")?;
    let free: u64 = free.trim().parse()?;
    println!("data partition of a 2 GiB card: {free} MiB");
    ensure!(free > 850, "the data partition has {free} MiB only");
    let mounts = machine.shell("cat /proc/mounts")?;
    for read_only in [" / ext4 ro,", " /boot/firmware vfat ro,"] {
        ensure!(mounts.contains(read_only), "not{read_only} in {mounts}");
    }
    Ok(())
}

/// The emulated machine has no clock, as a Pi has none: it starts in 1970 if nobody cares.
fn the_time_is_no_nonsense(machine: &Machine) -> Result<()> {
    // As /proc and the panel's cookies have it; before this the box's program was not written.
    let now = clock(machine)?;
    ensure!(now > 1_790_000_000, "the machine believes it is {now}");
    Ok(())
}

/// Seconds since 1970, as the machine believes.
fn clock(machine: &Machine) -> Result<u64> {
    Ok(machine.shell("date -u +%s")?.trim().parse()?)
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

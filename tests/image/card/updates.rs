//! The whole system replaced by signed bundles, through the panel: what is not ours is refused, what
//! works stays, what does not goes back by itself and says so; at last the box is made as new. All the
//! while the chain's endpoint is down, which is no version's fault.

use std::fs;

use anyhow::{Result, ensure};
use system_tests::{
    anvil::Anvil,
    qemu::{Card, START_LIMIT},
};

use crate::{
    bundles::Bundles,
    owner::{LIMIT, Owner, UPDATE},
};

#[test]
fn a_good_one_stays_and_a_bad_one_goes_back() -> Result<()> {
    let bundles = Bundles::new()?;
    let (good, bad) = (bundles.good("0.2.0")?, bundles.never_ready("0.3.0")?);
    let strange = fs::read(bundles.strange("0.9.0")?)?;
    let card = Card::flash()?;
    name_a_dead_endpoint(&card)?;
    card.put_stick(&[("good.raucb", &good), ("bad.raucb", &bad)])?;
    let mut machine = card.start(&[])?;
    machine.wait_panel()?;
    let code = machine.claim_code()?;
    let owner = Owner::claim(&machine, &code)?;
    let wallet = format!("0x{}", "cd".repeat(20));
    owner.link(&wallet)?;
    let before = owner.wait_update(&mut machine, "idle", "A")?;
    ensure!(
        before["supported"] == true && before["version"] == env!("CARGO_PKG_VERSION"),
        "{before}"
    );

    let mut cut_short = fs::read(&good)?;
    cut_short.truncate(3 << 20);
    for (what, bytes) in [("a stranger's", strange), ("a truncated", cut_short)] {
        let answer = owner.upload(bytes)?;
        ensure!(answer.status == 422, "{what}: {}", answer.text());
        let after = owner.update()?;
        ensure!(after["phase"] == "idle" && after["slot"] == "A", "{after}");
        println!("{what} bundle is refused: {}", after["last"]["reason"]);
    }

    owner.install(&mut machine, "good.raucb", "A")?;
    let running = owner.wait_update(&mut machine, "idle", "B")?;
    ensure!(running["version"] == "0.2.0", "{running}");
    ensure!(running["last"]["result"] == "confirmed", "{running}");
    let health = owner.status()?["chain"]["health"].to_string();
    ensure!(
        ["\"failing\"", "\"starting\""].contains(&health.as_str()),
        "the chain is {health}: this shows nothing"
    );
    ensure!(owner.wallets()?.contains(&wallet), "the wallet is gone");
    println!("0.2.0 runs in B and is confirmed");

    owner.install(&mut machine, "bad.raucb", "B")?;
    // Slot A, in which nothing answers, then B again.
    let back = machine.wait("the machine to come back", UPDATE, |_| {
        let update = owner.update()?;
        ensure!(update["last"]["result"] == "rolled-back", "{update}");
        Ok(update)
    })?;
    ensure!(
        back["slot"] == "B" && back["version"] == "0.2.0" && back["last"]["version"] == "0.3.0",
        "{back}"
    );
    let reason = back["last"]["reason"].to_string();
    ensure!(reason.contains("not ready"), "{back}");
    println!("0.3.0 went back by itself: {reason}");
    let alerts = owner.status()?["alerts"].to_string();
    ensure!(alerts.contains("update-rolled-back"), "{alerts}");
    ensure!(owner.wallets()?.contains(&wallet), "the wallet is gone");

    let owner = Owner::sign_in(&machine)?;
    owner.reset(false)?;
    let new = machine.wait("a new claim code", START_LIMIT, |machine| {
        let shown = machine.shown_code()?;
        ensure!(shown != code, "the old one");
        Ok(shown)
    })?;
    ensure!(
        Owner::claim(&machine, &code).is_err(),
        "the old code claims it"
    );
    let owner = machine.wait("the new code to claim it", LIMIT, |machine| {
        Owner::claim(machine, &new)
    })?;
    ensure!(
        !owner.wallets()?.contains(&wallet),
        "the wallet is still there"
    );
    Ok(())
}

fn name_a_dead_endpoint(card: &Card) -> Result<()> {
    let chain = Anvil::start()?;
    let rpc = chain.url().replace("127.0.0.1", "10.0.2.2");
    let presets = format!("[settings]\nrpc = [\"{rpc}\"]\nchain_trust = \"unproved\"\n");
    card.put("seedbox.toml", presets.as_bytes())?;
    card.put("deployment.json", &fs::read(chain.deployment())?)
}

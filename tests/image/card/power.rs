//! Power cut at any moment of a start, a download, a change of settings and an update: the box always
//! starts again, and what it has acknowledged is there. `make image-power-cuts`; `SEEDBOX_CUTS` is
//! another number of cuts, `SEEDBOX_SEED` the seed of a run that failed.
//!
//! The emulator is killed between two of its writes: what the machine had given to its card is kept,
//! the rest is not. A card that loses what it has acknowledged is not emulated.

use std::{thread, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};
use serde_json::json;
use system_tests::{
    models::Published,
    publisher::Publisher,
    qemu::{Card, Machine, patient},
    tracker::Tracker,
};

use crate::{
    bundles::Bundles,
    owner::{LIMIT, Owner, stick},
};

const CUTS: usize = 20;
/// The quota that the owner begins with, bytes; each change adds a step.
const QUOTA: u64 = 200_000_000;
const STEP: u64 = 1_000;

/// What the box has said yes to.
#[derive(Default)]
struct Acknowledged {
    quota: u64,
    models: Vec<Published>,
}

/// What the machine is doing when its power is cut.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Starting,
    ChangingSettings,
    Downloading,
    Updating,
}

const TURN: [Doing; 4] = [
    Doing::ChangingSettings,
    Doing::Starting,
    Doing::Downloading,
    Doing::Updating,
];

struct Story {
    card: Card,
    publisher: Publisher,
    acknowledged: Acknowledged,
    random: SmallRng,
}

#[test]
#[ignore = "takes an hour: make image-power-cuts"]
fn power_cuts_lose_nothing() -> Result<()> {
    let number = |name: &str, default: usize| {
        let text = std::env::var(name).ok();
        text.map_or(Ok(default), |text| text.parse())
    };
    let cuts = number("SEEDBOX_CUTS", CUTS)?;
    let seed = number("SEEDBOX_SEED", 27)?;
    let tracker = Tracker::start()?;
    let publisher = Publisher::start(&tracker)?;
    publisher.limit_upload(Some(300))?;
    let mut story = Story {
        card: Card::flash()?,
        publisher,
        acknowledged: Acknowledged::default(),
        random: SmallRng::seed_from_u64(seed as u64),
    };
    story.begin()?;
    for cut in 0..cuts {
        let doing = TURN[cut % TURN.len()];
        let after = story
            .round(cut, doing)
            .with_context(|| format!("cut {cut} of seed {seed}, {doing:?}"))?;
        println!("cut {cut}: {doing:?}, {after:.1?} into it");
    }
    story.end()?;
    println!("{cuts} cuts, nothing lost");
    Ok(())
}

impl Story {
    /// The first start: an owner, a bundle to install, and a publisher who can be found.
    fn begin(&mut self) -> Result<()> {
        let bundles = Bundles::new()?;
        let good = bundles.good("0.2.0")?;
        self.card.put_stick(&[("good.raucb", &good)])?;
        let mut machine = self.card.start(&[])?;
        machine.wait_panel()?;
        let code = machine.claim_code()?;
        let owner = Owner::claim(&machine, &code)?;
        owner.wait_update(&mut machine, "idle", "A")?;
        let path = stick(&mut machine, "good.raucb")?;
        owner.wait_found(&mut machine, &path)?;
        owner.order("fetch", &json!({ "path": path }))?;
        let peer = self.publisher.address().context("no publisher")?;
        machine.wait_shell(&format!(
            "printf 'SEEDBOX_DHT=false\\nSEEDBOX_LAN=10.0.0.0/8,{}/32\\nSEEDBOX_PEERS={peer}\\n' > /data/system/volumes && sync",
            peer.ip()
        ))?;
        owner.set_quota(QUOTA)?;
        self.acknowledged.quota = QUOTA;
        machine.shut_down()
    }

    /// Starts the machine, sees that nothing is lost, and cuts its power while it is `doing` something.
    fn round(&mut self, cut: usize, doing: Doing) -> Result<Duration> {
        let mut machine = self.card.start(&[])?;
        if matches!(doing, Doing::Starting) {
            let after = patient(Duration::from_millis(self.random.random_range(500..90_000)));
            machine.hold(after)?;
            return machine.cut_power().map(|()| after);
        }
        machine.wait_panel()?;
        let owner = Owner::sign_in(&machine)?;
        check(&mut machine, &owner, &mut self.acknowledged)?;
        let longest = match doing {
            Doing::ChangingSettings => 8_000,
            Doing::Downloading => 20_000,
            // The writing of a slot takes longer, so most of these cuts fall into it.
            Doing::Starting | Doing::Updating => 90_000,
        };
        let after = patient(Duration::from_millis(
            self.random.random_range(100..longest),
        ));
        match doing {
            Doing::Downloading => {
                let seed = self.random.next_u64();
                let name = format!("model {cut}");
                let model = self.publisher.publish_random(&name, 3_000_000, seed)?;
                owner.accept(&model.magnet())?;
                self.acknowledged.models.push(model);
            }
            Doing::Updating => update(&mut machine, &owner)?,
            Doing::Starting | Doing::ChangingSettings => {}
        }
        let first = self.acknowledged.quota;
        let changes = matches!(doing, Doing::ChangingSettings).then(|| {
            thread::spawn(move || {
                let mut quota = first;
                while owner.set_quota(quota + STEP).is_ok() {
                    quota += STEP;
                }
                quota
            })
        });
        machine.hold(after)?;
        machine.cut_power()?;
        if let Some(changes) = changes {
            self.acknowledged.quota = changes.join().map_err(|_| anyhow!("a panic"))?;
        }
        Ok(after)
    }

    /// The last start: all that was promised comes about.
    fn end(&mut self) -> Result<()> {
        self.publisher.limit_upload(None)?;
        let mut machine = self.card.start(&[])?;
        machine.wait_panel()?;
        let owner = Owner::sign_in(&machine)?;
        check(&mut machine, &owner, &mut self.acknowledged)?;
        machine.wait("every model", LIMIT * 3, |_| {
            let torrents = owner.torrents()?;
            let missing: Vec<_> = torrents.iter().filter(|one| !one.is_secured()).collect();
            ensure!(missing.is_empty(), "{missing:?}");
            Ok(())
        })?;
        let update = owner.update()?;
        println!(
            "{} models are whole; of updates: {update}",
            self.acknowledged.models.len()
        );
        machine.shut_down()
    }
}

/// Goes on with the update, or begins a further one, and does not wait for its end.
fn update(machine: &mut Machine, owner: &Owner) -> Result<()> {
    // A bundle that was taken in is checked again after each start.
    let update = machine.wait("the updater to know where it is", LIMIT, |_| {
        let update = owner.update()?;
        let knows = !update["slot"].is_null() && update["phase"] != "verifying";
        ensure!(knows, "{update}");
        Ok(update)
    })?;
    println!("  the update is {}", update["phase"]);
    match update["phase"].as_str() {
        Some("verified") => owner.order("install", &json!({})).map(drop),
        Some("installed") => owner.order("restart", &json!({"at": null})).map(drop),
        Some("idle") => {
            let path = stick(machine, "good.raucb")?;
            owner.wait_found(machine, &path)?;
            let owner = owner.clone();
            thread::spawn(move || owner.order("fetch", &json!({ "path": path })));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What was acknowledged is there. The last change may have been made without its answer being heard.
fn check(machine: &mut Machine, owner: &Owner, acknowledged: &mut Acknowledged) -> Result<()> {
    let quota = machine.wait("the volume", LIMIT, |_| owner.quota())?;
    let expected = [acknowledged.quota, acknowledged.quota + STEP];
    ensure!(
        expected.contains(&quota),
        "the quota is {quota}, not one of {expected:?}"
    );
    acknowledged.quota = quota;
    let held = owner.torrents()?;
    for model in &acknowledged.models {
        let there = held.iter().any(|one| one.info_hash == model.info_hash);
        ensure!(there, "{} is gone: {held:?}", model.name);
    }
    Ok(())
}

//! Who may have a model or enter a parcel: passes are proved, strangers' gates are asked and cannot
//! hurt, liars prove nothing, and a dead chain is no "no".

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    anvil::{Anvil, Subject},
    http::Answer,
    models::Published,
    node::{Lie, Node},
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(60);
const DAY: u64 = 86_400;

/// A chain with two nodes before it, and models on it.
struct Scene {
    first: Node,
    second: Node,
    anvil: Anvil,
    models: Cell<u64>,
}

impl Scene {
    fn new() -> Result<Self> {
        let anvil = Anvil::start()?;
        Ok(Self {
            first: Node::before(&anvil.url())?,
            second: Node::before(&anvil.url())?,
            anvil,
            models: Cell::new(0),
        })
    }

    /// Who owns all models.
    fn maker(&self) -> &str {
        self.anvil.account(6)
    }

    /// Somebody who wants one. Each has another wallet, of which the box knows nothing yet.
    fn visitor(number: u8) -> String {
        format!("0x{}", format!("{number:02x}").repeat(20))
    }

    /// Publishes a model behind a gate; gives its token ID and its info hash.
    fn publish(&self, gate: &str) -> Result<(u64, String)> {
        let number = self.models.get() + 1;
        self.models.set(number);
        let model = Published {
            name: format!("model {number}"),
            info_hash: format!("{number:040x}"),
            content_hash: "22".repeat(32),
            size: 5,
            sources: "tr=x".into(),
        };
        let id = self.anvil.publish_behind(self.maker(), &model, gate)?;
        Ok((id, model.info_hash))
    }

    fn settings(&self, nodes: &[&Node]) -> Result<Settings> {
        let urls: Vec<String> = nodes.iter().map(|node| node.rpc_url()).collect();
        Ok(Settings::new()?
            .set("rpc", urls.join(","))
            .set("deployment", self.anvil.deployment().display().to_string()))
    }

    /// A box that has read the chain.
    fn start(&self, settings: &Settings) -> Result<Seedbox> {
        let mut seedbox = settings.start()?;
        seedbox.claim()?;
        self.wait_followed(&mut seedbox)?;
        Ok(seedbox)
    }

    fn wait_followed(&self, seedbox: &mut Seedbox) -> Result<()> {
        seedbox.wait_block(self.anvil.height()?, LIMIT)
    }
}

fn ask(seedbox: &Seedbox, path: &str) -> Result<Answer> {
    seedbox.public().send("GET", path, &[], None)
}

fn model(info_hash: &str, wallet: &str) -> String {
    format!("/v1/models/{info_hash}/access/{wallet}")
}

/// Waits for an answer of the box that passes the probe.
fn wait(seedbox: &Seedbox, path: &str, probe: impl Fn(&Value) -> Result<()>) -> Result<Value> {
    wait_until(path, LIMIT, || {
        let answer = ask(seedbox, path)?;
        ensure!(answer.status == 200, "{}", answer.text());
        let answer: Value = answer.json()?;
        probe(&answer)?;
        Ok(answer)
    })
}

/// Waits for this answer, and checks that it is a proof.
fn wait_proved(seedbox: &Seedbox, path: &str, allowed: bool) -> Result<Value> {
    let answer = wait(seedbox, path, |answer| {
        ensure!(answer["allowed"] == allowed, "{answer}");
        Ok(())
    })?;
    ensure!(
        answer["how"] == "proved" && answer["told"].is_null(),
        "{answer}"
    );
    ensure!(answer["proof"]["storageProof"].is_array(), "{answer}");
    Ok(answer)
}

/// The box says that it cannot know, with the reason.
fn ensure_unknown(seedbox: &Seedbox, path: &str, words: &[&str]) -> Result<()> {
    let answer = ask(seedbox, path)?;
    let text = answer.text();
    ensure!(answer.status == 503, "{}: {text}", answer.status);
    for words in words {
        ensure!(text.contains(words), "no {words:?} in {text}");
    }
    Ok(())
}

#[test]
fn a_pass_is_proved_until_it_ends() -> Result<()> {
    let scene = Scene::new()?;
    let (id, info_hash) = scene.publish(scene.anvil.access_pass())?;
    let (_, free) = scene.publish("0x")?;
    let parcel = scene.anvil.mint(scene.maker(), -2, 7)?;
    let mut seedbox = scene.start(&scene.settings(&[&scene.first])?)?;
    let (buyer, guest) = (Scene::visitor(0xb1), Scene::visitor(0xb2));

    let before = wait_proved(&seedbox, &model(&info_hash, &buyer), false)?;
    ensure!(before["expiry"].is_null(), "{before}");
    scene
        .anvil
        .offer(scene.maker(), Subject::Model(id), 5, DAY)?;
    let expiry = scene.anvil.buy(Subject::Model(id), &buyer, 5)?;
    let after = wait_proved(&seedbox, &model(&info_hash, &buyer), true)?;
    ensure!(
        after["expiry"] == expiry && expiry == scene.anvil.time()? + DAY,
        "{after}"
    );
    ensure!(after["trust"] == "rpc", "{after}");
    let height = after["block"]["number"].as_u64().context("no block")?;
    ensure!(
        after["block"]["hash"] == scene.first.block_hash(height)?,
        "{after}"
    );
    // Of nobody else, and of no parcel.
    wait_proved(&seedbox, &model(&info_hash, &guest), false)?;
    wait_proved(&seedbox, &format!("/v1/parcels/-2/7/access/{buyer}"), false)?;

    scene
        .anvil
        .give(scene.maker(), Subject::Parcel(parcel), &guest, expiry)?;
    let entrance = format!("/v1/parcels/-2/7/access/{guest}");
    ensure!(wait_proved(&seedbox, &entrance, true)?["expiry"] == expiry);
    wait_proved(&seedbox, &format!("/v1/parcels/-2/8/access/{guest}"), false)?;

    let open = wait(&seedbox, &model(&free, &guest), |_| Ok(()))?;
    ensure!(open["how"] == "free" && open["allowed"] == true, "{open}");
    ensure!(open["proof"].is_null() && open["gate"].is_null(), "{open}");
    let nobody = ask(&seedbox, &model(&"99".repeat(20), &guest))?;
    ensure!(nobody.status == 404, "{}", nobody.text());

    scene.anvil.pass_time(DAY)?;
    let ended = wait_proved(&seedbox, &model(&info_hash, &buyer), false)?;
    ensure!(ended["expiry"] == expiry, "{ended}");
    ensure!(
        ended["block"]["timestamp"].as_u64() >= Some(expiry),
        "{ended}"
    );
    wait_proved(&seedbox, &entrance, false)?;
    seedbox.ensure_sound()
}

#[test]
fn a_hostile_gate_is_a_no_and_hurts_nobody() -> Result<()> {
    let scene = Scene::new()?;
    let standard = scene.anvil.access_pass().to_owned();
    let (sold, sold_hash) = scene.publish(&standard)?;
    scene
        .anvil
        .offer(scene.maker(), Subject::Model(sold), 0, DAY)?;
    let mut hostile = Vec::new();
    for name in [
        "RevertingGate",
        "GasBombGate",
        "ReturndataBombGate",
        "DirtyGate",
        "SilentGate",
        "ReentrantGate",
    ] {
        let gate = scene.anvil.strangers_gate(name)?;
        let (id, info_hash) = scene.publish(&gate)?;
        if name == "ReentrantGate" {
            // It would succeed, were it called as it wishes.
            scene
                .anvil
                .offer(scene.maker(), Subject::Model(id), 0, DAY)?;
        }
        hostile.push((name, info_hash));
    }
    let nobody = scene.anvil.account(9).to_owned();
    hostile.push(("an account without code", scene.publish(&nobody)?.1));
    let fickle = scene.anvil.strangers_gate("FickleGate")?;
    let (_, fickle_hash) = scene.publish(&fickle)?;
    let mut seedbox = scene.start(&scene.settings(&[&scene.first])?)?;
    let visitor = Scene::visitor(0xc1);

    let began = Instant::now();
    for _ in 0..3 {
        for (name, info_hash) in &hostile {
            let answer = wait(&seedbox, &model(info_hash, &visitor), |_| Ok(()))?;
            ensure!(answer["allowed"] == false, "{name}: {answer}");
            ensure!(
                answer["how"] == "told" && answer["proof"].is_null(),
                "{name}: {answer}"
            );
            ensure!(answer["told"]["agree"] == 1, "{name}: {answer}");
            // Others are answered meanwhile.
            wait_proved(&seedbox, &model(&sold_hash, &visitor), false)?;
        }
        scene.anvil.mine(1)?;
        scene.wait_followed(&mut seedbox)?;
    }
    let took = began.elapsed();
    ensure!(took < Duration::from_secs(20), "it took {took:?}");

    // An honest gate may change its mind with every block.
    for _ in 0..2 {
        scene.anvil.mine(1)?;
        let height = scene.anvil.height()?;
        let answer = wait(&seedbox, &model(&fickle_hash, &visitor), |answer| {
            ensure!(answer["block"]["number"] == height, "{answer}");
            Ok(())
        })?;
        ensure!(answer["allowed"] == height.is_multiple_of(2), "{answer}");
        ensure!(answer["how"] == "told", "{answer}");
    }
    ensure!(seedbox.public().send("GET", "/healthz", &[], None)?.status == 200);
    seedbox.ensure_sound()
}

#[test]
fn a_liar_proves_nothing() -> Result<()> {
    let scene = Scene::new()?;
    let (id, info_hash) = scene.publish(scene.anvil.access_pass())?;
    scene
        .anvil
        .offer(scene.maker(), Subject::Model(id), 0, DAY)?;
    let holder = Scene::visitor(0xd0);
    scene.anvil.buy(Subject::Model(id), &holder, 0)?;
    let mut alone = scene.start(&scene.settings(&[&scene.first])?)?;
    let mut both = scene.start(&scene.settings(&[&scene.first, &scene.second])?)?;

    let far = 4_000_000_000;
    for (number, lie) in [
        Lie::WrongWord(far),
        Lie::WrongStorageNode,
        Lie::WrongProofNode,
        Lie::WrongStorageRoot,
    ]
    .into_iter()
    .enumerate()
    {
        let visitor = Scene::visitor(0xd1 + u8::try_from(number)?);
        let path = model(&info_hash, &visitor);
        scene.first.lie(lie.clone());
        ensure_unknown(&alone, &path, &["could not prove"]).context(format!("{lie:?}"))?;
        let answer = wait_proved(&both, &path, false).context(format!("{lie:?}"))?;
        ensure!(answer["expiry"].is_null(), "{lie:?}: {answer}");
        scene.first.tell_the_truth();
        wait_proved(&alone, &path, false)?;
    }
    // Nor is a pass made less than it is.
    scene.first.lie(Lie::WrongWord(0));
    ensure_unknown(&alone, &model(&info_hash, &holder), &["could not prove"])?;
    wait_proved(&both, &model(&info_hash, &holder), true)?;
    alone.ensure_sound()?;
    both.ensure_sound()
}

#[test]
fn what_is_told_has_to_be_told_by_enough() -> Result<()> {
    let scene = Scene::new()?;
    let third = Node::before(&scene.anvil.url())?;
    let gate = scene.anvil.strangers_gate("DirtyGate")?;
    let (_, info_hash) = scene.publish(&gate)?;
    let settings = scene
        .settings(&[&scene.first, &scene.second, &third])?
        .set("chain_trust", "quorum")
        .set("chain_quorum", "2");
    let mut seedbox = scene.start(&settings)?;
    let path = |number| model(&info_hash, &Scene::visitor(number));

    scene.first.lie(Lie::WrongCallAnswer(1));
    let answer = wait(&seedbox, &path(0xe1), |answer| {
        ensure!(answer["trust"] == "quorum", "{answer}");
        Ok(())
    })?;
    ensure!(
        answer["allowed"] == false && answer["how"] == "told",
        "{answer}"
    );
    ensure!(
        answer["told"]["agree"] == 2 && answer["told"]["of"] == 3,
        "{answer}"
    );
    // Two liars are a quorum: that is why it is only told.
    scene.second.lie(Lie::WrongCallAnswer(1));
    let answer = wait(&seedbox, &path(0xe2), |_| Ok(()))?;
    ensure!(
        answer["allowed"] == true && answer["how"] == "told",
        "{answer}"
    );
    ensure!(answer["proof"].is_null(), "{answer}");
    // What no gate can answer counts for nothing.
    for (node, word) in [(&scene.first, 7), (&scene.second, 8)] {
        node.lie(Lie::WrongCallAnswer(word));
    }
    ensure_unknown(&seedbox, &path(0xe3), &["in a form that it cannot have"])?;
    seedbox.ensure_sound()
}

#[test]
fn a_dead_chain_is_no_answer() -> Result<()> {
    let mut scene = Scene::new()?;
    let (_, info_hash) = scene.publish(scene.anvil.access_pass())?;
    let (_, free) = scene.publish("0x")?;
    let mut seedbox = scene.start(&scene.settings(&[&scene.first])?)?;
    let known = model(&info_hash, &Scene::visitor(0xf1));
    wait_proved(&seedbox, &known, false)?;
    scene.anvil.stop()?;
    let stranger = model(&info_hash, &Scene::visitor(0xf2));
    ensure_unknown(&seedbox, &stranger, &[" s", "Ask again later"])?;
    // What was proved is not repeated for ever.
    wait_until("the proof to be too old", LIMIT, || {
        ensure_unknown(&seedbox, &known, &["has not answered for"])
    })?;
    wait_until("the map to be called stale", LIMIT, || {
        let head: Value = seedbox.public().get("/grid/head")?;
        ensure!(head["stale"] == true, "{head}");
        Ok(())
    })?;
    let open: Value = ask(&seedbox, &model(&free, &Scene::visitor(0xf1)))?.json()?;
    ensure!(
        open["how"] == "free" && open["age"].as_u64() > Some(0),
        "{open}"
    );
    seedbox.ensure_sound()
}

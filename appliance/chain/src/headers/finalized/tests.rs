//! The light client over beacon nodes that are made up: honest, old, lying, silent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use seedbox_core::Health;
use seedbox_light_client::{
    Bytes, ExecutionHeader, Fork, Preset, ScheduledFork, Update,
    testing::{self, Block, SignedChain},
};

use super::*;
use crate::headers::asked::Named;

const DAY: u64 = 86_400;
/// The first slot of the made-up chains that anybody asks for, and those of later periods.
const START: u64 = 8;
const PERIOD: u64 = 64;

fn network() -> Network {
    Network {
        genesis_validators_root: Bytes([7; 32]),
        genesis_time: 1_700_000_000,
        seconds_per_slot: 6,
        preset: Preset::Minimal,
        forks: vec![ScheduledFork {
            fork: Fork::Fulu,
            version: Bytes([6, 0, 0, 9]),
            epoch: 0,
        }],
    }
}

fn at(slot: u64) -> UnixTime {
    network().time_of(slot)
}

/// What a node answers by the beginning of the path, and what it was asked.
#[derive(Clone, Default)]
struct MadeUp {
    name: &'static str,
    answers: Arc<Mutex<BTreeMap<&'static str, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl MadeUp {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn answer(&self, path: &'static str, body: String) {
        self.answers.lock().unwrap().insert(path, body);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// Tells of `update` as the newest, and by `updates` as the best of its period.
    fn tell(&self, update: &Update) {
        let finality = testing::finality_update_json(Fork::Fulu, update).unwrap();
        self.answer("finality_update", finality);
        let full = testing::update_json(Fork::Fulu, update).unwrap();
        self.answer("updates", format!("[{full}]"));
    }
}

impl Named for MadeUp {
    fn name(&self) -> &str {
        self.name
    }
}

impl Beacon for MadeUp {
    async fn get(&mut self, path: &str, limit: usize) -> Result<Vec<u8>, EndpointError> {
        self.asked.lock().unwrap().push(path.to_owned());
        let answers = self.answers.lock().unwrap();
        let answer = answers.iter().find(|(start, _)| path.starts_with(**start));
        let (_, body) = answer.ok_or(EndpointError::Refused("nothing".into()))?;
        if body.len() > limit {
            return Err(EndpointError::TooLarge { limit });
        }
        Ok(body.clone().into_bytes())
    }
}

struct World {
    chain: SignedChain,
    start: Block,
    store: seedbox_store::Store,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let mut chain = SignedChain::new(network(), 1);
        let start = chain.block(START, execution(START), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self {
            chain,
            start,
            store: seedbox_store::Store::open(&folder.path().join("seedbox.db")).unwrap(),
            _folder: folder,
        }
    }

    fn client(&self, nodes: &[&MadeUp]) -> Finalized<MadeUp> {
        let nodes = nodes.iter().map(|node| (*node).clone()).collect();
        Finalized::new(network(), self.start.root(), nodes, self.store.clone())
    }

    /// An honest node at the beginning of the chain.
    fn node(&self, name: &'static str) -> MadeUp {
        let node = MadeUp::new(name);
        let bootstrap = testing::bootstrap_json(Fork::Fulu, &self.start.bootstrap());
        node.answer("bootstrap/", bootstrap.unwrap());
        node
    }

    fn update(&mut self, attested: u64, finalized: u64, participants: usize) -> Update {
        let finalized = self.chain.block(finalized, execution(finalized), None);
        let finalized = finalized.unwrap();
        let block = self
            .chain
            .block(attested, execution(attested), Some(&finalized));
        let update = self
            .chain
            .update(&block.unwrap(), attested + 1, participants);
        update.unwrap()
    }
}

fn execution(slot: u64) -> ExecutionHeader {
    ExecutionHeader {
        block_number: 1_000 + slot,
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        ..ExecutionHeader::default()
    }
}

fn error(client: &Finalized<MadeUp>, index: usize) -> String {
    let status = client.status(at(40));
    status.endpoints[index].error.clone().unwrap_or_default()
}

#[tokio::test]
async fn goes_from_the_checkpoint_to_the_newest_final_block() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    node.tell(&world.update(30, 24, 32));
    let mut client = world.client(&[&node]);
    let before = client.status(at(32));
    assert_eq!(
        (before.health, before.level),
        (Health::Starting, Trust::Finalized)
    );
    let header = client.newest(at(32)).await.unwrap();
    assert_eq!((header.block.number, header.slot), (1_024, Some(24)));
    assert_eq!(header.trust, Trust::Finalized);
    let status = client.status(at(32));
    assert_eq!(status.health, Health::Well);
    assert!(status.sentence.contains("Block 1024 is final, signed by"));
    assert!(
        status.sentence.ends_with("it is 48 s old."),
        "{}",
        status.sentence
    );
    let checkpoint = status.checkpoint.unwrap();
    assert_eq!(checkpoint.root, world.start.root().0);
    assert_eq!(checkpoint.age, Some((32 - START) * 6));
    assert!(status.endpoints[0].active);

    // The next period is entered by the committee that is known already.
    node.tell(&world.update(PERIOD + 20, PERIOD + 10, 32));
    let header = client.newest(at(PERIOD + 22)).await.unwrap();
    assert_eq!(header.slot, Some(PERIOD + 10));
}

#[tokio::test]
async fn what_most_signed_is_vouched_for_before_it_is_final() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    node.tell(&world.update(30, 24, 32));
    let mut client = world.client(&[&node]);
    client.newest(at(32)).await.unwrap();
    assert_eq!(client.signed(), None, "the node does not tell of it");

    let tell = |world: &mut World, slot, participants| {
        let update = world.update(slot, 24, participants);
        let json = testing::optimistic_update_json(Fork::Fulu, &update).unwrap();
        node.answer("optimistic_update", json);
    };
    tell(&mut world, 33, 22);
    let header = client.newest(at(35)).await.unwrap();
    assert_eq!((header.slot, header.trust), (Some(24), Trust::Finalized));
    let signed = client.signed().unwrap();
    assert_eq!((signed.slot, signed.trust), (Some(33), Trust::Signed));
    assert_eq!(signed.block.number, 1_033);
    // Two thirds have to sign.
    tell(&mut world, 34, 21);
    client.newest(at(36)).await.unwrap();
    assert_eq!(client.signed(), Some(signed));
    // A lie is named, and changes nothing.
    let mut stranger = SignedChain::new(network(), 2);
    let mut update = world.update(35, 24, 32);
    update.sync_aggregate = stranger.sign(&update.attested_header, 36, 32).unwrap();
    let lie = testing::optimistic_update_json(Fork::Fulu, &update).unwrap();
    node.answer("optimistic_update", lie);
    let refused = client.newest(at(37)).await.unwrap_err().to_string();
    assert!(refused.contains("did not sign"), "{refused}");
    assert_eq!(client.signed(), Some(signed));
    // When something newer is final it says nothing more.
    node.tell(&world.update(46, 40, 32));
    tell(&mut world, 39, 32);
    assert_eq!(client.newest(at(48)).await.unwrap().slot, Some(40));
    assert_eq!(client.signed(), None);
}

#[tokio::test]
async fn a_restart_goes_on_without_the_checkpoint() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    node.tell(&world.update(30, 24, 32));
    world.client(&[&node]).newest(at(32)).await.unwrap();
    assert!(node.asked()[0].starts_with("bootstrap/0x"));

    // Nobody answers: what was learnt is still vouched for, and its age is told.
    let silent = MadeUp::new("http://b:2");
    let mut client = world.client(&[&silent]);
    client.newest(at(32)).await.unwrap_err();
    let status = client.status(at(50));
    assert_eq!(status.health, Health::Attention);
    assert_eq!(status.block.unwrap().block.number, 1_024);
    assert!(
        status.sentence.contains("it is 2 minutes old"),
        "{}",
        status.sentence
    );
    assert!(status.sentence.contains("nothing"), "{}", status.sentence);
    let mut client = world.client(&[&node]);
    client.newest(at(33)).await.unwrap();
    assert_eq!(node.asked(), ["optimistic_update", "finality_update"]);

    // Another checkpoint is another beginning.
    let other = world.chain.block(16, execution(16), None).unwrap();
    let nodes = vec![node.clone()];
    let mut client = Finalized::new(network(), other.root(), nodes, world.store.clone());
    let refused = client.newest(at(33)).await.unwrap_err().to_string();
    assert!(refused.contains("when the checkpoint"), "{refused}");
    assert_eq!(client.status(at(33)).health, Health::Failing);
}

#[tokio::test]
async fn a_liar_is_named_and_the_next_node_is_asked() {
    let mut world = World::new();
    let honest = world.node("http://honest:2");
    let update = world.update(30, 24, 32);
    honest.tell(&update);

    let mut wrong_signature = update.clone();
    wrong_signature.sync_aggregate.signature.0[9] ^= 1;
    let mut stranger = SignedChain::new(network(), 2);
    let mut other_chain = update.clone();
    let header = &update.attested_header;
    other_chain.sync_aggregate = stranger.sign(header, 31, 32).unwrap();
    for lie in [wrong_signature, other_chain] {
        let liar = world.node("http://liar:1");
        liar.tell(&lie);
        let mut client = world.client(&[&liar, &honest]);
        let header = client.newest(at(32)).await.unwrap();
        assert_eq!(header.slot, Some(24));
        let status = client.status(at(32));
        assert_eq!(status.health, Health::Well);
        assert!(
            error(&client, 0).contains("did not sign"),
            "{}",
            error(&client, 0)
        );
        assert!(!status.endpoints[0].active && status.endpoints[1].active);
        world.store.set_light_client(nothing()).await.unwrap();
    }
    for (path, body, reason) in [
        (
            "finality_update",
            "{\"version\":\"fulu\",\"data\":{\"att".into(),
            "malformed",
        ),
        (
            "finality_update",
            " ".repeat(json::MAX_SHORT_UPDATE + 1),
            "more than",
        ),
        ("bootstrap/", "<html>".into(), "malformed"),
        ("updates", "{}".into(), "malformed"),
    ] {
        let liar = world.node("http://liar:1");
        liar.tell(&update);
        liar.answer(path, body);
        let mut client = world.client(&[&liar, &honest]);
        assert_eq!(client.newest(at(32)).await.unwrap().slot, Some(24));
        assert!(error(&client, 0).contains(reason), "{}", error(&client, 0));
        world.store.set_light_client(nothing()).await.unwrap();
    }
}

/// Makes the next client begin anew.
fn nothing() -> LightClientRow {
    LightClientRow {
        checkpoint: [0; 32],
        bridged: 0,
        position: String::new(),
        committees: String::new(),
    }
}

#[tokio::test]
async fn an_old_head_is_no_news() {
    let mut world = World::new();
    let old = world.node("http://old:1");
    old.tell(&world.update(30, 24, 32));
    let mut client = world.client(&[&old]);
    let now = at(31 + OLD_SLOTS + 1);
    let refused = client.newest(now).await.unwrap_err().to_string();
    assert!(
        refused.contains("signed in the last 6 minutes"),
        "{refused}"
    );
    // What it proves is taken all the same, with its age.
    let status = client.status(now);
    assert_eq!(status.health, Health::Attention);
    assert_eq!(status.block.unwrap().slot, Some(24));

    // A slot that is claimed makes it no newer.
    let mut claim = world.update(20, 16, 32);
    claim.signature_slot = 31 + OLD_SLOTS + 1;
    old.tell(&claim);
    let refused = client.newest(now).await.unwrap_err().to_string();
    assert!(refused.contains("signed in the last"), "{refused}");

    let fresh = world.node("http://fresh:2");
    fresh.tell(&world.update(90, 80, 32));
    let mut client = world.client(&[&old, &fresh]);
    assert_eq!(client.newest(now).await.unwrap().slot, Some(80));
}

#[tokio::test]
async fn an_unknown_fork_stops_it_and_is_said() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    node.tell(&world.update(30, 24, 32));
    let mut client = world.client(&[&node]);
    client.newest(at(32)).await.unwrap();
    for fork in ["gloas", "heze"] {
        let alien = format!(r#"{{"version":"{fork}","data":{{}}}}"#);
        node.answer("finality_update", alien);
        client.newest(at(40)).await.unwrap_err();
        let status = client.status(at(40));
        assert_eq!(status.health, Health::Failing);
        assert_eq!(status.block.unwrap().slot, Some(24));
        for words in [fork, "newer version of the box"] {
            assert!(status.sentence.contains(words), "{}", status.sentence);
        }
    }
    // One node alone cannot stop a box that has another.
    let honest = world.node("http://b:2");
    honest.tell(&world.update(38, 32, 32));
    let mut client = world.client(&[&node, &honest]);
    assert_eq!(client.newest(at(40)).await.unwrap().slot, Some(32));
    assert_eq!(client.status(at(40)).health, Health::Well);
}

#[tokio::test]
async fn too_long_without_news_is_said() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    // A period is 384 s here; 15 days are far more of them than one answer has.
    let late = START + 15 * DAY / 6;
    node.tell(&world.update(30, 24, 32));
    let mut client = world.client(&[&node]);
    client.newest(at(late)).await.unwrap_err();
    assert_eq!(client.status(at(late)).health, Health::Failing);

    let mut client = world.client(&[&node]);
    client.newest(at(32)).await.unwrap();
    let status = client.status(at(32));
    assert_eq!(status.health, Health::Attention);
    for words in ["15 days old", "chain_checkpoint"] {
        assert!(status.sentence.contains(words), "{}", status.sentence);
    }
    let status = client.status(at(24 + 8 * 8 + 1));
    assert!(status.health == Health::Attention);
}

#[tokio::test]
async fn nothing_final_for_long_is_said() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    node.tell(&world.update(30, 24, 32));
    let mut client = world.client(&[&node]);
    client.newest(at(32)).await.unwrap();
    assert_eq!(client.status(at(24 + 64)).health, Health::Well);
    let status = client.status(at(24 + 65));
    assert_eq!(status.health, Health::Attention);
    assert!(status.sentence.contains("Nothing newer has become final"));
}

#[tokio::test]
async fn a_handful_of_signatures_never_chooses_the_next_committee() {
    let mut world = World::new();
    let node = world.node("http://a:1");
    for (participants, chosen) in [(21, false), (22, true)] {
        // Nothing is final, and a period later the committee of the next one is still unknown.
        let mut update = world.update(30, 24, participants);
        update.finality = None;
        node.tell(&update);
        let mut client = world.client(&[&node]);
        client.newest(at(32)).await.unwrap();
        assert!(!client.client.as_ref().unwrap().knows_next_committee());
        let _ = client.newest(at(START + PERIOD + 1)).await;
        let light = client.client.as_ref().unwrap();
        assert_eq!(light.knows_next_committee(), chosen, "{participants}");
        assert_eq!(client.status(at(40)).block.unwrap().slot, Some(START));
    }
}

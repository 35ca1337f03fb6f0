//! Every check by a lie that it alone refuses, on a chain of our own that goes through all forks.

#![allow(clippy::unwrap_used, clippy::panic)]

use seedbox_light_client::{
    Branch, Bytes, Error, ExecutionHeader, Fork, Header, Network, Preset, Root, ScheduledFork,
    Store, Update, json,
    testing::{self, Block, SignedChain},
};

const SIZE: usize = 32;
/// First slots of the forks.
const DENEB: u64 = 4 * 8;
const ELECTRA: u64 = 8 * 8;
const FULU: u64 = 16 * 8;
const GLOAS: u64 = 32 * 8;
/// Long after everything that is signed here.
const LATER: u64 = 10_000;

fn network() -> Network {
    let fork = |fork, slot, version| ScheduledFork {
        fork,
        version: Bytes([version, 0, 0, 9]),
        epoch: slot / 8,
    };
    Network {
        genesis_validators_root: Bytes([7; 32]),
        genesis_time: 1_000_000,
        seconds_per_slot: 6,
        preset: Preset::Minimal,
        forks: vec![
            fork(Fork::Capella, 0, 3),
            fork(Fork::Deneb, DENEB, 4),
            fork(Fork::Electra, ELECTRA, 5),
            fork(Fork::Fulu, FULU, 6),
            fork(Fork::Gloas, GLOAS, 7),
        ],
    }
}

fn execution(slot: u64) -> ExecutionHeader {
    let blob_gas = |amount| (DENEB..).contains(&slot).then_some(amount);
    ExecutionHeader {
        block_number: 100 + slot,
        timestamp: 1_000_000 + 6 * slot,
        state_root: Bytes([u8::try_from(slot % 251).unwrap(); 32]),
        block_hash: Bytes([u8::try_from(slot % 241).unwrap(); 32]),
        extra_data: b"a chain of our own".to_vec(),
        base_fee_per_gas: "123456789012345678901234567890".parse().unwrap(),
        blob_gas_used: blob_gas(131_072),
        excess_blob_gas: blob_gas(7),
        ..ExecutionHeader::default()
    }
}

/// A chain and a client that begins at one of its blocks.
struct World {
    chain: SignedChain,
    store: Store,
}

impl World {
    fn at(slot: u64) -> Self {
        let mut chain = SignedChain::new(network(), 1);
        let block = chain.block(slot, execution(slot), None).unwrap();
        let store = Store::new(network(), block.root(), block.bootstrap()).unwrap();
        Self { chain, store }
    }

    fn block(&mut self, slot: u64, finalized: Option<u64>) -> Block {
        let finalized = finalized.map(|slot| self.block(slot, None));
        let block = self.chain.block(slot, execution(slot), finalized.as_ref());
        block.unwrap()
    }

    /// All sign `attested`, in whose eyes `finalized` is final, in the slot after it.
    fn update(&mut self, attested: u64, finalized: u64) -> Update {
        let block = self.block(attested, Some(finalized));
        self.chain.update(&block, attested + 1, SIZE).unwrap()
    }

    fn refuses(&mut self, update: Update) -> Error {
        let before = self.store.save().unwrap();
        let error = self.store.process(update, LATER).unwrap_err();
        assert_eq!(
            self.store.save().unwrap(),
            before,
            "a refusal changed something"
        );
        error
    }

    fn follows(&mut self, update: Update) {
        self.store.process(update, LATER).unwrap();
    }
}

#[test]
fn goes_through_every_fork_and_period() {
    let mut world = World::at(8);
    let network = network();
    // Period by period, and over each fork's first slot with a finalized block from before it.
    for (attested, finalized) in [
        (30, 24),
        (40, 24),
        (ELECTRA - 4, ELECTRA - 16),
        (ELECTRA + 4, ELECTRA - 8),
        (ELECTRA + 20, ELECTRA + 8),
        (FULU + 2, FULU - 8),
        (FULU + 20, FULU + 8),
        (GLOAS - 8, GLOAS - 16),
    ] {
        let update = world.update(attested, finalized);
        let fork = network.fork_at(attested).unwrap();
        let body = format!("[{}]", testing::update_json(fork, &update).unwrap());
        let mut read = json::updates(&network, body.as_bytes(), 1).unwrap();
        world.follows(read.remove(0));
        if world.store.finalized().slot > 24 {
            assert_eq!(world.store.finalized().slot, finalized);
        }
        assert_eq!(world.store.optimistic().slot, attested);
    }
    let finalized = world.store.finalized();
    let slot = GLOAS - 16;
    assert_eq!((finalized.slot, finalized.block_number), (slot, 100 + slot));
    assert_eq!(finalized.state_root, execution(slot).state_root);
    assert_eq!(finalized.block_hash, execution(slot).block_hash);
    assert_eq!(finalized.timestamp.0, execution(slot).timestamp);
}

#[test]
fn data_of_an_old_fork_in_a_newer_shape_is_understood() {
    let mut world = World::at(8);
    let mut update = world.update(30, 24);
    let upgrade = |header: &mut Header| {
        header.execution.blob_gas_used = Some(0);
        header.execution.excess_blob_gas = Some(0);
    };
    upgrade(&mut update.attested_header);
    let finality = update.finality.as_mut().unwrap();
    upgrade(&mut finality.header);
    finality.branch.insert(0, Root::ZERO);
    let committee = update.next_sync_committee.as_mut().unwrap();
    committee.branch.insert(0, Root::ZERO);
    let text = testing::update_json(Fork::Electra, &update).unwrap();
    let mut read = json::updates(&network(), format!("[{text}]").as_bytes(), 1).unwrap();
    let read = read.remove(0);
    world.follows(read.clone());
    assert_eq!(world.store.finalized().slot, 24);

    let mut world = World::at(8);
    let mut lie = read.clone();
    lie.attested_header.execution.blob_gas_used = Some(1);
    assert_eq!(world.refuses(lie), Error::WrongExecutionHeader { slot: 30 });
    let mut lie = read;
    lie.finality.as_mut().unwrap().branch[0] = Bytes([1; 32]);
    assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Finality));
}

#[test]
fn the_checkpoint_is_the_only_beginning() {
    let mut chain = SignedChain::new(network(), 1);
    for slot in [8, DENEB + 8, ELECTRA + 8, FULU + 8] {
        let block = chain.block(slot, execution(slot), None).unwrap();
        let (trusted, good) = (block.root(), block.bootstrap());
        let new = |trusted, bootstrap| Store::new(network(), trusted, bootstrap).map(|_| ());
        assert_eq!(new(trusted, good.clone()), Ok(()));

        let text = testing::bootstrap_json(block.fork(), &good).unwrap();
        assert_eq!(json::bootstrap(&network(), text.as_bytes()).unwrap(), good);

        let other = new(Bytes([1; 32]), good.clone());
        assert!(
            matches!(other, Err(Error::WrongCheckpoint { .. })),
            "{other:?}"
        );
        let mut lie = good.clone();
        lie.current_sync_committee.pubkeys.swap(0, 1);
        let wrong = Err(Error::WrongBranch(Branch::CurrentCommittee));
        assert_eq!(new(trusted, lie), wrong);
        let mut lie = good.clone();
        lie.current_sync_committee_branch[2].0[0] ^= 1;
        assert_eq!(new(trusted, lie), wrong);
        let mut lie = good;
        lie.header.execution.block_number += 1;
        assert_eq!(
            new(trusted, lie),
            Err(Error::WrongBranch(Branch::Execution))
        );
    }
}

#[test]
fn only_the_committee_may_sign() {
    let mut world = World::at(8);
    let good = world.update(30, 24);

    // Other people's keys, a damaged signature, another block, another slot's fork.
    let mut lie = good.clone();
    let mut stranger = SignedChain::new(network(), 2);
    lie.sync_aggregate = stranger.sign(&good.attested_header, 31, SIZE).unwrap();
    assert_eq!(world.refuses(lie), Error::WrongSignature);
    let mut lie = good.clone();
    lie.sync_aggregate.signature.0[20] ^= 1;
    assert_eq!(world.refuses(lie), Error::WrongSignature);
    let mut lie = good.clone();
    lie.attested_header.beacon.proposer_index += 1;
    assert_eq!(world.refuses(lie), Error::WrongSignature);
    let mut lie = good.clone();
    lie.signature_slot = DENEB + 8;
    assert_eq!(world.refuses(lie), Error::WrongSignature);

    // More or fewer than those who did sign.
    let block = world.block(30, Some(24));
    let mut lie = world.chain.update(&block, 31, SIZE - 1).unwrap();
    lie.sync_aggregate.participation[SIZE - 1] = true;
    assert_eq!(world.refuses(lie), Error::WrongSignature);
    let mut lie = good.clone();
    lie.sync_aggregate.participation[0] = false;
    assert_eq!(world.refuses(lie), Error::WrongSignature);
    let nobody = world.chain.update(&block, 31, 0).unwrap();
    assert_eq!(world.refuses(nobody), Error::NoParticipants);

    // The same keys on a chain that began otherwise.
    let mut elsewhere = network();
    elsewhere.genesis_validators_root = Bytes([8; 32]);
    let mut elsewhere = SignedChain::new(elsewhere, 1);
    let lie = elsewhere.update(&block, 31, SIZE).unwrap();
    assert_eq!(world.refuses(lie), Error::WrongSignature);
    world.follows(good);
}

#[test]
fn two_thirds_make_it_final() {
    let mut world = World::at(8);
    let block = world.block(30, Some(24));
    let few = world.chain.update(&block, 31, 21).unwrap();
    world.follows(few);
    assert_eq!(world.store.finalized().slot, 8);
    assert_eq!(world.store.optimistic().slot, 30);
    assert!(!world.store.knows_next_committee());
    let enough = world.chain.update(&block, 31, 22).unwrap();
    world.follows(enough);
    assert_eq!(world.store.finalized().slot, 24);
    assert!(world.store.knows_next_committee());

    // Few signers do not even move the optimistic head when more have been seen.
    let block = world.block(40, Some(32));
    let few = world.chain.update(&block, 41, 11).unwrap();
    world.follows(few);
    assert_eq!(world.store.optimistic().slot, 30);
}

#[test]
fn every_proof_is_checked() {
    for slot in [8, DENEB + 8, ELECTRA + 8, FULU + 8] {
        let mut world = World::at(slot);
        let good = world.update(slot + 10, slot + 4);

        let mut lie = good.clone();
        lie.attested_header.execution.state_root.0[0] ^= 1;
        assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Execution));
        let mut lie = good.clone();
        lie.attested_header.execution_branch[3].0[0] ^= 1;
        assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Execution));

        let mut lie = good.clone();
        lie.finality.as_mut().unwrap().header = world.block(slot + 5, None).header;
        assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Finality));
        let mut lie = good.clone();
        let finality = lie.finality.as_mut().unwrap();
        finality.header.execution.state_root.0[0] ^= 1;
        assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Execution));
        let mut lie = good.clone();
        lie.finality.as_mut().unwrap().branch[5].0[0] ^= 1;
        assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Finality));
        // The header left out as if it were genesis.
        let mut lie = good.clone();
        lie.finality.as_mut().unwrap().header = Header::default();
        assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Finality));

        let mut lie = good.clone();
        let proof = lie.next_sync_committee.as_mut().unwrap();
        proof.committee.pubkeys.swap(3, 4);
        assert_eq!(
            world.refuses(lie),
            Error::WrongBranch(Branch::NextCommittee)
        );
        let mut lie = good.clone();
        lie.next_sync_committee.as_mut().unwrap().branch[4].0[0] ^= 1;
        assert_eq!(
            world.refuses(lie),
            Error::WrongBranch(Branch::NextCommittee)
        );
        world.follows(good);
    }
}

#[test]
fn genesis_is_final_without_a_header() {
    let mut world = World::at(8);
    let block = world.block(12, None);
    let mut update = world.chain.update(&block, 13, SIZE).unwrap();
    update.finality = block.genesis_finality();
    let mut lie = update.clone();
    lie.finality.as_mut().unwrap().header.execution.gas_used = 1;
    assert_eq!(world.refuses(lie), Error::WrongBranch(Branch::Finality));
    world.follows(update);
    assert_eq!(
        (world.store.finalized().slot, world.store.optimistic().slot),
        (8, 12)
    );
}

#[test]
fn slots_must_be_in_order_and_not_in_the_future() {
    let mut world = World::at(8);
    let good = world.update(30, 24);
    let early = world.store.process(good.clone(), 30).unwrap_err();
    assert_eq!(early, Error::FutureSlot { slot: 31, now: 30 });
    let mut lie = good.clone();
    lie.signature_slot = 30;
    assert!(matches!(
        world.refuses(lie),
        Error::WrongOrder { signature: 30, .. }
    ));
    let block = world.block(20, Some(24));
    let lie = world.chain.update(&block, 21, SIZE).unwrap();
    assert!(matches!(
        world.refuses(lie),
        Error::WrongOrder { finalized: 24, .. }
    ));
    world.store.process(good, 31).unwrap();
}

#[test]
fn old_news_is_refused() {
    let mut world = World::at(8);
    let update = world.update(30, 24);
    world.follows(update);
    let old = world.update(24, 16);
    let known = Error::Irrelevant {
        attested: 24,
        known: 24,
    };
    assert_eq!(world.refuses(old), known);
}

#[test]
fn no_period_is_skipped() {
    let mut world = World::at(8);
    // Without the next committee nothing signed by it can be checked.
    let next = world.update(ELECTRA + 10, ELECTRA + 2);
    let unknown = Error::WrongPeriod { found: 1, known: 0 };
    assert_eq!(world.refuses(next.clone()), unknown);
    let update = world.update(30, 24);
    world.follows(update);
    let second = world.update(FULU + 10, FULU + 2);
    let skipped = Error::WrongPeriod { found: 2, known: 0 };
    assert_eq!(world.refuses(second), skipped);
    world.follows(next);
    assert_eq!(world.store.period(), 1);
    // The last period's committee counts no more.
    let block = world.block(50, Some(40));
    let late = world.chain.update(&block, 60, SIZE).unwrap();
    let past = Error::WrongPeriod { found: 0, known: 1 };
    assert_eq!(world.refuses(late), past);
}

#[test]
fn a_second_next_committee_is_refused() {
    let mut world = World::at(8);
    let update = world.update(30, 24);
    world.follows(update);
    // A fork of the chain with other validators, signed by the committee of this one.
    let mut other = SignedChain::new(network(), 2);
    let fork = other.block(40, execution(40), None).unwrap();
    let lie = world.chain.update(&fork, 41, SIZE).unwrap();
    assert_eq!(world.refuses(lie), Error::WrongNextCommittee);
}

#[test]
fn the_signature_is_of_the_slot_before() {
    // Electra comes an epoch later over there; the first slot after the fork is signed by the
    // version before it on both chains.
    let mut later = network();
    later.forks[2].epoch += 1;
    let mut chain = SignedChain::new(later, 1);
    let mut world = World::at(ELECTRA - 16);
    let mut next = world.update(ELECTRA - 10, ELECTRA - 12);
    world.follows(next.clone());
    let block = chain
        .block(ELECTRA - 1, execution(ELECTRA - 1), None)
        .unwrap();
    next = chain.update(&block, ELECTRA, SIZE).unwrap();
    world.follows(next.clone());
    next = chain.update(&block, ELECTRA + 1, SIZE).unwrap();
    assert_eq!(world.refuses(next), Error::WrongSignature);
}

#[test]
fn an_execution_header_of_another_fork_is_refused() {
    for (slot, blob_gas) in [(8, Some(1)), (DENEB + 8, None)] {
        let mut world = World::at(slot);
        let mut lie = world.update(slot + 10, slot + 4);
        lie.attested_header.execution.blob_gas_used = blob_gas;
        lie.attested_header.execution.excess_blob_gas = blob_gas;
        assert_eq!(
            world.refuses(lie),
            Error::WrongExecutionHeader { slot: slot + 10 }
        );
        let mut lie = world.update(slot + 10, slot + 4);
        let execution = &mut lie.attested_header.execution;
        execution.excess_blob_gas = if slot == 8 { Some(0) } else { None };
        assert_eq!(
            world.refuses(lie),
            Error::WrongExecutionHeader { slot: slot + 10 }
        );
    }
}

#[test]
fn an_unknown_fork_stops_it() {
    let mut world = World::at(GLOAS - 20);
    let update = world.update(GLOAS - 4, GLOAS - 12);
    let text = testing::finality_update_json(Fork::Fulu, &update).unwrap();
    let read = |version: &str| {
        let text = text.replace("\"fulu\"", &format!("\"{version}\""));
        json::finality_update(&network(), text.as_bytes())
    };
    assert!(read("fulu").is_ok() && read("electra").is_ok());
    let unsupported = Error::UnsupportedFork { fork: Fork::Gloas };
    assert_eq!(read("gloas").unwrap_err(), unsupported);
    let unknown = read("heze").unwrap_err();
    assert!(matches!(unknown, Error::UnknownFork { .. }) && unknown.asks_for_newer_box());
    assert!(matches!(read("altair"), Err(Error::Malformed { .. })));
    assert!(matches!(read("capella"), Err(Error::Malformed { .. })));
    // Its name alone decides, before any of its data is looked at.
    let alien = br#"{"version":"heze","data":{"execution_block_hash":1}}"#;
    let alien = json::bootstrap(&network(), alien).unwrap_err();
    assert_eq!(
        alien,
        Error::UnknownFork {
            name: "heze".into()
        }
    );

    // Signed after the fork, of a block from before it: the last that can be followed.
    world.follows(update);
    let block = world.block(GLOAS - 1, Some(GLOAS - 8));
    let last = world.chain.update(&block, GLOAS, SIZE).unwrap();
    world.follows(last.clone());
    let mut lie = last.clone();
    lie.signature_slot = GLOAS + 1;
    assert_eq!(world.refuses(lie), unsupported);
    let mut lie = last;
    lie.attested_header.beacon.slot = GLOAS;
    lie.signature_slot = GLOAS + 1;
    assert_eq!(world.refuses(lie), unsupported);
}

#[test]
fn a_silent_period_can_be_bridged_but_is_not_final() {
    let mut world = World::at(8);
    let block = world.block(30, None);
    let signed = world.chain.update(&block, 31, 25).unwrap();
    world.follows(signed);
    assert_eq!(world.store.best_update().unwrap().attested_slot(), 30);
    assert!(!world.store.force_update(8 + 64).unwrap());
    assert!(world.store.force_update(8 + 64 + 1).unwrap());
    assert!(!world.store.force_update(LATER).unwrap());
    assert_eq!(world.store.headers().0.beacon.slot, 30);
    assert_eq!(world.store.finalized().slot, 8);
    assert!(world.store.knows_next_committee());
    // Then it goes on as ever.
    let next = world.update(ELECTRA + 10, ELECTRA + 2);
    world.follows(next);
    assert_eq!(world.store.finalized().slot, ELECTRA + 2);
}

#[test]
fn a_network_that_makes_no_sense_is_refused() {
    let text = serde_json::to_string(&network()).unwrap();
    assert_eq!(Network::from_json(text.as_bytes()).unwrap(), network());
    for (from, to) in [
        ("\"seconds_per_slot\":6", "\"seconds_per_slot\":0"),
        ("\"epoch\":8", "\"epoch\":3"),
        ("\"fork\":\"deneb\"", "\"fork\":\"fulu\""),
        ("\"fork\":\"deneb\"", "\"fork\":\"capella\""),
        ("\"preset\":\"minimal\"", "\"preset\":\"tiny\""),
        ("\"preset\"", "\"prest\""),
    ] {
        assert!(text.contains(from));
        let wrong = Network::from_json(text.replace(from, to).as_bytes());
        assert!(matches!(wrong, Err(Error::Network(_))), "{to}: {wrong:?}");
    }
    let mut empty = network();
    empty.forks.clear();
    let mut chain = SignedChain::new(network(), 1);
    let block = chain.block(8, execution(8), None).unwrap();
    let started = Store::new(empty, block.root(), block.bootstrap());
    assert!(matches!(started, Err(Error::Network(_))));
    let mut late = network();
    late.forks.remove(0);
    let started = Store::new(late, block.root(), block.bootstrap());
    assert!(matches!(started, Err(Error::TooOld { slot: 8 })));
}

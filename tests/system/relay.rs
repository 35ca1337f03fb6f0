//! The relay through real boxes: two people talk in a room, each by an entry of his own; limits and
//! ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::random;
use seedbox_relay_proto::{
    ClientSecret, Descriptor, RoomName, RoomSecret, policy,
    sealed::{Note, RoomKeys},
};
use serde_json::Value;
use system_tests::{
    relay::{BoxKeys, RelayClient, Told},
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(15);

/// A box on this machine's mesh.
fn settings() -> Result<Settings> {
    Ok(Settings::new()?.set("mesh_addresses", "127.0.0.1:0"))
}

/// How other boxes are told of this one.
fn named(descriptor: &Descriptor) -> Result<String> {
    let address = descriptor.addresses.first().context("no address")?;
    Ok(format!("{}@{address}", hex::encode(descriptor.node.0)))
}

fn room(policy: u8) -> RoomName {
    RoomName {
        policy,
        owner: [0; 32],
        salt: RoomSecret::new([7; 32]).salt(),
        rule: None,
    }
}

fn knows(seedbox: &Seedbox, number: usize) -> Result<()> {
    wait_until("the boxes to know each other", LIMIT, || {
        seedbox.knows_boxes(number)
    })
}

#[test]
fn two_people_talk_through_three_boxes() -> Result<()> {
    let room_box = settings()?.start()?;
    room_box.claim()?;
    let keys = room_box.relay_descriptor()?;
    let ours = settings()?.set("relay_boxes", named(&keys)?).start()?;
    let theirs = settings()?.set("relay_boxes", named(&keys)?).start()?;
    knows(&ours, 2)?;
    knows(&theirs, 2)?;
    // Who asked was heard, too.
    knows(&room_box, 3)?;

    let at_room = BoxKeys::from(&keys);
    let mut anna = RelayClient::connect(
        ours.public_address()?,
        &[(&ours.relay_descriptor()?).into(), at_room],
    )?;
    let mut bert = RelayClient::connect(
        theirs.public_address()?,
        &[(&theirs.relay_descriptor()?).into(), at_room],
    )?;
    let annas = anna.join(room(0))?;
    let berts = bert.join(room(0))?;
    ensure!(annas != berts);
    anna.wait(|told| (*told == Told::Member(berts)).then_some(()))?;

    let hello = b"hello, this is thirty bytes or more".to_vec();
    anna.send(&hello)?;
    bert.wait(|told| (*told == Told::Message(annas, hello.clone())).then_some(()))?;
    let pose = vec![5; 200];
    bert.pose(&pose)?;
    anna.wait(|told| (*told == Told::Pose(berts, pose.clone())).then_some(()))?;

    wait_until("the owner to see sums", LIMIT, || {
        let status: Value = room_box.admin().get("/api/v1/status")?;
        let relay = &status["relay"];
        let sums = ["rooms", "members", "clients", "streams"].map(|name| relay[name].as_u64());
        ensure!(sums == [Some(1), Some(2), Some(0), Some(2)], "{relay}");
        Ok(())
    })?;

    drop(bert);
    anna.wait(|told| (*told == Told::Left(berts)).then_some(()))?;
    Ok(())
}

#[test]
fn three_hops_carry_and_one_is_refused_where_it_is_not_allowed() -> Result<()> {
    let room_box = settings()?.start()?;
    let keys = room_box.relay_descriptor()?;
    let middle = settings()?.set("relay_boxes", named(&keys)?).start()?;
    let middle_keys = middle.relay_descriptor()?;
    let first = settings()?
        .set("relay_boxes", named(&middle_keys)?)
        .start()?;
    knows(&first, 2)?;
    knows(&middle, 2)?;
    let path = [
        BoxKeys::from(&first.relay_descriptor()?),
        (&middle_keys).into(),
        (&keys).into(),
    ];
    let mut anna = RelayClient::connect(first.public_address()?, &path)?;
    let annas = anna.join(room(policy::DIRECT))?;

    let mut bert = RelayClient::connect(room_box.public_address()?, &[(&keys).into()])?;
    bert.join(room(policy::DIRECT))?;
    let hello = vec![9; 5_000];
    anna.send(&hello)?;
    bert.wait(|told| (*told == Told::Message(annas, hello.clone())).then_some(()))?;

    let mut carl = RelayClient::connect(room_box.public_address()?, &[(&keys).into()])?;
    ensure!(
        carl.join(room(0)).is_err(),
        "one hop where two are asked for"
    );
    Ok(())
}

#[test]
fn notes_wait_for_who_comes_later() -> Result<()> {
    let room_box = settings()?.set("relay_mailbox", "4100B").start()?;
    let keys = room_box.relay_descriptor()?;
    let secret = RoomSecret::new([7; 32]);
    let name = room(policy::DIRECT);
    let sealing = RoomKeys::new(name.id(), &secret);
    let author = ClientSecret::new([3; 32]);
    let note = |number: u8| Note {
        client: author.public(),
        written: 1_700_000_000,
        profile: Vec::new(),
        payload: vec![number; 300],
    };
    let mut anna = RelayClient::connect(room_box.public_address()?, &[(&keys).into()])?;
    anna.join(name)?;
    ensure!(anna.fetch(0)?.is_empty());
    for number in 0..8 {
        let sealed = note(number).seal(&sealing, &author, random())?;
        anna.keep(&sealed)?;
    }
    let sealed = note(8).seal(&sealing, &author, random())?;
    let full = anna
        .keep(&sealed)
        .err()
        .context("more than there is room for")?;
    ensure!(full.to_string().contains("Full"), "{full}");
    drop(anna);

    // What was said yes to is there after the power went.
    let room_box = room_box.kill()?.start()?;
    let keys = room_box.relay_descriptor()?;
    let mut bert = RelayClient::connect(room_box.public_address()?, &[(&keys).into()])?;
    bert.join(name)?;
    let read: Result<Vec<Note>, _> = bert
        .fetch(0)?
        .iter()
        .map(|sealed| Note::open(&sealing, sealed).map(|(note, _)| note))
        .collect();
    let expected: Vec<Note> = (0..8).map(note).collect();
    ensure!(read? == expected);

    let without = settings()?.start()?;
    let keys = without.relay_descriptor()?;
    let mut carl = RelayClient::connect(without.public_address()?, &[(&keys).into()])?;
    carl.join(name)?;
    let refused = carl.keep(&sealed).err().context("there is no mailbox")?;
    ensure!(refused.to_string().contains("Role"), "{refused}");
    ensure!(carl.fetch(0).is_err());
    Ok(())
}

#[test]
fn a_box_that_does_not_relay_says_so() -> Result<()> {
    let settings = settings()?.set("relay", "false");
    let seedbox = settings.start()?;
    let answer = seedbox.public().send("GET", "/relay", &[], None)?;
    ensure!(answer.status == 404, "{}", answer.status);
    ensure!(seedbox.relay_descriptors()?.is_empty());
    ensure!(!settings.data().join("node.key").exists());
    Ok(())
}

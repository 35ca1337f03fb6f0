//! Frames, cells, records, handshakes, rooms, tickets, invitations.

use bytes::BytesMut;
use hex::encode;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Value, json};

use super::same;
use crate::{
    Cell, ClientSecret, Code, Delegation, Invitation, NodeId, NoiseSecret, RoomBox, RoomName,
    RoomSecret, Rule, TicketSecret, Wants, challenge,
    frame::{CLASSES, Challenge, DEEPEST, Grant, Handshake, Init, Solution},
    noise::{Initiator, respond},
    policy,
    record::{EVERYBODY, Join, Record},
};

/// The ephemeral private key that a handshake with this seed uses.
fn ephemeral(seed: [u8; 32]) -> [u8; 32] {
    let mut secret = [0; 32];
    ChaCha20Rng::from_seed(seed).fill_bytes(&mut secret);
    secret
}

fn handshake(depth: u8) -> Value {
    let (node, secret) = (NodeId([9; 32]), NoiseSecret::new([8; 32]));
    let (seed, theirs) = ([depth + 1; 32], [depth + 101; 32]);
    let limits = crate::server::Limits {
        tick: 40,
        ..Default::default()
    };
    let grant = limits.grant();
    let initiator = Initiator::new(node, secret.public(), depth, seed).unwrap();
    let frame = initiator.init();
    let init = Init::parse(&frame).unwrap();
    let (mut server, message) = respond(node, &secret, &init, &grant, theirs).unwrap();
    let (mut client, granted) = initiator.finish(&message).unwrap();
    assert_eq!(granted, grant);
    let mut cells = Vec::new();
    for number in 0..3_u8 {
        for (direction, sender) in [("to_box", &mut client), ("to_client", &mut server)] {
            let mut cell = Cell::new(depth);
            cell.push(&Record::Ping([number; 8]));
            let frame = cell.seal(sender).unwrap().unwrap();
            cells.push(json!({
                "direction": direction,
                "record": {"ping": encode([number; 8])},
                "frame": encode(frame),
            }));
        }
    }
    json!({
        "depth": depth,
        "node": encode(node.0),
        "noise_secret": encode([8; 32]),
        "noise_public": encode(secret.public().0),
        "client_ephemeral_secret": encode(ephemeral(seed)),
        "box_ephemeral_secret": encode(ephemeral(theirs)),
        "init": encode(&frame),
        "accept": encode(Handshake::Accept(&message).write(depth)),
        "grant": grant_of(&grant),
        "hash": encode(client.hash()),
        "cells": cells,
    })
}

fn grant_of(grant: &Grant) -> Value {
    json!({
        "roles": grant.roles, "tick": grant.tick, "members": grant.members,
        "poses": grant.poses, "messages": grant.messages, "bytes": grant.bytes,
    })
}

#[test]
fn handshakes() {
    let given = challenge::challenge(&[3; 32], &[4; 32], 12, 1_000_000);
    let solution = challenge::solve(&given, &[4; 32]);
    let frame = |frame: Handshake<'_>| encode(frame.write(1));
    let init = Init {
        version: 1,
        depth: 1,
        solution,
        noise: &[4; 191],
    };
    same(
        include_str!("../../vectors/handshakes.json"),
        &json!({
            "sessions": (0..=DEEPEST).map(handshake).collect::<Vec<_>>(),
            "challenge": {
                "bits": given.bits,
                "nonce": encode(given.nonce),
                "ephemeral": encode([4; 32]),
                "lowest_counter": solution.counter,
                "frame_depth_1": frame(Handshake::Challenge(given)),
                "init_depth_1": encode(init.write()),
            },
            "refuse_busy_depth_1": frame(Handshake::Refuse { versions: (1, 1), code: Code::Busy }),
        }),
    );
    assert_eq!(Solution::default().counter, 0);
    assert!(given.bits == Challenge { ..given }.bits);
}

#[test]
fn every_record() {
    let owner = ClientSecret::new([1; 32]);
    let client = ClientSecret::new([2; 32]);
    let invitation = invitation(&owner);
    let room = invitation.name();
    let ticket = invitation
        .ticket
        .as_ref()
        .unwrap()
        .admit(room.id(), &client.public())
        .write();
    let others = [[3; 33], [4; 33]].concat();
    let sealed = [7; 60];
    let join = Join {
        room,
        client: client.public(),
        signature: client.sign_join(&[5; 32], room.id()),
        ticket: &ticket,
        delegation: &[],
    };
    let wants = Wants::Pass { x: -3, y: 4 };
    let ruled = RoomName {
        policy: policy::ENTITLEMENT,
        rule: Some(Rule { chain: 1, wants }),
        ..room
    };
    let delegation = Delegation {
        wallet: [7; 20],
        expires: 4_000_000_000,
        signature: [8; 65],
    };
    let delegation = delegation.write();
    let entitled = Join {
        room: ruled,
        signature: client.sign_join(&[5; 32], ruled.id()),
        ticket: &[],
        delegation: &delegation,
        ..join
    };
    let (circuit, code) = (0x0102_0304, Code::Unreachable);
    let records = [
        ("PING", Record::Ping([1; 8])),
        ("PONG", Record::Pong([1; 8])),
        ("CLOSE", Record::Close(Code::Stopping)),
        (
            "OPEN",
            Record::Open {
                circuit,
                node: [6; 32],
            },
        ),
        ("CLOSED", Record::Closed { circuit, code }),
        (
            "DATA",
            Record::Data {
                circuit,
                frame: &[9; 217],
            },
        ),
        ("JOIN", Record::Join(join)),
        ("JOIN with a rule", Record::Join(entitled)),
        (
            "JOINED",
            Record::Joined {
                slot: 3,
                others: &others,
            },
        ),
        (
            "MEMBER",
            Record::Member {
                slot: 4,
                client: client.public(),
            },
        ),
        (
            "LEFT",
            Record::Left {
                slot: 4,
                code: Code::Bye,
            },
        ),
        ("LEAVE", Record::Leave),
        ("POSE", Record::Pose(&sealed)),
        (
            "POSE_FROM",
            Record::PoseFrom {
                slot: 4,
                sealed: &sealed,
            },
        ),
        (
            "SEND",
            Record::Send {
                to: EVERYBODY,
                sealed: &sealed,
            },
        ),
        (
            "SENT",
            Record::Sent {
                from: 4,
                to: EVERYBODY,
                sealed: &sealed,
            },
        ),
        (
            "BLOCK",
            Record::Block(owner.block(room.id(), client.public(), 1_000, 2_000)),
        ),
        (
            "REFUSED",
            Record::Refused {
                record: 0x20,
                code: Code::Ticket,
            },
        ),
        ("KEEP", Record::Keep(&[8; 512])),
        ("KEPT", Record::Kept(5)),
        ("FETCH", Record::Fetch(5)),
        (
            "NOTE",
            Record::Note {
                number: 6,
                kept: 1_000,
                sealed: &[8; 512],
            },
        ),
        (
            "SLOWER",
            Record::Slower {
                record: 0x25,
                pause: 250,
            },
        ),
    ];
    let made: Vec<_> = records
        .iter()
        .map(|(name, record)| {
            let mut bytes = Vec::new();
            record.write(&mut bytes);
            json!({"name": name, "bytes": encode(bytes)})
        })
        .collect();
    let cells: Vec<_> = (0..=DEEPEST)
        .flat_map(|depth| CLASSES.map(|class| (depth, class)))
        .map(|(depth, class)| {
            let frame = class - 23 * usize::from(depth);
            json!({"depth": depth, "frame": frame, "records_at_most": frame - 16})
        })
        .collect();
    same(
        include_str!("../../vectors/records.json"),
        &json!({
            "owner_seed": encode([1; 32]), "client_seed": encode([2; 32]),
            "session_hash": encode([5; 32]), "records": made, "classes": cells,
        }),
    );
}

fn invitation(owner: &ClientSecret) -> Invitation {
    let mut invitation = Invitation {
        policy: policy::TICKET,
        owner: owner.public(),
        secret: RoomSecret::new([2; 32]),
        boxes: vec![RoomBox {
            node: NodeId([3; 32]),
            noise: NoiseSecret::new([4; 32]).public(),
        }],
        ticket: None,
        rule: None,
    };
    let (id, key) = (invitation.name().id(), ClientSecret::new([5; 32]));
    invitation.ticket = Some(TicketSecret::issue(owner, id, key, 4_000_000_000));
    invitation
}

#[test]
fn rooms() {
    let owner = ClientSecret::new([1; 32]);
    let invitation = invitation(&owner);
    let keys = crate::sealed::RoomKeys::new(invitation.name().id(), &invitation.secret);
    let ticket = invitation.ticket.as_ref().unwrap();
    let client = ClientSecret::new([6; 32]).public();
    let parcel = RoomSecret::of_parcel(1, &[7; 20], -3, 4);
    same(
        include_str!("../../vectors/rooms.json"),
        &json!({
            "secret": encode([2; 32]),
            "policy": invitation.policy,
            "owner_seed": encode([1; 32]),
            "owner": encode(owner.public()),
            "salt": encode(invitation.secret.salt()),
            "hello_root": encode(*keys.hello),
            "psk": encode(*keys.psk),
            "room_id": encode(keys.id.0),
            "invitation": invitation.text(),
            "ticket": {
                "seed": encode([5; 32]),
                "client": encode(client),
                "bytes": encode(ticket.admit(keys.id, &client).write()),
            },
            "parcel": {
                "chain": 1, "contract": encode([7; 20]), "x": -3, "y": 4,
                "secret": encode(*parcel.0),
            },
        }),
    );
    let mut frame = BytesMut::new();
    Record::Leave.write(&mut frame);
    assert_eq!(frame.len(), Record::Leave.length());
}

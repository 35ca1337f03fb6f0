//! Chains, HELLO, KEY, GROUP and DIRECT.

use hex::encode;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Value, json};

use super::same;
use crate::{
    ClientSecret, RoomId, RoomSecret,
    sealed::{
        Chain, Direct, Group, Hello, Key, Note, Parties, ReceiveSecret, RoomKeys, Sealed, kind,
    },
};

fn chain(name: &str, kind: u8, stride: u64) -> Value {
    let sender = ClientSecret::new([2; 32]).public();
    let mut sending = Chain::new(stride, 0, [1; 32]);
    let mut receiving = sending.clone();
    let mut cells = Vec::new();
    for index in 0..=130_u64 {
        let text = format!("number {index}");
        let sealed = sending.seal(kind, 7, &sender, &[text.as_bytes()]).unwrap();
        assert_eq!(Sealed::parse(&sealed).unwrap().index, index);
        if [0, 1, 63, 64, 130].contains(&index) {
            let opened = receiving.open(index, &sender, &sealed).unwrap();
            assert_eq!(opened, text.as_bytes());
            cells.push(json!({
                "index": index, "plaintext": encode(text), "sealed": encode(sealed),
                "next_chain_key": encode(receiving.key()),
            }));
        }
    }
    json!({
        "name": name, "kind": kind, "stride": stride, "epoch": 7, "chain_key": encode([1; 32]),
        "sender_seed": encode([2; 32]), "sender": encode(sender), "cells": cells,
    })
}

#[test]
fn sealing() {
    let room = RoomKeys::new(RoomId([4; 16]), &RoomSecret::new([2; 32]));
    let (a, b) = (ClientSecret::new([10; 32]), ClientSecret::new([11; 32]));
    let receive = ReceiveSecret::new([12; 32]);
    let hello = Hello {
        client: b.public(),
        number: 3,
        receive: receive.public(),
        answer: true,
        profile: b"\x01\x03\x00Bob".to_vec(),
    };
    let hello_bytes = hello.seal(&room, &b, [13; 16]).unwrap();
    assert_eq!(Hello::open(&room, &hello_bytes), Ok(hello));
    let key = Key {
        epoch: 5,
        pose: Chain::new(64, 128, [14; 32]),
        group: Chain::new(1, 9, [15; 32]),
        direct: Chain::new(1, 2, [16; 32]),
        group_floor: 21,
        direct_floor: 22,
        held: 3,
        group_next: 23,
        direct_next: 24,
    };
    let parties = Parties {
        sender: &a.public(),
        receiver: &b.public(),
        receive: &receive.public(),
    };
    let mut rng = ChaCha20Rng::from_seed([17; 32]);
    let mut ikm = [0; 32];
    rng.clone().fill_bytes(&mut ikm);
    let key_bytes = key.seal(&room, &a, parties, 3, &mut rng).unwrap();
    let opened = Key::open(&room, &receive, parties, &key_bytes).unwrap();
    assert_eq!((opened.epoch, opened.direct_next), (5, 24));
    let note = Note {
        client: b.public(),
        written: 1_000,
        profile: b"\x01\x03\x00Bob".to_vec(),
        payload: b"later".to_vec(),
    };
    let note_bytes = note.seal(&room, &b, [13; 16]).unwrap();
    let group = Group::new(&room, &a, 21, b"hello".to_vec());
    assert!(group.is_signed(&room, &a.public()));
    let directs = [
        (
            "DATA",
            Direct::Data {
                number: 22,
                payload: b"psst".to_vec(),
            },
        ),
        ("AGAIN", Direct::Again(group.clone())),
        (
            "ACK",
            Direct::Ack {
                group_next: 1,
                direct_next: 2,
                held: 3,
            },
        ),
        ("BYE", Direct::Bye),
        ("MOVE", Direct::Move(1)),
    ];
    let directs: Vec<_> = directs
        .iter()
        .map(|(name, direct)| json!({"name": name, "plaintext": encode(direct.write())}))
        .collect();
    same(
        include_str!("../../vectors/sealing.json"),
        &json!({
            "room_id": encode(room.id.0),
            "room_secret": encode([2; 32]),
            "chains": [
                chain("POSE", kind::POSE, 64),
                chain("GROUP", kind::GROUP, 1),
                chain("DIRECT", kind::DIRECT, 1),
            ],
            "hello": {
                "client_seed": encode([11; 32]), "random": encode([13; 16]), "number": 3,
                "receive_secret": encode([12; 32]), "receive": encode(receive.public()),
                "answer": true, "profile": encode(b"\x01\x03\x00Bob"), "sealed": encode(hello_bytes),
            },
            "note": {
                "client_seed": encode([11; 32]), "random": encode([13; 16]), "written": 1_000,
                "profile": encode(b"\x01\x03\x00Bob"), "payload": encode(b"later"),
                "sealed": encode(note_bytes),
            },
            "key": {
                "sender_seed": encode([10; 32]), "receiver_seed": encode([11; 32]),
                "receive_secret": encode([12; 32]), "receive_number": 3,
                "ikm_ephemeral": encode(ikm), "epoch": 5,
                "pose": {"index": 128, "key": encode([14; 32])},
                "group": {"index": 9, "key": encode([15; 32])},
                "direct": {"index": 2, "key": encode([16; 32])},
                "group_floor": 21, "direct_floor": 22, "held": 3,
                "group_next": 23, "direct_next": 24, "sealed": encode(key_bytes),
            },
            "group": {
                "sender_seed": encode([10; 32]), "number": 21, "payload": encode(b"hello"),
                "plaintext": encode(group.write(1)),
            },
            "directs": directs,
        }),
    );
}

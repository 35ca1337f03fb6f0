//! Bytes that this implementation makes, for the one in the browser: `web-admin/world/relay` must
//! make and read the same.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fmt::Write, fs, path::Path};

use seedbox_relay_proto::{
    ClientSecret, Code, Delegation, Invitation, NodeId, NoiseSecret, RoomBox, RoomSecret, Rule,
    TicketSecret, Wants,
    frame::{Challenge, Grant, Handshake, Init},
    noise::{Initiator, respond},
    policy,
    record::{EVERYBODY, Join, Record},
    sealed::{Note, RoomKeys},
};
use serde_json::{Value, json};

const GRANT: Grant = Grant {
    roles: 7,
    tick: 40,
    members: 32,
    poses: 40,
    messages: 20,
    bytes: 65_536,
};
const CHALLENGE: Challenge = Challenge {
    bits: 8,
    nonce: [7; 16],
};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes
        .as_ref()
        .iter()
        .fold("0x".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

/// Both sides of a handshake; ephemeral keys are the first 32 bytes of ChaCha20 under the seeds.
fn handshake(depth: u8) -> Value {
    let (node, secret) = (NodeId([9; 32]), NoiseSecret::new([8; 32]));
    let client = Initiator::new(node, secret.public(), depth, [1; 32]).unwrap();
    let frame = client.init();
    let init = Init::parse(&frame).unwrap();
    let (theirs, message) = respond(node, &secret, &init, &GRANT, [2; 32]).unwrap();
    let (accept, challenge, refuse) = (
        Handshake::Accept(&message).write(depth),
        Handshake::Challenge(CHALLENGE).write(depth),
        Handshake::Refuse {
            versions: (1, 2),
            code: Code::Busy,
        }
        .write(depth),
    );
    json!({
        "depth": depth,
        "init": hex(&frame),
        "solved": hex(client.solve(&CHALLENGE)),
        "accept": hex(accept),
        "challenge": hex(challenge),
        "refuse": hex(refuse),
        "hash": hex(theirs.hash()),
    })
}

fn records() -> Value {
    let (invitation, owner) = invitation();
    let client = ClientSecret::new([6; 32]);
    let name = invitation.name();
    let ticket = invitation
        .ticket
        .as_ref()
        .unwrap()
        .admit(name.id(), &client.public())
        .write();
    let signature = client.sign_join(&[5; 32], name.id());
    let others = [[0; 33], [1; 33]].concat();
    let join = |ticket| {
        Record::Join(Join {
            room: name,
            client: client.public(),
            signature,
            ticket,
            delegation: &[],
        })
    };
    let ruled = ruled().name();
    let delegation = Delegation {
        wallet: [0x22; 20],
        expires: 2_000,
        signature: [0x33; 65],
    };
    let delegation = delegation.write();
    let entitled = Record::Join(Join {
        room: ruled,
        client: client.public(),
        signature: client.sign_join(&[5; 32], ruled.id()),
        ticket: &[],
        delegation: &delegation,
    });
    let all = [
        Record::Ping([1; 8]),
        Record::Pong([2; 8]),
        Record::Close(Code::Stopping),
        Record::Open {
            circuit: 0x0102_0304,
            node: [3; 32],
        },
        Record::Closed {
            circuit: 7,
            code: Code::Unreachable,
        },
        Record::Data {
            circuit: 8,
            frame: &[4; 50],
        },
        join(&[]),
        join(&ticket),
        Record::Joined {
            slot: 2,
            others: &others,
        },
        Record::Member {
            slot: 3,
            client: [5; 32],
        },
        Record::Left {
            slot: 4,
            code: Code::Replaced,
        },
        Record::Leave,
        Record::Pose(&[6; 30]),
        Record::PoseFrom {
            slot: 5,
            sealed: &[7; 512],
        },
        Record::Send {
            to: EVERYBODY,
            sealed: &[8; 31],
        },
        Record::Sent {
            from: 6,
            to: EVERYBODY,
            sealed: &[9; 32],
        },
        Record::Block(owner.block(name.id(), [10; 32], 1_000, u64::MAX)),
        Record::Refused {
            record: 0x20,
            code: Code::Full,
        },
        Record::Slower {
            record: 0x27,
            pause: 500,
        },
        entitled,
        Record::Keep(&[11; 512]),
        Record::Kept(12),
        Record::Fetch(13),
        Record::Note {
            number: 14,
            kept: 1_000,
            sealed: &[15; 1_024],
        },
        Record::Note {
            number: 14,
            kept: 1,
            sealed: &[],
        },
    ];
    let written = all.iter().map(|record| {
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        hex(bytes)
    });
    written.collect()
}

fn invitation() -> (Invitation, ClientSecret) {
    let owner = ClientSecret::new([1; 32]);
    let place = |byte| RoomBox {
        node: NodeId([byte; 32]),
        noise: NoiseSecret::new([byte; 32]).public(),
    };
    let mut invitation = Invitation {
        policy: policy::TICKET | policy::DIRECT,
        owner: owner.public(),
        secret: RoomSecret::new([2; 32]),
        boxes: vec![place(3), place(4)],
        ticket: None,
        rule: None,
    };
    let id = invitation.name().id();
    let ticket = TicketSecret::issue(&owner, id, ClientSecret::new([5; 32]), 1_000);
    invitation.ticket = Some(ticket);
    (invitation, owner)
}

/// A room for who has a hundred CYBR.
fn ruled() -> Invitation {
    let (invitation, _) = invitation();
    let wants = Wants::Cybr(100 * 10_u128.pow(18));
    Invitation {
        policy: policy::ENTITLEMENT,
        ticket: None,
        rule: Some(Rule {
            chain: 31_337,
            wants,
        }),
        ..invitation
    }
}

fn rules() -> Value {
    let rule = |name, wants| {
        let rule = Rule {
            chain: 31_337,
            wants,
        };
        json!({ "name": name, "bytes": hex(rule.write()) })
    };
    json!([
        rule("pass -2 7", Wants::Pass { x: -2, y: 7 }),
        rule("model 9", Wants::Model(9)),
        rule("cybr 10^20", Wants::Cybr(10_u128.pow(20))),
        rule("land 3", Wants::Land(3)),
    ])
}

fn note() -> Value {
    let (invitation, _) = invitation();
    let room = RoomKeys::new(invitation.name().id(), &invitation.secret);
    let client = ClientSecret::new([6; 32]);
    let note = Note {
        client: client.public(),
        written: 1_700_000_000,
        profile: b"\x01\x03\x00Bob".to_vec(),
        payload: b"see you tomorrow".to_vec(),
    };
    json!({
        "profile": hex(&note.profile),
        "payload": hex(&note.payload),
        "written": note.written,
        "random": hex([13; 16]),
        "sealed": hex(note.seal(&room, &client, [13; 16]).unwrap()),
    })
}

fn room() -> Value {
    let (invitation, _) = invitation();
    let parcel = RoomSecret::of_parcel(31_337, &[0x11; 20], -2, 7);
    json!({
        "invitation": invitation.text(),
        "salt": hex(invitation.name().salt),
        "id": hex(invitation.name().id().0),
        "parcelSalt": hex(parcel.salt()),
        "ruledInvitation": ruled().text(),
        "ruledId": hex(ruled().name().id().0),
    })
}

#[test]
fn the_browser_has_these_vectors() {
    let vectors = json!({
        "handshakes": [handshake(0), handshake(1), handshake(2)],
        "records": records(),
        "room": room(),
        "rules": rules(),
        "note": note(),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&vectors).unwrap());
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web-admin/world/relay/vectors.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        text,
        "web-admin/world/relay/vectors.json is out of date. Regenerate it: \
         UPDATE_VECTORS=1 cargo test -p seedbox-relay-proto --test vectors"
    );
}

//! A box's session, its rooms and a client, each with a peer that has a session and says anything:
//! no panic, and what waits stays bounded. The first byte of a chunk says how long it is and how
//! much time passes before it.
#![no_main]

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use seedbox_relay_proto::{
    ClientSecret, Invitation, NodeId, NoiseSecret, RoomBox, RoomSecret, Transport,
    client::{Client, Command, Hops, Settings},
    frame::{Handshake as Frame, Init, cell_length},
    noise::{Initiator, respond},
    policy,
    server::{
        Admission, Answer, Budget, Carrier, Handshake, Identity, Limits, Order, Rooms, Session,
        SessionId,
    },
};

const NODE: NodeId = NodeId([9; 32]);
const NOW: u64 = 1_700_000_000_000;

fn secret() -> NoiseSecret {
    NoiseSecret::new([8; 32])
}

fuzz_target!(|input: &[u8]| {
    if let Some((which, rest)) = input.split_first() {
        match which % 2 {
            0 => server(rest),
            _ => client(rest),
        }
    }
});

/// Chunks of the input as frames, each with the time that passes before it.
fn frames(mut input: &[u8], transport: &mut Transport, mut take: impl FnMut(BytesMut, u64) -> bool) {
    while let Some((head, rest)) = input.split_first() {
        let length = usize::from(head & 0x3f) * 8;
        let (chunk, rest) = rest.split_at(length.min(rest.len()));
        input = rest;
        let mut cell = BytesMut::from(chunk);
        if let Some(length) = cell_length(cell.len(), 0) {
            cell.resize(length, 0);
        }
        if transport.seal(&mut cell).is_err() || !take(cell, u64::from(head >> 6) * 700) {
            return;
        }
    }
}

fn server(input: &[u8]) {
    let limits = Limits::default();
    let budget = Budget::new(limits.memory);
    let identity = Arc::new(Identity {
        node: NODE,
        secret: secret(),
        limits,
        budget: budget.clone(),
    });
    let mut admission = Admission::new(limits, [3; 32], NOW);
    let (id, _) = admission.begin();
    let initiator = Initiator::new(NODE, secret().public(), 0, [1; 32]).expect("a good key");
    let mut handshake = Handshake::new(Carrier::Socket, NOW);
    let decide = |carrier, init: &Init<'_>| admission.decide(id, carrier, init, NOW);
    let init = initiator.init();
    let Answer::Accept(mut session, frame) =
        handshake.receive(&identity, &init, [2; 32], NOW, decide)
    else {
        panic!("not accepted");
    };
    let Ok(Frame::Accept(message)) = Frame::parse(&frame) else {
        panic!("no ACCEPT");
    };
    let (mut transport, _) = initiator.finish(message).expect("the box's answer");
    let mut rooms = Rooms::new(limits);
    let mut now = NOW;
    frames(input, &mut transport, |frame, passed| {
        now += passed;
        serve(id, &mut session, &mut rooms, frame, now);
        assert!(budget.used() < 64 << 20);
        !session.is_over()
    });
}

fn serve(id: SessionId, session: &mut Session, rooms: &mut Rooms, frame: BytesMut, now: u64) {
    rooms.tick(now);
    session.tick(now);
    if session.reads_at(now) == Some(now) {
        session.receive(frame, now);
    }
    while let Some(order) = session.order() {
        match order {
            Order::Room(request) => {
                let reply = rooms.request(id, request, now);
                session.answer(reply, now);
            }
            // Every circuit's far end sends back what it got.
            Order::Ready(circuit) => {
                while let Some(frame) = session.for_circuit(circuit) {
                    session.circuit_frame(circuit, frame);
                }
            }
            Order::Ask(number, _) => session.entitled(number, Ok(()), now),
            Order::Keep(..) => session.kept(Ok(1)),
            Order::Fetch(..) => session.fetched(vec![(1, 1, Bytes::from_static(&[6; 512]))], 1, true),
            Order::Open { .. } | Order::End(_) => {}
        }
    }
    loop {
        let mut cell = session.begin(now);
        if session.in_room() && cell.room() > 0 {
            rooms.fill(id, &mut cell);
        }
        if session.finish(cell, now).is_none() && !session.waits() {
            break;
        }
    }
    rooms.woken();
}

fn client(input: &[u8]) {
    let place = RoomBox {
        node: NODE,
        noise: secret().public(),
    };
    let invitation = Invitation {
        policy: policy::DIRECT,
        owner: [0; 32],
        secret: RoomSecret::new([5; 32]),
        boxes: vec![place],
        ticket: None,
            rule: None,
    };
    let settings = Settings {
        invitation,
        guards: Vec::new(),
        hops: Hops::One,
        secret: ClientSecret::new([6; 32]),
        profile: Vec::new(),
        delegation: None,
        seed: [7; 32],
    };
    let mut client = Client::new(settings, NOW);
    client.tick(NOW);
    let Some(Command::Connect { socket, .. }) = client.command() else {
        panic!("no socket wanted");
    };
    client.connected(socket, NOW);
    let init: Bytes = client.transmit(NOW).expect("an INIT");
    let init = Init::parse(&init).expect("an INIT");
    let grant = Limits::default().grant();
    let (mut transport, message) =
        respond(NODE, &secret(), &init, &grant, [2; 32]).expect("an answer");
    let accept = Frame::Accept(&message).write(0);
    client.receive(socket, BytesMut::from(&accept[..]), NOW);
    let mut now = NOW;
    frames(input, &mut transport, |frame, passed| {
        now += passed;
        client.tick(now);
        client.receive(socket, frame, now);
        let sent = std::iter::from_fn(|| client.transmit(now)).count();
        assert!(sent < 2_000, "a frame makes many");
        while client.event().is_some() {}
        client.command().is_none()
    });
}

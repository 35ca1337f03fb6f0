//! What the box's machines cost a processor without sockets: a message through a circuit, a pose through a
//! room, an idle session. Prints one line each; for people and for docs/MEASURED.md.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use seedbox_relay_proto::{
    Cell, ClientSecret, NodeId, NoiseSecret, RoomName, Transport,
    frame::{Handshake as Frame, Init},
    noise::Initiator,
    record::{Join, Record},
    server::{
        Admission, Answer, Budget, Carrier, Handshake, Identity, Limits, Order, Rooms, Session,
        SessionId,
    },
};

const NOW: u64 = 1_700_000_000_000;
/// Bytes of a sealed pose with 200 bytes inside.
const POSE: usize = 229;

struct Line {
    id: SessionId,
    session: Box<Session>,
    client: Transport,
}

fn identity() -> Arc<Identity> {
    let limits = Limits {
        sockets: 100_000,
        circuits: 100_000,
        rooms: 1_000,
        handshakes: 1_000_000,
        half_open: 100_000,
        room_bytes: 1 << 30,
        bytes: 1 << 30,
        poses: 10_000,
        carrier_bytes: 1 << 40,
        ..Limits::default()
    };
    Arc::new(Identity {
        node: NodeId([9; 32]),
        secret: NoiseSecret::new([8; 32]),
        limits,
        budget: Budget::new(limits.memory),
    })
}

fn connect(identity: &Arc<Identity>, admission: &mut Admission, carrier: Carrier) -> Line {
    let (id, _) = admission.begin();
    let key = identity.secret.public();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&id.0.to_le_bytes());
    let initiator = Initiator::new(identity.node, key, carrier.depth(), seed).unwrap();
    seed[31] = 1;
    let decide = |carrier, init: &Init<'_>| admission.decide(id, carrier, init, NOW);
    let answer =
        Handshake::new(carrier, NOW).receive(identity, &initiator.init(), seed, NOW, decide);
    let Answer::Accept(session, frame) = answer else {
        panic!("{answer:?}");
    };
    let Ok(Frame::Accept(message)) = Frame::parse(&frame) else {
        panic!("no ACCEPT");
    };
    let (client, _) = initiator.finish(message).unwrap();
    Line {
        id,
        session,
        client,
    }
}

/// Nanoseconds that this thread has had on a processor; other work on the machine does not count.
fn processor() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

fn hop(identity: &Arc<Identity>, admission: &mut Admission) {
    let mut line = connect(identity, admission, Carrier::Socket);
    let mut cell = Cell::new(0);
    let (circuit, node) = (1, [7; 32]);
    cell.push(&Record::Open { circuit, node });
    let frame = cell.seal(&mut line.client).unwrap().unwrap();
    line.session.receive(BytesMut::from(frame), NOW);
    assert!(matches!(line.session.order(), Some(Order::Open { .. })));
    for class in [480, 3_840] {
        let inner = Bytes::from(vec![1; class - 23]);
        let (mut up, mut down) = (0, 0);
        let (batches, size) = (200, 1_000);
        for _ in 0..batches {
            let frames: Vec<_> = (0..size)
                .map(|_| {
                    let mut data = BytesMut::with_capacity(class);
                    let frame = &inner;
                    Record::Data { circuit, frame }.write(&mut data);
                    line.client.seal(&mut data).unwrap();
                    data
                })
                .collect();
            let begin = processor();
            for frame in frames {
                line.session.receive(frame, NOW);
                let Some(Order::Ready(circuit)) = line.session.order() else {
                    panic!("not passed on");
                };
                let frame = line.session.for_circuit(circuit).unwrap();
                assert_eq!(frame.len(), inner.len());
            }
            up += u128::from(processor() - begin);
            let begin = processor();
            for _ in 0..size {
                assert!(line.session.circuit_frame(circuit, inner.clone()));
                let cell = line.session.begin(NOW);
                assert_eq!(line.session.finish(cell, NOW).unwrap().len(), class);
            }
            down += u128::from(processor() - begin);
        }
        let each = |nanos| nanos / (batches * size) as u128;
        println!(
            "a frame of {class} bytes through a circuit: {} ns up, {} ns down",
            each(up),
            each(down)
        );
    }
}

fn room(identity: &Arc<Identity>, admission: &mut Admission) {
    let mut rooms = Rooms::new(identity.limits);
    let name = RoomName {
        policy: 0,
        owner: [0; 32],
        salt: [1; 32],
        rule: None,
    };
    let mut lines: Vec<_> = (0..20)
        .map(|number| {
            let mut line = connect(identity, admission, Carrier::Stream(1));
            let secret = ClientSecret::new([number + 1; 32]);
            let mut cell = Cell::new(1);
            cell.push(&Record::Join(Join {
                room: name,
                client: secret.public(),
                signature: secret.sign_join(line.client.hash(), name.id()),
                ticket: &[],
                delegation: &[],
            }));
            let frame = cell.seal(&mut line.client).unwrap().unwrap();
            line.session.receive(BytesMut::from(frame), NOW);
            let Some(Order::Room(request)) = line.session.order() else {
                panic!("no join");
            };
            rooms.request(line.id, request, NOW);
            line
        })
        .collect();
    let pose = [5; POSE];
    let (mut spent, mut sent, ticks) = (0, 0, 2_000_u64);
    for tick in 1..=ticks {
        let now = NOW + tick * 100;
        let frames: Vec<_> = lines
            .iter_mut()
            .map(|line| {
                let mut cell = Cell::new(1);
                cell.push(&Record::Pose(&pose));
                BytesMut::from(cell.seal(&mut line.client).unwrap().unwrap())
            })
            .collect();
        let begin = processor();
        for (line, frame) in lines.iter_mut().zip(frames) {
            line.session.receive(frame, now);
            while let Some(order) = line.session.order() {
                if let Order::Room(request) = order {
                    rooms.request(line.id, request, now);
                }
            }
        }
        rooms.tick(now + 50);
        rooms.woken();
        for line in &mut lines {
            let mut cell = line.session.begin(now + 50);
            rooms.fill(line.id, &mut cell);
            if line.session.finish(cell, now + 50).is_some() {
                sent += 1;
            }
        }
        spent += u128::from(processor() - begin);
    }
    let poses = u128::from(ticks) * 20;
    println!(
        "a room of 20, each pose of 200 bytes: {} ns a pose that came and went to 19, {sent} frames",
        spent / poses
    );
}

fn main() {
    let identity = identity();
    let mut admission = Admission::new(identity.limits, [3; 32], NOW);
    hop(&identity, &mut admission);
    room(&identity, &mut admission);
    let before = resident();
    let begin = processor();
    let lines: Vec<_> = (0..10_000)
        .map(|_| connect(&identity, &mut admission, Carrier::Socket))
        .collect();
    println!(
        "a handshake, both sides: {} us",
        (processor() - begin) / 10_000_000
    );
    println!(
        "an idle session, both ends' keys: {} bytes resident",
        (resident() - before) / lines.len()
    );
}

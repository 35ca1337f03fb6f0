//! The box's machines, driven by hand: what comes in, what goes out, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use seedbox_relay_proto::{
    Cell, Claim, ClientSecret, Code, Delegation, NodeId, NoiseSecret, RoomName, RoomSecret, Rule,
    TicketSecret, Transport, Wants,
    frame::{Handshake as Frame, Init},
    noise::Initiator,
    policy,
    record::{EVERYBODY, Join, Record, records},
    server::{
        Admission, Answer, Budget, Carrier, Handshake, Identity, Limits, Order, Rooms, Session,
        SessionId,
    },
};

/// A box without sockets.
struct Box1 {
    identity: Arc<Identity>,
    admission: Admission,
    rooms: Rooms,
    now: u64,
}

/// A carrier to it, with both ends.
struct Line {
    id: SessionId,
    session: Session,
    transport: Transport,
    depth: u8,
}

/// A record with its own bytes.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Got(u8, Vec<u8>);

impl Box1 {
    fn new(limits: Limits) -> Self {
        let identity = Identity {
            node: NodeId([9; 32]),
            secret: NoiseSecret::new([8; 32]),
            limits,
            budget: Budget::new(limits.memory),
        };
        Self {
            identity: Arc::new(identity),
            admission: Admission::new(limits, [3; 32], 0),
            rooms: Rooms::new(limits),
            now: 1_000_000,
        }
    }

    fn connect(&mut self, carrier: Carrier) -> Line {
        let depth = carrier.depth();
        let (id, _) = self.admission.begin();
        let key = self.identity.secret.public();
        let mut seed = [1; 32];
        seed[0] = u8::try_from(id.0).unwrap();
        let initiator = Initiator::new(self.identity.node, key, depth, seed).unwrap();
        let mut handshake = Handshake::new(carrier, self.now);
        let (now, admission) = (self.now, &mut self.admission);
        seed[1] = 2;
        let decide = |carrier, init: &Init<'_>| admission.decide(id, carrier, init, now);
        let answer = handshake.receive(&self.identity, &initiator.init(), seed, now, decide);
        let Answer::Accept(session, frame) = answer else {
            panic!("{answer:?}");
        };
        let Ok(Frame::Accept(message)) = Frame::parse(&frame) else {
            panic!("no ACCEPT");
        };
        let (transport, _) = initiator.finish(message).unwrap();
        Line {
            id,
            session: *session,
            transport,
            depth,
        }
    }

    /// The client sends records; the orders that do not concern rooms come back.
    fn send(&mut self, line: &mut Line, sent: &[Record<'_>]) -> Vec<Order> {
        let mut cell = Cell::new(line.depth);
        for record in sent {
            assert!(cell.push(record));
        }
        let frame = cell.seal(&mut line.transport).unwrap().unwrap();
        self.frame(line, &frame)
    }

    fn frame(&mut self, line: &mut Line, frame: &[u8]) -> Vec<Order> {
        line.session.receive(BytesMut::from(frame), self.now);
        self.orders(line)
    }

    fn orders(&mut self, line: &mut Line) -> Vec<Order> {
        let mut orders = Vec::new();
        while let Some(order) = line.session.order() {
            if let Order::Room(request) = order {
                let reply = self.rooms.request(line.id, request, self.now);
                line.session.answer(reply, self.now);
            } else {
                orders.push(order);
            }
        }
        orders
    }

    /// The next frame for the client.
    fn next(&mut self, line: &mut Line) -> Option<Bytes> {
        let mut cell = line.session.begin(self.now);
        if line.session.in_room() && cell.room() > 0 {
            self.rooms.fill(line.id, &mut cell);
        }
        line.session.finish(cell, self.now)
    }

    /// All that waits for the client.
    fn read(&mut self, line: &mut Line) -> Vec<Got> {
        let mut got = Vec::new();
        while let Some(frame) = self.next(line) {
            let mut frame = BytesMut::from(&frame[..]);
            line.transport.open(&mut frame).unwrap();
            for record in records(&frame) {
                let record = record.unwrap();
                let mut bytes = Vec::new();
                record.write(&mut bytes);
                got.push(Got(record.kind(), bytes.split_off(3)));
            }
        }
        got
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.rooms.tick(self.now);
    }

    fn join(&mut self, line: &mut Line, room: RoomName, client: &ClientSecret, ticket: &[u8]) {
        let join = Join {
            room,
            client: client.public(),
            signature: client.sign_join(line.transport.hash(), room.id()),
            ticket,
            delegation: &[],
        };
        assert!(self.send(line, &[Record::Join(join)]).is_empty());
    }
}

fn client(number: u8) -> ClientSecret {
    ClientSecret::new([number; 32])
}

fn room(policy: u8) -> RoomName {
    RoomName {
        policy,
        owner: client(200).public(),
        salt: RoomSecret::new([5; 32]).salt(),
        rule: None,
    }
}

fn kinds(got: &[Got]) -> Vec<u8> {
    got.iter().map(|got| got.0).collect()
}

/// Two members of a room on streams.
fn two(place: &mut Box1) -> (Line, Line) {
    let mut a = place.connect(Carrier::Stream(1));
    let mut b = place.connect(Carrier::Stream(1));
    place.join(&mut a, room(0), &client(1), &[]);
    place.join(&mut b, room(0), &client(2), &[]);
    assert_eq!(kinds(&place.read(&mut a)), [0x21, 0x22]);
    let joined = place.read(&mut b);
    assert_eq!(joined[0].1[..3], [1, 1, 0]);
    assert_eq!(joined[0].1[3..], client(1).public());
    (a, b)
}

#[test]
fn the_newest_pose_comes_with_the_tick() {
    let mut place = Box1::new(Limits::default());
    let (mut a, mut b) = two(&mut place);
    place.send(&mut a, &[Record::Pose(&[1; 40]), Record::Pose(&[2; 40])]);
    place.send(&mut b, &[Record::Pose(&[9; 40])]);
    assert_eq!(place.read(&mut b), [], "not before the tick");
    place.pass(40);
    let mut pose = vec![0];
    pose.extend([2; 40]);
    assert_eq!(place.read(&mut b), [Got(0x26, pose)]);
    assert_eq!(place.read(&mut b), []);
    assert_eq!(kinds(&place.read(&mut a)), [0x26], "none of its own");
    place.pass(40);
    assert_eq!(place.rooms.deadline(), None, "a quiet room has no ticks");
}

#[test]
fn messages_go_at_once_in_order_to_whom_they_are_for() {
    let mut place = Box1::new(Limits::default());
    let (mut a, mut b) = two(&mut place);
    let mut c = place.connect(Carrier::Stream(2));
    place.join(&mut c, room(0), &client(3), &[]);
    place.read(&mut c);
    let (all, one) = ([1; 60], [2; 60]);
    place.send(
        &mut a,
        &[
            Record::Send {
                to: EVERYBODY,
                sealed: &all,
            },
            Record::Send {
                to: 1,
                sealed: &one,
            },
        ],
    );
    assert!(place.rooms.woken().any(|id| id == b.id));
    let got = place.read(&mut b);
    assert_eq!(kinds(&got), [0x22, 0x28, 0x28]);
    assert_eq!(got[1].1[..3], [0, EVERYBODY, 1]);
    assert_eq!(got[2].1[..3], [0, 1, 2]);
    assert_eq!(kinds(&place.read(&mut c)), [0x28]);
    assert_eq!(kinds(&place.read(&mut a)), [0x22], "no echo");
}

#[test]
fn a_client_takes_its_own_slot_over() {
    let mut place = Box1::new(Limits::default());
    let (mut a, mut b) = two(&mut place);
    let mut again = place.connect(Carrier::Stream(1));
    place.join(&mut again, room(0), &client(1), &[]);
    assert_eq!(place.read(&mut a), [Got(0x23, vec![0, 13, 0])]);
    assert_eq!(place.read(&mut again)[0].1[0], 0);
    assert_eq!(kinds(&place.read(&mut b)), [0x22]);
    place.send(&mut a, &[Record::Pose(&[1; 40])]);
    place.pass(40);
    assert_eq!(place.read(&mut b), [], "the old session is in no room");
    assert_eq!(place.rooms.counts(), (1, 2));
    place.rooms.end(again.id);
    place.rooms.end(a.id);
    assert_eq!(place.read(&mut b), [Got(0x23, vec![0, 1, 0])]);
    place.rooms.end(b.id);
    assert_eq!(place.rooms.counts(), (0, 0));
}

#[test]
fn who_may_not_enter_is_told_why() {
    let mut place = Box1::new(Limits {
        members: 1,
        ..Limits::default()
    });
    let refused = |code: Code| {
        vec![Got(
            0x2a,
            vec![0x20, u8::try_from(code.number()).unwrap(), 0],
        )]
    };
    let mut socket = place.connect(Carrier::Socket);
    place.join(&mut socket, room(0), &client(1), &[]);
    assert_eq!(place.read(&mut socket), refused(Code::Hops));
    let gated = room(policy::TICKET | policy::DIRECT);
    place.join(&mut socket, gated, &client(1), &[]);
    assert_eq!(place.read(&mut socket), refused(Code::Ticket));
    let secret = TicketSecret::issue(&client(200), gated.id(), client(50), 1_001);
    let ticket = secret.admit(gated.id(), &client(1).public()).write();
    place.join(&mut socket, gated, &client(2), &ticket);
    assert_eq!(place.read(&mut socket), refused(Code::Ticket));
    place.join(&mut socket, gated, &client(1), &ticket);
    assert_eq!(kinds(&place.read(&mut socket)), [0x21]);
    let mut other = place.connect(Carrier::Stream(1));
    let ticket = secret.admit(gated.id(), &client(2).public()).write();
    place.join(&mut other, gated, &client(2), &ticket);
    assert_eq!(place.read(&mut other), refused(Code::Full));
    // Signed for another session.
    let mut third = place.connect(Carrier::Stream(1));
    let signature = client(1).sign_join(other.transport.hash(), room(0).id());
    let join = Join {
        room: room(0),
        client: client(1).public(),
        signature,
        ticket: &[],
        delegation: &[],
    };
    place.send(&mut third, &[Record::Join(join)]);
    assert_eq!(place.read(&mut third), refused(Code::Signature));
}

/// A room for who has a parcel.
fn ruled() -> RoomName {
    let wants = Wants::Land(1);
    RoomName {
        rule: Some(Rule { chain: 7, wants }),
        ..room(policy::ENTITLEMENT)
    }
}

impl Box1 {
    /// Knocks at the ruled room; the question that the chain is to be asked.
    fn knock(&mut self, line: &mut Line, expires: u64) -> Option<(u32, Claim)> {
        let delegation = Delegation {
            wallet: [4; 20],
            expires,
            signature: [5; 65],
        };
        let join = Join {
            room: ruled(),
            client: client(1).public(),
            signature: client(1).sign_join(line.transport.hash(), ruled().id()),
            ticket: &[],
            delegation: &delegation.write(),
        };
        match self.send(line, &[Record::Join(join)])[..] {
            [Order::Ask(number, claim)] => Some((number, claim)),
            [] => None,
            ref orders => panic!("{orders:?}"),
        }
    }

    fn hear(&mut self, line: &mut Line, number: u32, answer: Result<(), Code>) -> Vec<Order> {
        line.session.entitled(number, answer, self.now);
        self.orders(line)
    }
}

#[test]
fn the_chain_is_asked_before_somebody_enters() {
    let mut place = Box1::new(Limits::default());
    let mut line = place.connect(Carrier::Stream(1));
    let expires = 1_000 + 3_600;
    let (first, claim) = place.knock(&mut line, expires).unwrap();
    assert_eq!(claim.room, ruled().id());
    assert_eq!(claim.client, client(1).public());
    assert_eq!(claim.delegation.wallet, [4; 20]);
    // What is sent meanwhile is of no room.
    place.send(&mut line, &[Record::Pose(&[1; 40])]);
    assert!(place.read(&mut line).is_empty());
    place.hear(&mut line, first, Err(Code::Entitlement));
    assert_eq!(place.read(&mut line), [Got(0x2a, vec![0x20, 16, 0])]);
    let (second, _) = place.knock(&mut line, expires).unwrap();
    place.send(&mut line, &[Record::Leave]);
    let (third, _) = place.knock(&mut line, expires).unwrap();
    // Too late, and about another question.
    place.hear(&mut line, second, Ok(()));
    assert!(place.read(&mut line).is_empty());
    place.hear(&mut line, third, Ok(()));
    assert_eq!(kinds(&place.read(&mut line)), [0x21]);
    assert_eq!(place.rooms.counts(), (1, 1));
}

#[test]
fn who_has_lost_his_right_is_put_out() {
    let mut place = Box1::new(Limits::default());
    let mut line = place.connect(Carrier::Stream(1));
    let (number, claim) = place.knock(&mut line, 1_000 + 3_600).unwrap();
    place.hear(&mut line, number, Ok(()));
    place.read(&mut line);
    let minutes = |place: &mut Box1, line: &mut Line, minutes: u64| {
        let mut orders = Vec::new();
        for _ in 0..minutes * 6 {
            place.pass(10_000);
            line.session.tick(place.now);
            orders.extend(place.send(line, &[Record::Ping([0; 8])]));
            orders.extend(place.orders(line));
            place.read(line);
        }
        orders
    };
    assert!(minutes(&mut place, &mut line, 9).is_empty());
    let orders = minutes(&mut place, &mut line, 2);
    assert!(matches!(orders[..], [Order::Ask(n, again)] if n == number && again == claim));
    // Not to know is no "no".
    place.hear(&mut line, number, Err(Code::Busy));
    assert!(matches!(
        minutes(&mut place, &mut line, 2)[..],
        [Order::Ask(..)]
    ));
    assert_eq!(place.rooms.counts(), (1, 1));
    place.hear(&mut line, number, Err(Code::Entitlement));
    assert_eq!(place.rooms.counts(), (0, 0));
    let last = place.read(&mut line).pop();
    assert_eq!(last, Some(Got(0x23, vec![0, 16, 0])));

    // The wallet's word ends.
    let (number, _) = place.knock(&mut line, place.now / 1_000 + 60).unwrap();
    place.hear(&mut line, number, Ok(()));
    assert_eq!(place.rooms.counts(), (1, 1));
    minutes(&mut place, &mut line, 1);
    assert_eq!(place.rooms.counts(), (0, 0));
    assert!(place.knock(&mut line, place.now / 1_000).is_none());
}

#[test]
fn a_box_hosts_what_its_owner_wants() {
    let mut place = Box1::new(Limits {
        rule: Some(Wants::Land(2)),
        ..Limits::default()
    });
    let mut line = place.connect(Carrier::Stream(1));
    place.join(&mut line, room(0), &client(1), &[]);
    assert!(place.knock(&mut line, 4_000).is_none());
    let refused = Got(0x2a, vec![0x20, 16, 0]);
    assert_eq!(place.read(&mut line), [refused.clone(), refused]);
}

#[test]
fn the_mailbox_has_one_thing_to_do_at_a_time() {
    let mut place = Box1::new(Limits::default());
    let mut line = place.connect(Carrier::Stream(1));
    // Of no room.
    assert!(place.send(&mut line, &[Record::Fetch(0)]).is_empty());
    place.join(&mut line, room(0), &client(1), &[]);
    place.read(&mut line);
    let orders = place.send(&mut line, &[Record::Keep(&[7; 512]), Record::Fetch(3)]);
    assert!(matches!(&orders[..], [Order::Keep(id, _)] if *id == room(0).id()));
    assert_eq!(place.read(&mut line), [Got(0x2a, vec![0x2e, 4, 0])]);
    line.session.kept(Ok(5));
    assert_eq!(
        place.read(&mut line),
        [Got(0x2d, vec![5, 0, 0, 0, 0, 0, 0, 0])]
    );

    let orders = place.send(&mut line, &[Record::Fetch(3)]);
    assert!(matches!(orders[..], [Order::Fetch(id, 3)] if id == room(0).id()));
    let note = |number| (number, 9, Bytes::from(vec![7; 4_096]));
    line.session.fetched((4..8).map(note).collect(), 7, false);
    let got = place.read(&mut line);
    assert_eq!(kinds(&got), [0x2f; 5]);
    assert_eq!(got[4], Got(0x2f, [&[7][..], &[0; 15]].concat()));
    let orders = place.send(&mut line, &[Record::Keep(&[7; 1_024])]);
    assert!(matches!(orders[..], [Order::Keep(..)]));
    line.session.kept(Err(Code::Full));
    assert_eq!(place.read(&mut line), [Got(0x2a, vec![0x2c, 12, 0])]);
}

#[test]
fn the_owner_blocks() {
    let mut place = Box1::new(Limits::default());
    let (mut a, mut b) = two(&mut place);
    let (id, key) = (room(0).id(), client(2).public());
    let block = client(1).block(id, key, 1_000, 2_000);
    place.send(&mut a, &[Record::Block(block)]);
    assert_eq!(place.read(&mut a), [Got(0x2a, vec![0x29, 9, 0])]);
    let block = client(200).block(id, key, 1_000, 2_000);
    place.send(&mut a, &[Record::Block(block)]);
    assert_eq!(place.read(&mut b), [Got(0x23, vec![1, 11, 0])]);
    assert_eq!(place.read(&mut a), [Got(0x23, vec![1, 11, 0])]);
    place.join(&mut b, room(0), &client(2), &[]);
    assert_eq!(place.read(&mut b), [Got(0x2a, vec![0x20, 11, 0])]);
    // Lifted by a later one.
    let block = client(200).block(id, key, 1_001, 0);
    place.send(&mut a, &[Record::Block(block)]);
    place.join(&mut b, room(0), &client(2), &[]);
    assert_eq!(kinds(&place.read(&mut b)), [0x21]);
}

#[test]
fn frames_pass_a_circuit_and_back() {
    let mut place = Box1::new(Limits::default());
    let mut line = place.connect(Carrier::Socket);
    let (circuit, node) = (4, [7; 32]);
    let orders = place.send(&mut line, &[Record::Open { circuit, node }]);
    assert!(
        matches!(orders[..], [Order::Open { circuit: 4, hop: 1, node: NodeId(n) }] if n == node)
    );
    let inner = vec![5; 240 - 23];
    let mut data = BytesMut::new();
    let record = Record::Data {
        circuit,
        frame: &inner,
    };
    record.write(&mut data);
    line.transport.seal(&mut data).unwrap();
    assert_eq!(data.len(), 240);
    let orders = place.frame(&mut line, &data);
    assert!(matches!(orders[..], [Order::Ready(4)]));
    assert_eq!(line.session.for_circuit(4).unwrap(), inner);
    assert!(
        line.session
            .circuit_frame(4, Bytes::from(vec![6; 480 - 23]))
    );
    line.session.circuit_ended(4, Code::Stopping);
    let got = place.read(&mut line);
    assert_eq!(kinds(&got), [0x12, 0x11]);
    assert_eq!(got[0].1.len(), 4 + 480 - 23);
    // Itself, the same number again.
    let orders = place.send(
        &mut line,
        &[Record::Open {
            circuit: 5,
            node: [9; 32],
        }],
    );
    assert!(orders.is_empty());
    assert_eq!(place.read(&mut line), [Got(0x11, vec![5, 0, 0, 0, 7, 0])]);
    place.send(&mut line, &[Record::Open { circuit, node }]);
    assert_eq!(place.read(&mut line), [Got(0x03, vec![2, 0])]);
    assert!(line.session.is_over());
}

#[test]
fn a_full_circuit_stops_the_reading() {
    let mut place = Box1::new(Limits::default());
    let mut line = place.connect(Carrier::Socket);
    let (circuit, node) = (0, [7; 32]);
    place.send(&mut line, &[Record::Open { circuit, node }]);
    let mut frames = 0;
    while line.session.reads_at(place.now) == Some(place.now) {
        let mut data = BytesMut::new();
        let frame = &[5; 240 - 23];
        Record::Data { circuit, frame }.write(&mut data);
        line.transport.seal(&mut data).unwrap();
        place.frame(&mut line, &data);
        frames += 1;
    }
    assert_eq!(frames, 32);
    assert_eq!(place.identity.budget.used(), 32 * (240 - 23));
    line.session.for_circuit(0).unwrap();
    assert!(line.session.reads_at(place.now).is_some());
    let mut back = 0;
    while line.session.has_room(0) {
        assert!(
            line.session
                .circuit_frame(0, Bytes::from(vec![1; 7_680 - 23]))
        );
        back += 1;
    }
    assert_eq!(back, 18, "128 KiB");
    drop(line);
    assert_eq!(place.identity.budget.used(), 0);
}

#[test]
fn who_floods_is_slowed_down_and_then_closed() {
    let mut place = Box1::new(Limits::default());
    let (mut a, mut b) = two(&mut place);
    let poses = [Record::Pose(&[1; 40]); 41];
    place.send(&mut a, &poses);
    assert_eq!(kinds(&place.read(&mut a)), [0x2b]);
    place.send(&mut a, &poses);
    assert_eq!(place.read(&mut a), [], "said once a second");
    for _ in 0..20 {
        place.send(&mut a, &poses);
    }
    assert_eq!(place.read(&mut a), [Got(0x03, vec![6, 0])]);
    assert!(a.session.is_over());
    // The room goes on.
    place.pass(40);
    assert_eq!(kinds(&place.read(&mut b)), [0x26]);
}

#[test]
fn silence_ends_and_members_hear_something_every_second() {
    let mut place = Box1::new(Limits::default());
    let (mut a, _b) = two(&mut place);
    assert_eq!(a.session.deadline(), place.now + 1_000);
    place.pass(1_000);
    a.session.tick(place.now);
    assert_eq!(place.next(&mut a).unwrap().len(), 240 - 23);
    assert_eq!(place.next(&mut a), None);
    place.pass(29_000);
    a.session.tick(place.now);
    assert!(place.next(&mut a).is_some());
    assert!(a.session.is_over());
}

#[test]
fn what_is_not_the_protocol_ends_the_session() {
    for bad in [
        vec![0x21, 0, 0],
        vec![0x24, 1, 0, 7],
        vec![0x99, 0, 0],
        vec![1, 0],
    ] {
        let mut place = Box1::new(Limits::default());
        let mut line = place.connect(Carrier::Socket);
        let mut cell = BytesMut::from(&bad[..]);
        cell.resize(240 - 16, 0xff);
        if bad.len() < 4 {
            cell[bad.len()..].fill(0);
        }
        line.transport.seal(&mut cell).unwrap();
        place.frame(&mut line, &cell);
        assert_eq!(place.next(&mut line).unwrap().len(), 240, "CLOSE");
        assert!(line.session.is_over());
    }
}

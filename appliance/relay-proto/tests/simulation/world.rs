//! The world of a seed: who is there, what goes wrong, and that it ends well.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use seedbox_relay_proto::{
    ClientSecret, Invitation, RoomBox, RoomSecret,
    client::{Hops, Settings},
    server::Carrier,
};

use crate::{
    boxes::{Lies, Pipes, Place, chance, seed},
    people::Person,
};

/// Milliseconds of a step.
const STEP: u64 = 20;
/// Milliseconds that things go wrong for.
const TROUBLE: u64 = 8_000;
/// Milliseconds that all have to stay together for. A client notices within that time that a box
/// it believes to be in has forgotten it.
const CALM: u64 = 4_000;
/// Milliseconds within which all have to be together after it.
const HEALING: u64 = 240_000;

pub(crate) struct World {
    rng: ChaCha20Rng,
    now: u64,
    pipes: Pipes,
    boxes: Vec<Place>,
    people: Vec<Person>,
    /// Boxes that no socket and no stream reaches.
    parted: Option<usize>,
    /// One in so many steps something happens.
    trouble: u32,
}

impl World {
    pub(crate) fn new(number: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(number);
        let now = 1_700_000_000_000;
        let boxes: Vec<_> = (0..5).map(|_| Place::new(&mut rng, now)).collect();
        let places: Vec<RoomBox> = boxes.iter().map(|place| place.room_box).collect();
        let rooms = 1 + rng.next_u32() as usize % 3;
        let invitation = |secret| Invitation {
            policy: 0,
            owner: [0; 32],
            secret: RoomSecret::new(secret),
            boxes: places[..rooms].to_vec(),
            ticket: None,
            rule: None,
        };
        let secret = seed(&mut rng);
        let count = 2 + rng.next_u32() % 3;
        let people = (0..count).map(|_| {
            let mut guards = vec![places[3], places[4]];
            if chance(&mut rng, 2) {
                guards.reverse();
            }
            let hops = if rooms > 1 && chance(&mut rng, 3) {
                Hops::Three(guards.pop().unwrap())
            } else {
                Hops::Two
            };
            let settings = Settings {
                invitation: invitation(secret),
                guards,
                hops,
                secret: ClientSecret::new(seed(&mut rng)),
                profile: Vec::new(),
                delegation: None,
                seed: seed(&mut rng),
            };
            Person::new(settings, now)
        });
        let people = people.collect();
        Self {
            trouble: [0, 20, 60, 200][rng.next_u32() as usize % 4],
            rng,
            now,
            pipes: Pipes::default(),
            boxes,
            people,
            parted: None,
        }
    }

    pub(crate) fn run(mut self) {
        for place in &mut self.boxes {
            place.lies = Lies {
                frames: [0, 0, 40, 400][self.rng.next_u32() as usize % 4],
                sealed: [0, 0, 3, 30][self.rng.next_u32() as usize % 4],
            };
        }
        let end = self.now + TROUBLE;
        while self.now < end {
            self.go_wrong();
            let talk = 25;
            for person in &mut self.people {
                person.act(&mut self.rng, talk, self.now);
            }
            self.step();
        }
        self.heal();
        let limit = self.now + HEALING;
        let mut since = self.now + TROUBLE;
        while self.now < since + CALM {
            assert!(self.now < limit, "not together: {}", self.describe());
            if !self.are_together() {
                since = since.max(self.now);
            }
            self.step();
        }
        self.last_words();
    }

    fn go_wrong(&mut self) {
        if !chance(&mut self.rng, self.trouble) {
            return;
        }
        let place = self.rng.next_u32() as usize % self.boxes.len();
        match self.rng.next_u32() % 5 {
            0 => {
                let (pipes, rng) = (&mut self.pipes, &mut self.rng);
                self.boxes[place].die(pipes, rng, self.now);
            }
            1 => self.boxes[place].dead = false,
            2 => self.parted = Some(place),
            3 => self.parted = None,
            _ => {
                let mut ids: Vec<_> = self.pipes.all.keys().copied().collect();
                ids.sort_unstable();
                if ids.is_empty() {
                    return;
                }
                let id = ids[self.rng.next_u32() as usize % ids.len()];
                let pipe = self.pipes.all.get_mut(&id).unwrap();
                if chance(&mut self.rng, 2) {
                    pipe.cut();
                } else {
                    pipe.stall(self.now + u64::from(self.rng.next_u32() % 6_000));
                }
            }
        }
    }

    fn heal(&mut self) {
        for place in &mut self.boxes {
            place.dead = false;
            place.lies = Lies::default();
        }
        self.parted = None;
    }

    fn step(&mut self) {
        self.now += STEP;
        let now = self.now;
        for index in 0..self.boxes.len() {
            let place = &mut self.boxes[index];
            if place.dead || Some(index) == self.parted {
                continue;
            }
            let wanted = place.step(&mut self.pipes, &mut self.rng, now);
            for stream in wanted {
                let found = self
                    .boxes
                    .iter()
                    .position(|place| place.room_box.node == stream.node);
                let found = found.filter(|at| !self.boxes[*at].dead && Some(*at) != self.parted);
                match found {
                    Some(at) => {
                        self.boxes[at].accept(Carrier::Stream(stream.hop), stream.pipe, now);
                    }
                    None => self.pipes.all.get_mut(&stream.pipe).unwrap().close(1),
                }
            }
        }
        for person in &mut self.people {
            let (boxes, parted, rng) = (&mut self.boxes, self.parted, &mut self.rng);
            person.step(&mut self.pipes, now, |pipes, to| {
                let at = boxes.iter().position(|place| place.room_box == *to)?;
                if boxes[at].dead || Some(at) == parted {
                    return None;
                }
                let pipe = pipes.open(u64::from(rng.next_u32() % 40));
                boxes[at].accept(Carrier::Socket, pipe, now);
                Some(pipe)
            });
        }
    }

    fn are_together(&self) -> bool {
        let place = self.people[0].position;
        place.is_some()
            && self.people.iter().all(|person| {
                person.position == place && person.client.members().count() + 1 == self.people.len()
            })
    }

    /// What is said now has to reach everybody.
    fn last_words(&mut self) {
        let mut said = Vec::new();
        let limit = self.now + 60_000;
        for index in 0..self.people.len() {
            // What waits from before has to be acknowledged first.
            let number = loop {
                if let Some(number) = self.people[index].say(self.now) {
                    break number;
                }
                assert!(self.now < limit, "nothing is acknowledged");
                self.step();
            };
            said.push((self.people[index].key, number));
        }
        let mut told = Vec::new();
        for (from, to) in [(0, 1), (1, 0)] {
            let to = self.people[to].key;
            if let Some(number) = self.people[from].tell(&to, self.now) {
                told.push((self.people[from].key, to, number));
            }
        }
        loop {
            let all = self.people.iter().all(|person| {
                let group = said.iter().all(|(key, number)| {
                    *key == person.key
                        || person.last.get(key).is_some_and(|(last, _)| last >= number)
                });
                let direct = told.iter().all(|(key, to, number)| {
                    *to != person.key
                        || person.last.get(key).is_some_and(|(_, last)| last >= number)
                });
                group && direct
            });
            if all {
                return;
            }
            assert!(self.now < limit, "not heard: {}", self.describe());
            self.step();
        }
    }

    fn describe(&self) -> String {
        let people = self.people.iter().map(|person| {
            let members = person.client.members().count();
            format!(
                "at {:?} with {members}, heard {:?}",
                person.position,
                person.last.values()
            )
        });
        people.collect::<Vec<_>>().join(", ")
    }
}

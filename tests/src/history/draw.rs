//! What somebody does next. Calls of one block must not depend on their order, which the chain
//! decides: what one of them changes, no other one of the block reads or changes.

use std::collections::BTreeSet;

use alloy::{
    primitives::{Address, FixedBytes, U256},
    sol_types::SolCall,
};
use rand::{Rng, RngExt, rngs::StdRng};

use super::people::{CONTRACTS, LAND, MODEL, PLACEMENT, People, Standing};
use crate::contracts::{ILand, IModel, IPlacement, IToken};

/// Places tried for a parcel or model that will do.
const TRIES: usize = 50;

/// Flag of a model that asks for consent.
const CONSENT: u8 = 1;

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Only what neither makes a word of storage zero nor reads one that is.
    Sparing,
    /// Everything.
    Free,
}

/// A call that somebody makes.
pub(super) struct Deed {
    pub(super) name: &'static str,
    pub(super) by: usize,
    pub(super) of: usize,
    pub(super) data: Vec<u8>,
    /// Of which contracts a word may be read or written that is zero then.
    pub(super) spoils: [bool; CONTRACTS],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Parcel(usize),
    Model(usize),
    Placement(u64),
    Friend(usize, usize, usize),
}

/// What the calls drawn so far read and change.
pub(super) struct Drawing {
    manner: Manner,
    read: BTreeSet<Thing>,
    changed: BTreeSet<Thing>,
}

const NOTHING: [bool; CONTRACTS] = [false; CONTRACTS];

fn deed(
    name: &'static str,
    by: usize,
    of: usize,
    call: &impl SolCall,
    spoils: [bool; CONTRACTS],
) -> Option<Deed> {
    Some(Deed {
        name,
        by,
        of,
        data: call.abi_encode(),
        spoils,
    })
}

impl Drawing {
    pub(super) fn new(manner: Manner) -> Self {
        Self {
            manner,
            read: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    /// Something to do, or nothing if what was thought of cannot be done.
    pub(super) fn deed(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let free = self.manner == Manner::Free;
        match random.random_range(0..if free { 100 } else { 62 }) {
            0..14 => self.approve(random, people),
            14..22 => self.befriend(random, people),
            22..34 => self.operate(random, people),
            34..42 => self.publish(random, people),
            42..54 => self.place(random, people),
            54..59 => self.shift(random, people),
            59..62 => self.gate(random, people),
            62..84 => self.sell(random, people),
            84..90 => self.sell_model(random, people),
            90..96 => self.remove(random, people),
            96..98 => self.flag(random, people),
            _ => self.consent(random, people),
        }
    }

    fn free(&self, thing: Thing) -> bool {
        !self.changed.contains(&thing) && !self.read.contains(&thing)
    }

    fn zero(&self, random: &mut StdRng) -> bool {
        self.manner == Manner::Free && random.random_ratio(1, 4)
    }

    /// A parcel of some account that no call of this block is about.
    fn parcel(&self, random: &mut StdRng, people: &People) -> Option<(usize, usize)> {
        (0..TRIES).find_map(|_| {
            let place = random.random_range(0..people.parcels.len().max(1));
            let holder = people.parcels.get(place)?.holder?;
            self.free(Thing::Parcel(place)).then_some((place, holder))
        })
    }

    fn model(&self, random: &mut StdRng, people: &People) -> Option<(usize, usize)> {
        (0..TRIES).find_map(|_| {
            let place = random.random_range(0..people.models.len().max(1));
            let holder = people.models.get(place)?.holder?;
            self.free(Thing::Model(place)).then_some((place, holder))
        })
    }

    fn placement(&self, random: &mut StdRng, people: &People) -> Option<(Standing, usize)> {
        (0..TRIES).find_map(|_| {
            let at = random.random_range(0..people.placements.len().max(1));
            let standing = *people.placements.get(at)?;
            let holder = people.parcels[standing.parcel].holder?;
            let free = self.free(Thing::Parcel(standing.parcel))
                && self.free(Thing::Placement(standing.id));
            free.then_some((standing, holder))
        })
    }

    fn approve(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.parcel(random, people)?;
        self.changed.insert(Thing::Parcel(place));
        let zero = self.zero(random);
        let call = IToken::approveCall {
            to: if zero {
                Address::ZERO
            } else {
                somebody(random, people)
            },
            tokenId: U256::from(people.parcels[place].id),
        };
        deed("approvals", holder, LAND, &call, [zero, false, false])
    }

    fn befriend(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (owner, operator) = (account(random, people), account(random, people));
        let of = if random.random() { LAND } else { MODEL };
        let friend = Thing::Friend(of, owner, operator);
        if owner == operator || !self.free(friend) {
            return None;
        }
        self.changed.insert(friend);
        let zero = self.zero(random);
        let call = IToken::setApprovalForAllCall {
            operator: people.addresses[operator],
            approved: !zero,
        };
        let mut spoils = NOTHING;
        spoils[of] = zero;
        deed("approvals for all", owner, of, &call, spoils)
    }

    fn operate(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.parcel(random, people)?;
        self.changed.insert(Thing::Parcel(place));
        let zero = self.zero(random);
        let call = ILand::setParcelOperatorCall {
            id: U256::from(people.parcels[place].id),
            operator: if zero {
                Address::ZERO
            } else {
                somebody(random, people)
            },
        };
        deed(
            "operators of parcels",
            holder,
            LAND,
            &call,
            [zero, false, false],
        )
    }

    fn publish(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let by = account(random, people);
        let to = people.addresses[account(random, people)];
        let data = IModel::ModelData {
            infoHash: FixedBytes(random.random()),
            contentHash: FixedBytes(random.random()),
            size: random.random_range(1..=u64::MAX),
            gate: if random.random() {
                stranger(random)
            } else {
                Address::ZERO
            },
            name: text(random, 255),
            sources: text(random, 1024),
        };
        if self.manner == Manner::Free && random.random() {
            let call = IModel::publishCall { to, data };
            return deed("models published", by, MODEL, &call, [false, true, false]);
        }
        let terms = IModel::Terms {
            royaltyReceiver: people.addresses[by],
            royaltyBasisPoints: random.random_range(1..=1000),
            // Without consent to be asked for, unless everything may happen.
            flags: match self.manner {
                Manner::Sparing => 2,
                Manner::Free => random.random_range(0..=3),
            },
        };
        let call = IModel::publishWithTermsCall { to, data, terms };
        deed("models published", by, MODEL, &call, NOTHING)
    }

    fn place(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.parcel(random, people)?;
        let parcel = people.parcels[place];
        let model = random.random_range(0..people.models.len().max(1));
        let terms = *people.models.get(model)?;
        let sparing = self.manner == Manner::Sparing;
        let operator = parcel.operator.filter(|_| !sparing && random.random());
        let by = operator.unwrap_or(holder);
        let asks = terms.flags & CONSENT != 0 && terms.holder != Some(by);
        if asks || self.changed.contains(&Thing::Model(model)) {
            return None;
        }
        // The parcel's own word is read: it holds the operator.
        if sparing && parcel.operator.is_none() {
            return None;
        }
        self.read
            .extend([Thing::Parcel(place), Thing::Model(model)]);
        let call = IPlacement::placeCall {
            parcelId: U256::from(parcel.id),
            modelId: U256::from(model + 1),
            pose: pose(random),
        };
        deed(
            "placements",
            by,
            PLACEMENT,
            &call,
            [!sparing, !sparing, false],
        )
    }

    fn shift(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (standing, holder) = self.placement(random, people)?;
        if !standing.stands {
            return None;
        }
        self.read.insert(Thing::Parcel(standing.parcel));
        self.changed.insert(Thing::Placement(standing.id));
        let call = IPlacement::moveCall {
            placementId: U256::from(standing.id),
            pose: pose(random),
        };
        deed("placements moved", holder, PLACEMENT, &call, NOTHING)
    }

    fn remove(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (standing, holder) = self.placement(random, people)?;
        self.read.insert(Thing::Parcel(standing.parcel));
        self.changed.insert(Thing::Placement(standing.id));
        let call = IPlacement::removeCall {
            placementId: U256::from(standing.id),
        };
        deed(
            "placements removed",
            holder,
            PLACEMENT,
            &call,
            [true; CONTRACTS],
        )
    }

    /// A sale by the holder, by whom he approved, or by a friend.
    fn sell(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.parcel(random, people)?;
        let parcel = people.parcels[place];
        let mut by = parcel
            .approved
            .filter(|_| random.random())
            .unwrap_or(holder);
        let friends = people
            .friends
            .range((LAND, holder, 0)..(LAND, holder + 1, 0));
        if let Some(friend) = friends.last().filter(|_| random.random_ratio(1, 4)) {
            let thing = Thing::Friend(friend.0, friend.1, friend.2);
            if !self.changed.contains(&thing) {
                self.read.insert(thing);
                by = friend.2;
            }
        }
        self.changed.insert(Thing::Parcel(place));
        let call = IToken::transferFromCall {
            from: people.addresses[holder],
            to: somebody(random, people),
            tokenId: U256::from(parcel.id),
        };
        deed("parcels transferred", by, LAND, &call, [true, false, false])
    }

    fn sell_model(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.model(random, people)?;
        self.changed.insert(Thing::Model(place));
        let call = IToken::transferFromCall {
            from: people.addresses[holder],
            to: somebody(random, people),
            tokenId: U256::from(place + 1),
        };
        deed(
            "models transferred",
            holder,
            MODEL,
            &call,
            [false, true, false],
        )
    }

    fn gate(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.model(random, people)?;
        self.changed.insert(Thing::Model(place));
        let call = IModel::setGateCall {
            modelId: U256::from(place + 1),
            // In one word with the size, so that it may be zero.
            gate: if random.random() {
                stranger(random)
            } else {
                Address::ZERO
            },
        };
        deed("gates changed", holder, MODEL, &call, NOTHING)
    }

    fn flag(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.model(random, people)?;
        self.changed.insert(Thing::Model(place));
        let model = people.models[place];
        if let Some(receiver) = model.receiver.filter(|_| random.random()) {
            let call = IModel::setRoyaltyCall {
                modelId: U256::from(place + 1),
                receiver: people.addresses[account(random, people)],
                basisPoints: random.random_range(0..=model.royalty),
            };
            return deed("royalties", receiver, MODEL, &call, [false, true, false]);
        }
        let call = IModel::setFlagsCall {
            modelId: U256::from(place + 1),
            flags: random.random_range(0..=3),
        };
        deed("flags", holder, MODEL, &call, [false, true, false])
    }

    fn consent(&mut self, random: &mut StdRng, people: &People) -> Option<Deed> {
        let (place, holder) = self.model(random, people)?;
        self.changed.insert(Thing::Model(place));
        let call = IModel::setConsentCall {
            modelId: U256::from(place + 1),
            account: somebody(random, people),
            given: random.random(),
        };
        deed("consents", holder, MODEL, &call, [false, true, false])
    }
}

/// One of the chain's accounts but the first, which founds the world.
fn account(random: &mut StdRng, people: &People) -> usize {
    random.random_range(1..people.addresses.len())
}

/// Mostly one of the accounts.
fn somebody(random: &mut StdRng, people: &People) -> Address {
    if random.random_ratio(1, 10) {
        stranger(random)
    } else {
        people.addresses[account(random, people)]
    }
}

fn stranger(random: &mut StdRng) -> Address {
    Address(FixedBytes(random.random()))
}

/// Never empty; of a length at which strings change how they are stored, or of any.
fn text(random: &mut StdRng, longest: usize) -> String {
    let length = if random.random() {
        random.random_range(30..=34)
    } else {
        random.random_range(1..=longest)
    };
    (0..length)
        .map(|_| char::from(random.random_range(b'a'..=b'z')))
        .collect()
}

fn pose(random: &mut impl Rng) -> IPlacement::Pose {
    IPlacement::Pose {
        x: random.random(),
        y: random.random(),
        z: random.random(),
        qx: random.random(),
        qy: random.random(),
        qz: random.random(),
        qw: random.random_range(1..=i16::MAX),
        scale: random.random_range(1..=u32::MAX),
    }
}

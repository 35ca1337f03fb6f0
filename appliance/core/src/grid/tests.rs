//! The formats against made-up worlds: round trips, deltas that lead where they say, damaged bytes,
//! and the worked example of `docs/GRID.md`.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::{
    BlockRef, ContentHash, InfoHash, LandGrid, Model, Parcel, ParcelState, Placement, Pose,
    UnixTime, WalletAddress,
};

fn epoch(number: u64) -> Epoch {
    Epoch {
        number,
        hash: [u8::try_from(number % 251).unwrap(); 32],
    }
}

fn any_parcel() -> impl Strategy<Value = Parcel> {
    let near = -20i16..20;
    prop_oneof![
        4 => (near.clone(), near).prop_map(|(x, y)| Parcel { x, y }),
        1 => any::<(i16, i16)>().prop_map(|(x, y)| Parcel { x, y }),
    ]
}

fn any_wallet() -> impl Strategy<Value = WalletAddress> {
    prop_oneof![
        (1u8..6).prop_map(|byte| WalletAddress([byte; 20])),
        any::<[u8; 20]>().prop_map(WalletAddress),
    ]
}

fn any_pose() -> impl Strategy<Value = Pose> {
    any::<(i32, i32, i32, [i16; 4], u32)>().prop_map(|(x, y, z, rotation, scale)| Pose {
        x,
        y,
        z,
        rotation,
        scale,
    })
}

fn any_model(id: u64) -> impl Strategy<Value = Model> {
    let hashes = any::<([u8; 20], [u8; 32])>();
    (
        hashes,
        any::<u64>(),
        option::of(any_wallet()),
        ".{0,80}",
        "[!-~]{0,40}",
    )
        .prop_map(
            move |((info_hash, content_hash), size, gate, name, sources)| Model {
                id,
                info_hash: InfoHash(info_hash),
                content_hash: ContentHash(content_hash),
                size,
                gate,
                name: name.repeat(4),
                sources,
                owner: None,
            },
        )
}

/// Parcels with placements of models 1 to 7, of which those up to 5 are known.
fn any_grid() -> impl Strategy<Value = LandGrid> {
    let placed = vec((1u64..8, any_pose()), 0..4);
    let parcels = vec((any_parcel(), any_wallet(), placed), 0..60);
    let models = (1u64..6).map(any_model).collect::<Vec<_>>();
    (parcels, models).prop_map(|(parcels, models)| {
        let mut next = 0;
        let mut placement = |(model, pose)| {
            next += 1;
            Placement {
                id: next,
                model,
                pose,
            }
        };
        let parcels = parcels.into_iter().map(|(parcel, owner, placed)| {
            let placements = placed.into_iter().map(&mut placement).collect();
            (parcel, ParcelState { owner, placements })
        });
        LandGrid {
            parcels: parcels.collect(),
            models: models.into_iter().map(|model| (model.id, model)).collect(),
            ..LandGrid::default()
        }
    })
}

/// The same grid with some parcels of another: what a block or a reorganisation may do.
fn mixed(one: &LandGrid, other: &LandGrid) -> LandGrid {
    let mut mixed = one.clone();
    for (index, (parcel, state)) in other.parcels.iter().enumerate() {
        if index % 3 == 0 {
            mixed.parcels.insert(*parcel, state.clone());
        }
    }
    let mut index = 0;
    mixed.parcels.retain(|_, _| {
        index += 1;
        index % 5 != 0
    });
    mixed
        .models
        .extend(other.models.clone().into_iter().take(2));
    mixed
}

/// Every chunk that there is before or after, as it is in both.
fn pairs(
    before: &BTreeMap<ChunkId, Chunk>,
    after: &BTreeMap<ChunkId, Chunk>,
) -> Vec<(Chunk, Chunk)> {
    let in_it = |chunks: &BTreeMap<ChunkId, Chunk>, id: ChunkId| {
        chunks.get(&id).cloned().unwrap_or(Chunk::empty(id))
    };
    let mut ids: Vec<ChunkId> = before.keys().chain(after.keys()).copied().collect();
    ids.sort();
    ids.dedup();
    let pair = |id| (in_it(before, id), in_it(after, id));
    ids.into_iter().map(pair).collect()
}

fn delta(from: u64, to: u64, pairs: &[(Chunk, Chunk)]) -> Delta {
    let mut delta = Delta::new(epoch(from), epoch(to));
    for (before, after) in pairs {
        delta.add(before, after);
    }
    delta
}

proptest! {
    #[test]
    fn every_format_is_read_as_it_was_written(grid in any_grid(), other in any_grid()) {
        let chunks = grid.chunks();
        let listed: usize = chunks.values().map(|chunk| chunk.parcels.len()).sum();
        prop_assert_eq!(listed, grid.parcels.len());
        for chunk in chunks.values() {
            prop_assert_eq!(&Chunk::decode(&chunk.encode()).unwrap(), chunk);
        }
        let world = World::of(epoch(9), chunks.values());
        prop_assert_eq!(world.parcels.len(), grid.parcels.len());
        prop_assert_eq!(&World::decode(&world.encode().unwrap()).unwrap(), &world);
        let delta = delta(9, 10, &pairs(&chunks, &other.chunks()));
        prop_assert_eq!(&Delta::decode(&delta.encode().unwrap()).unwrap(), &delta);
    }

    #[test]
    fn a_delta_leads_where_it_says(before in any_grid(), other in any_grid()) {
        let after = mixed(&before, &other);
        let suspected = after.changed_chunks(&before);
        let (before, after) = (before.chunks(), after.chunks());
        let pairs = pairs(&before, &after);
        let unsuspected = pairs.iter().filter(|(old, _)| !suspected.contains(&old.id));
        for (before, after) in unsuspected {
            prop_assert_eq!(before, after);
        }
        let delta = delta(1, 2, &pairs);
        let mut world = World::of(epoch(1), before.values());
        delta.apply_to_world(&mut world);
        prop_assert_eq!(world, World::of(epoch(2), after.values()));
        for (mut chunk, after) in pairs {
            delta.apply_to_chunk(&mut chunk);
            prop_assert_eq!(chunk, after);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_exactly(
        grid in any_grid(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        kept in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let chunks = grid.chunks();
        let empty = BTreeMap::new();
        let mut texts = vec![
            World::of(epoch(3), chunks.values()).encode().unwrap(),
            delta(3, 4, &pairs(&empty, &chunks)).encode().unwrap(),
        ];
        texts.extend(chunks.values().next().map(Chunk::encode));
        for mut bytes in texts {
            for (at, value) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if cut {
                bytes.truncate(kept.index(bytes.len()));
            }
            read_exactly_or_not(&bytes);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..300), kind in 0usize..3) {
        let mut marked = [*b"CGRW\x01\0\0\0", *b"CGRC\x01\0\0\0", *b"CGRD\x01\0\0\0"][kind].to_vec();
        marked.extend(&bytes);
        read_exactly_or_not(&bytes);
        read_exactly_or_not(&marked);
    }
}

fn read_exactly_or_not(bytes: &[u8]) {
    if let Ok(world) = World::decode(bytes) {
        assert_eq!(world.encode().unwrap(), bytes);
    }
    if let Ok(chunk) = Chunk::decode(bytes) {
        assert_eq!(chunk.encode(), bytes);
    }
    if let Ok(delta) = Delta::decode(bytes) {
        assert_eq!(delta.encode().unwrap(), bytes);
    }
}

#[test]
fn a_count_makes_no_room_that_the_bytes_cannot_fill() {
    let mut bytes = World::default().encode().unwrap();
    let counts = bytes.len() - 12;
    bytes[counts..].fill(0xff);
    assert_eq!(
        World::decode(&bytes),
        Err(DecodeError::Wrong("too many parcels"))
    );
    bytes[counts + 8..].copy_from_slice(&[0, 0, 0, 0]);
    assert_eq!(
        World::decode(&bytes),
        Err(DecodeError::CutShort("the owners"))
    );
}

#[test]
fn says_what_is_wrong() {
    let chunk = Chunk::empty(ChunkId { x: 0, y: 0 }).encode();
    assert_eq!(World::decode(&chunk), Err(DecodeError::Foreign("world")));
    let mut newer = chunk.clone();
    newer[4] = 2;
    assert_eq!(Chunk::decode(&newer), Err(DecodeError::Version(2)));
    let mut longer = chunk.clone();
    longer.push(0);
    assert_eq!(Chunk::decode(&longer), Err(DecodeError::TooLong(1)));
    assert_eq!(
        Chunk::decode(&chunk[..chunk.len() - 1]),
        Err(DecodeError::CutShort("the cells"))
    );
}

#[test]
fn more_is_listed_nowhere_than_the_formats_hold() {
    let pose = Pose {
        x: 0,
        y: 0,
        z: 0,
        rotation: [0, 0, 0, i16::MAX],
        scale: 1000,
    };
    let parcel = Parcel { x: 1, y: 1 };
    let placement = |id| Placement { id, model: 1, pose };
    let state = ParcelState {
        owner: WalletAddress([1; 20]),
        placements: (1..=300).rev().map(placement).collect(),
    };
    let model = Model {
        id: 1,
        info_hash: InfoHash([1; 20]),
        content_hash: ContentHash([1; 32]),
        size: 1,
        gate: None,
        name: "ß".repeat(200),
        sources: "tr=x&".repeat(300),
        owner: None,
    };
    let grid = LandGrid {
        parcels: [(parcel, state)].into(),
        models: [(1, model)].into(),
        ..LandGrid::default()
    };
    let chunk = &grid.chunks()[&ChunkId { x: 0, y: 0 }];
    let listed: Vec<u64> = chunk.parcels[&parcel]
        .placements
        .iter()
        .map(|p| p.id)
        .collect();
    assert_eq!(listed, (1..=255).collect::<Vec<_>>());
    assert_eq!(chunk.models[&1].name, "ß".repeat(128));
    assert_eq!(chunk.models[&1].sources, "");
    assert_eq!(&Chunk::decode(&chunk.encode()).unwrap(), chunk);
    assert_eq!(
        World::of(epoch(1), [chunk]).parcels[&parcel].placements,
        255
    );
}

#[test]
fn chunks_end_where_the_grid_ends() {
    let corner = Parcel {
        x: i16::MIN,
        y: i16::MAX,
    };
    let id = ChunkId::of(corner);
    assert_eq!((id.x, id.y), (-2048, 2047));
    assert_eq!(ChunkId::new(id.x, id.y), Some(id));
    assert_eq!(ChunkId::new(-2049, 0), None);
    assert_eq!(ChunkId::new(0, 2048), None);
    assert_eq!(
        ChunkId::of(Parcel { x: -1, y: 16 }),
        ChunkId { x: -1, y: 1 }
    );
}

#[test]
fn the_epoch_is_the_block_of_the_last_change() {
    let block = |number| BlockRef {
        number,
        hash: [7; 32],
        timestamp: UnixTime(number),
    };
    let mut grid = LandGrid::default();
    assert_eq!(grid.epoch(), None);
    grid.block = Some(block(12));
    assert_eq!(grid.epoch(), Some(Epoch::default()));
    grid.changed = Some(block(5));
    assert_eq!(grid.epoch().map(|epoch| epoch.number), Some(5));
}

/// One parcel with one model, given away from the first epoch to the second: the worked example of
/// `docs/GRID.md`.
fn example() -> (World, Chunk, Delta) {
    let grid = |owner: u8| {
        let pose = Pose {
            x: 8000,
            y: 0,
            z: -1,
            rotation: [0, 0, 0, 32767],
            scale: 1000,
        };
        let state = ParcelState {
            owner: WalletAddress([owner; 20]),
            placements: vec![Placement {
                id: 3,
                model: 5,
                pose,
            }],
        };
        let model = Model {
            id: 5,
            info_hash: InfoHash([0xaa; 20]),
            content_hash: ContentHash([0xbb; 32]),
            size: 4096,
            gate: None,
            name: "tower".to_owned(),
            sources: "tr=x".to_owned(),
            owner: None,
        };
        LandGrid {
            parcels: [(Parcel { x: -2, y: 7 }, state)].into(),
            models: [(5, model)].into(),
            ..LandGrid::default()
        }
    };
    let (before, after) = (grid(0x11).chunks(), grid(0x22).chunks());
    let chunk = before.values().next().unwrap().clone();
    let delta = delta(100, 101, &pairs(&before, &after));
    (World::of(epoch(100), before.values()), chunk, delta)
}

#[test]
fn the_worked_example_is_what_the_description_says() {
    let description = include_str!("../../../../docs/GRID.md");
    // Each line of an example has the bytes, then what they are.
    let mut examples = description.split("```text\n").skip(1).map(|block| {
        let lines = block.split("```").next().unwrap().lines();
        let bytes = lines.filter_map(|line| Some(line.split_once(" | ")?.0));
        bytes.collect::<String>().replace(' ', "")
    });
    let (world, chunk, delta) = example();
    for encoded in [
        world.encode().unwrap(),
        chunk.encode(),
        delta.encode().unwrap(),
    ] {
        assert_eq!(examples.next().unwrap(), hex::encode(encoded));
    }
    assert_eq!(examples.next(), None);
}

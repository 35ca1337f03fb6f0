//! The committed vectors by which other readers of the grid are tested are what this box encodes.

use std::{collections::BTreeMap, path::Path};

use seedbox_core::{
    LandGrid, Parcel, ParcelState,
    grid::{Chunk, ChunkId, Delta, Epoch, ListedModel, World},
};
use serde_json::{Value, json};

use super::grid::{block, world};

const HERE: ChunkId = ChunkId { x: 0, y: 0 };

fn address(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn place(parcel: &Parcel) -> String {
    format!("{},{}", parcel.x, parcel.y)
}

fn world_vector(world: &World) -> Value {
    let parcels: BTreeMap<String, Value> = world
        .parcels
        .iter()
        .map(|(parcel, cell)| {
            let owner = address(&cell.owner.0);
            let cell = json!({ "owner": owner, "placements": cell.placements });
            (place(parcel), cell)
        })
        .collect();
    json!({
        "bytes": address(&world.encode().unwrap()),
        "epoch": world.epoch.name().to_string(),
        "parcels": parcels,
    })
}

fn parcel_vector(state: &ParcelState) -> Value {
    let placements = state.placements.iter().map(|placement| {
        let pose = &placement.pose;
        json!({
            "id": placement.id.to_string(),
            "model": placement.model.to_string(),
            "position": [pose.x, pose.y, pose.z],
            "rotation": pose.rotation,
            "scale": pose.scale,
        })
    });
    json!({ "owner": address(&state.owner.0), "placements": placements.collect::<Vec<_>>() })
}

fn model_vector(model: &ListedModel) -> Value {
    json!({
        "id": model.id.to_string(),
        "infoHash": model.info_hash.to_string(),
        "contentHash": model.content_hash.to_string(),
        "size": model.size.to_string(),
        "flags": model.flags,
        "gate": model.gate.map(|gate| address(&gate.0)),
        "name": model.name,
        "sources": model.sources,
    })
}

fn chunk_vector(chunk: &Chunk) -> Value {
    let parcels = chunk.parcels.iter();
    let parcels: BTreeMap<_, _> = parcels.map(|(p, s)| (place(p), parcel_vector(s))).collect();
    json!({
        "bytes": address(&chunk.encode()),
        "parcels": parcels,
        "models": chunk.models.values().map(model_vector).collect::<Vec<_>>(),
    })
}

fn vectors() -> Value {
    let (before, after): (_, LandGrid) = (world(1, 20, 1), (*world(2, 18, 3)).clone());
    let mut after = after;
    // What is hardest for a reader: the far corner, and all that 64 bits can hold.
    let corner = Parcel {
        x: i16::MIN,
        y: i16::MAX,
    };
    let mut origin = after.parcels[&Parcel { x: 0, y: 0 }].clone();
    origin.placements[0].id = u64::MAX;
    after.parcels.insert(corner, origin.clone());
    origin.placements[0].id = 9;
    let mut second = origin.placements[0].clone();
    second.id = 1 << 60;
    second.pose.x = i32::MIN;
    second.pose.rotation = [i16::MIN, -1, 1, i16::MAX];
    second.pose.scale = u32::MAX;
    origin.placements.push(second);
    after.parcels.insert(Parcel { x: 0, y: 0 }, origin);
    if let Some(model) = after.models.get_mut(&5) {
        model.gate = None;
        model.size = u64::MAX;
        model.name = "Türme 🏰".to_owned();
    }
    let (chunks_before, chunks_after) = (before.chunks(), after.chunks());
    let [from, to] = [1, 2].map(|number| Epoch::from(block(number)));
    let mut delta = Delta::new(from, to);
    for id in chunks_before.keys().chain(chunks_after.keys()) {
        let empty = Chunk::empty(*id);
        let [old, new] = [&chunks_before, &chunks_after].map(|chunks| chunks.get(id));
        delta.add(old.unwrap_or(&empty), new.unwrap_or(&empty));
    }
    json!({
        "world": world_vector(&World::of(from, chunks_before.values())),
        "worldAfter": world_vector(&World::of(to, chunks_after.values())),
        "chunk": chunk_vector(&chunks_before[&HERE]),
        "chunkAfter": chunk_vector(&chunks_after[&HERE]),
        "delta": {
            "bytes": address(&delta.encode().unwrap()),
            "from": delta.from.name().to_string(),
            "to": delta.to.name().to_string(),
            "removed": delta.parcels.iter().filter(|(_, state)| state.is_none())
                .map(|(parcel, _)| place(parcel)).collect::<Vec<_>>(),
        },
    })
}

#[test]
fn the_committed_vectors_are_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web-admin/world/vectors.json");
    let current = serde_json::to_string_pretty(&vectors()).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "web-admin/world/vectors.json is out of date. Regenerate it: UPDATE_VECTORS=1 cargo test -p seedbox-http vectors"
    );
}

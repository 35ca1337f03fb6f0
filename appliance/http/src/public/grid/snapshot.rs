//! One state of the grid as the bodies that are served of it. States share the bodies of the chunks
//! that are the same in both.

use std::{collections::HashMap, sync::Arc};

use axum::http::HeaderValue;
use seedbox_core::{
    LandGrid, UnixTime,
    grid::{Chunk, ChunkId, Delta, Epoch, EpochName, World},
};
use tokio::sync::OnceCell;

use super::{
    Grid,
    body::{Body, SharedBody},
};
use crate::problem::{Problem, ProblemType};

/// The bodies of one epoch.
pub(super) struct Snapshot {
    pub(super) epoch: Epoch,
    pub(super) name: EpochName,
    /// Its name as a header.
    pub(super) header: HeaderValue,
    /// When its block was made; `None` for a grid on which nothing has happened.
    pub(super) changed_at: Option<UnixTime>,
    chunks: HashMap<ChunkId, SharedBody>,
    world: OnceCell<SharedBody>,
}

/// A new state, and how it came out of the one before.
pub(super) struct Step {
    pub(super) snapshot: Snapshot,
    pub(super) delta: Delta,
    /// Bytes of the state before that are not in this one.
    pub(super) replaced: usize,
    /// Whether any chunk differs.
    pub(super) differs: bool,
}

impl Snapshot {
    /// Encodes `grid`; `before` gives what has not changed since.
    pub(super) fn next(before: Option<&Snapshot>, epoch: Epoch, grid: &LandGrid) -> Step {
        let from = before.map_or(epoch, |before| before.epoch);
        let mut step = Step {
            snapshot: Snapshot {
                epoch,
                name: epoch.name(),
                header: HeaderValue::try_from(epoch.name().to_string())
                    .unwrap_or(HeaderValue::from_static("")),
                changed_at: grid.changed.map(|block| block.timestamp),
                chunks: HashMap::new(),
                world: OnceCell::new(),
            },
            delta: Delta::new(from, epoch),
            replaced: 0,
            differs: false,
        };
        for (id, chunk) in grid.chunks() {
            step.take(before, id, &chunk);
        }
        let known = before.iter().flat_map(|before| &before.chunks);
        let mut lost: Vec<ChunkId> = known.map(|(id, _)| *id).collect();
        lost.retain(|id| !step.snapshot.chunks.contains_key(id));
        for id in lost {
            step.compare(before, &Chunk::empty(id));
        }
        step
    }

    /// A chunk's body; a chunk without parcels has one too.
    pub(super) fn chunk(&self, id: ChunkId) -> SharedBody {
        let found = self.chunks.get(&id).cloned();
        found.unwrap_or_else(|| Arc::new(Body::new(Chunk::empty(id).encode())))
    }

    /// The whole world's body.
    pub(super) async fn world(self: &Arc<Self>, grid: &Grid) -> Result<SharedBody, Problem> {
        let make = || async {
            let snapshot = Arc::clone(self);
            let encoded = grid.make(move || snapshot.encode_world()).await?;
            encoded.map(|bytes| Arc::new(Body::new(bytes)))
        };
        self.world.get_or_try_init(make).await.cloned()
    }

    fn encode_world(&self) -> Result<Vec<u8>, Problem> {
        let mut world = World {
            epoch: self.epoch,
            ..World::default()
        };
        for body in self.chunks.values() {
            world.add(&decoded(body)?);
        }
        world.encode().map_err(|error| {
            let detail = format!("The world cannot be had in one answer: {error}.");
            Problem::new(ProblemType::Unavailable, detail)
        })
    }

    /// Every chunk with parcels, ascending.
    pub(super) fn chunk_ids(&self) -> Vec<ChunkId> {
        let mut ids: Vec<ChunkId> = self.chunks.keys().copied().collect();
        ids.sort();
        ids
    }

    /// A chunk's content.
    pub(super) fn content(&self, id: ChunkId) -> Result<Chunk, Problem> {
        match self.chunks.get(&id) {
            Some(body) => decoded(body),
            None => Ok(Chunk::empty(id)),
        }
    }
}

impl Step {
    fn take(&mut self, before: Option<&Snapshot>, id: ChunkId, chunk: &Chunk) {
        let bytes = chunk.encode();
        let known = before.and_then(|before| before.chunks.get(&id));
        let body = match known {
            Some(known) if known.plain() == bytes => Arc::clone(known),
            _ => {
                self.compare(before, chunk);
                Arc::new(Body::new(bytes))
            }
        };
        self.snapshot.chunks.insert(id, body);
    }

    /// Adds a chunk that differs to the delta.
    fn compare(&mut self, before: Option<&Snapshot>, after: &Chunk) {
        self.differs = true;
        let Some(before) = before else {
            return;
        };
        let known = before.chunks.get(&after.id);
        self.replaced += known.map_or(0, |body| body.plain().len());
        let known = known.and_then(|body| decoded(body).ok());
        let empty = Chunk::empty(after.id);
        self.delta.add(known.as_ref().unwrap_or(&empty), after);
    }
}

/// What the box itself encoded.
fn decoded(body: &Body) -> Result<Chunk, Problem> {
    Chunk::decode(body.plain()).map_err(|error| {
        tracing::error!(%error, "a chunk that the box made cannot be read");
        Problem::new(ProblemType::Internal, "The box failed. Try again later.")
    })
}

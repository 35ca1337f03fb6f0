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
    history::Current,
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
    /// Encodes `grid`, or what differs in it from the state before.
    pub(super) fn next(before: Option<&Current>, epoch: Epoch, grid: &LandGrid) -> Step {
        let name = epoch.name();
        let known = before.map(|before| &before.snapshot);
        let mut step = Step {
            snapshot: Snapshot {
                epoch,
                name,
                header: HeaderValue::try_from(name.to_string())
                    .unwrap_or(HeaderValue::from_static("")),
                changed_at: grid.changed.map(|block| block.timestamp),
                chunks: known.map_or_else(HashMap::new, |known| known.chunks.clone()),
                world: OnceCell::new(),
            },
            delta: Delta::new(known.map_or(epoch, |known| known.epoch), epoch),
            replaced: 0,
            differs: false,
        };
        let nothing = LandGrid::default();
        let earlier = before.map_or(&nothing, |before| &*before.grid);
        for id in grid.changed_chunks(earlier) {
            step.take(&grid.chunk(id), known.is_some());
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
    /// Puts a chunk in the place of what it was, and into the delta if that leads anywhere.
    fn take(&mut self, chunk: &Chunk, follows: bool) {
        let chunks = &mut self.snapshot.chunks;
        let known = chunks.get(&chunk.id);
        let bytes = chunk.encode();
        if known.is_some_and(|known| known.plain() == bytes) {
            return;
        }
        self.differs = true;
        self.replaced += known.map_or(0, |known| known.plain().len());
        if follows {
            let before = known.and_then(|known| decoded(known).ok());
            let before = before.unwrap_or_else(|| Chunk::empty(chunk.id));
            self.delta.add(&before, chunk);
        }
        if chunk.parcels.is_empty() {
            chunks.remove(&chunk.id);
        } else {
            chunks.insert(chunk.id, Arc::new(Body::new(bytes)));
        }
    }
}

/// What the box itself encoded.
fn decoded(body: &Body) -> Result<Chunk, Problem> {
    Chunk::decode(body.plain()).map_err(|error| {
        tracing::error!(%error, "a chunk that the box made cannot be read");
        Problem::new(ProblemType::Internal, "The box failed. Try again later.")
    })
}

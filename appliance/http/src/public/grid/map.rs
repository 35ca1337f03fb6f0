//! The JSON twins of the world, of chunks and of single parcels, for clients that have no decoder.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    sync::Arc,
};

use axum::{
    body::Body as HttpBody,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use seedbox_core::{
    Parcel,
    grid::{Chunk, ChunkId},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Grid,
    body::{Caching, Coding, Envelope, Tag},
    history::Current,
    json::{ModelWithLink, ParcelWithContent, Tile, models},
    listing::{self, JSON},
    snapshot::Snapshot,
};
use crate::{
    problem::{Problem, ProblemType},
    public::Public,
};

/// Bytes that are unpacked at a time.
const BLOCK: usize = 64 * 1024;

/// A chunk's parcels.
#[derive(Serialize, ToSchema)]
#[schema(as = GridArea)]
pub(super) struct Area {
    /// Always true.
    ok: bool,
    /// The state that this is of.
    epoch: String,
    /// Parcels by `x,y`.
    data: BTreeMap<String, ParcelWithContent>,
    /// The models that stand on them, by ascending ID.
    models: Vec<ModelWithLink>,
}

/// One parcel.
#[derive(Serialize, ToSchema)]
#[schema(as = GridParcelAnswer)]
pub(super) struct OneParcel {
    /// The state that this is of.
    epoch: String,
    #[serde(flatten)]
    parcel: ParcelWithContent,
    /// The models that stand on it, by ascending ID.
    models: Vec<ModelWithLink>,
}

/// The whole world in JSON, packed: unpacked it would fill too much of a small box's memory.
pub(super) struct WorldJson {
    gzip: Bytes,
    tag: Tag,
}

/// Every parcel as `{"ok": true, "epoch": …, "data": {"x,y": tile}}`, without what stands there.
/// Megabytes: ask for it compressed, or take the binary world.
#[utoipa::path(get, path = "/grid/world.json", tag = "grid", responses(
    (status = 200, content_type = "application/json", description = "Tiles by `x,y`."),
    (status = 304, description = "The client has it."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything that went wrong."),
))]
pub(super) async fn world_json(
    State(public): State<Arc<Public>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let current = public.grid.current()?;
    let make = || async {
        let snapshot = Arc::clone(&current.snapshot);
        public.grid.make(move || WorldJson::of(&snapshot)).await?
    };
    let world = current.world_json.get_or_try_init(make).await?;
    let envelope = Envelope {
        content_type: JSON,
        epoch: &current.snapshot.header,
        caching: Caching::Revalidate,
    };
    let (coding, body) = match Coding::best(&headers) {
        Coding::Identity => (Coding::Identity, unpacked(world.gzip.clone())),
        Coding::Gzip | Coding::Zstd => (Coding::Gzip, world.gzip.clone().into()),
    };
    let body = Some(body).filter(|_| !world.tag.is_known(&headers));
    Ok(envelope.respond(&world.tag, coding, body))
}

/// One parcel and all that stands on it.
#[utoipa::path(get, path = "/grid/parcels/{x}/{y}", tag = "grid",
    params(
        ("x" = i16, Path, description = "West to east."),
        ("y" = String, Path, description = "South to north; `.json` may follow."),
    ),
    responses(
        (status = 200, body = OneParcel, description = "The parcel."),
        (status = 304, description = "The client has it."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "Nobody holds it."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn parcel(
    State(public): State<Arc<Public>>,
    Path((x, y)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parcel = parse_parcel(&x, y.strip_suffix(".json").unwrap_or(&y))?;
    let current = public.grid.current()?;
    let snapshot = Arc::clone(&current.snapshot);
    let one = move || {
        let mut chunk = snapshot.content(ChunkId::of(parcel))?;
        chunk.parcels.retain(|at, _| *at == parcel);
        let Some(state) = chunk.parcels.get(&parcel) else {
            let detail = format!("Nobody holds the parcel {},{}.", parcel.x, parcel.y);
            return Err(Problem::new(ProblemType::NotFound, detail));
        };
        let here = |id: &u64| state.placements.iter().any(|p| p.model == *id);
        chunk.models.retain(|id, _| here(id));
        Ok(OneParcel {
            epoch: snapshot.name.to_string(),
            parcel: ParcelWithContent::new(parcel, state, snapshot.changed_at),
            models: models(&chunk.models),
        })
    };
    listing::send(&public.grid, &headers, &current.snapshot, one).await
}

/// A chunk in JSON.
pub(super) async fn chunk_json(
    grid: &Grid,
    headers: &HeaderMap,
    current: Arc<Current>,
    id: ChunkId,
) -> Result<Response, Problem> {
    let snapshot = Arc::clone(&current.snapshot);
    let area = move || Ok(Area::of(&snapshot, &snapshot.content(id)?));
    listing::send(grid, headers, &current.snapshot, area).await
}

/// A parcel's coordinates out of a path.
pub(in crate::public) fn parse_parcel(x: &str, y: &str) -> Result<Parcel, Problem> {
    let parcel = || {
        Some(Parcel {
            x: x.parse().ok()?,
            y: y.parse().ok()?,
        })
    };
    parcel().ok_or_else(|| {
        let detail = "There is no such parcel: both coordinates go from -32768 to 32767.";
        Problem::new(ProblemType::InvalidRequest, detail)
    })
}

impl Area {
    fn of(snapshot: &Snapshot, chunk: &Chunk) -> Self {
        let parcels = chunk.parcels.iter();
        let parcels = parcels.map(|(&parcel, state)| {
            let parcel = ParcelWithContent::new(parcel, state, snapshot.changed_at);
            (parcel.id().to_owned(), parcel)
        });
        Area {
            ok: true,
            epoch: snapshot.name.to_string(),
            data: parcels.collect(),
            models: models(&chunk.models),
        }
    }
}

impl WorldJson {
    fn of(snapshot: &Snapshot) -> Result<Self, Problem> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        let _ = write!(gzip, r#"{{"ok":true,"epoch":"{}","data":{{"#, snapshot.name);
        let mut separator = "";
        for id in snapshot.chunk_ids() {
            for (parcel, state) in snapshot.content(id)?.parcels {
                let tile = Tile::new(parcel, state.owner, snapshot.changed_at);
                let _ = write!(gzip, "{separator}\"{}\":", tile.id());
                let _ = serde_json::to_writer(&mut gzip, &tile);
                separator = ",";
            }
        }
        let _ = gzip.write_all(b"}}");
        Ok(WorldJson {
            gzip: gzip.finish().unwrap_or_default().into(),
            tag: Tag::named(format!("{}-json", snapshot.name)),
        })
    }
}

/// Unpacks block by block, as fast as the client takes it.
fn unpacked(gzip: Bytes) -> HttpBody {
    let unpacking = GzDecoder::new(std::io::Cursor::new(gzip));
    let blocks = futures::stream::unfold(unpacking, |mut unpacking| async move {
        let mut block = vec![0; BLOCK];
        let read = unpacking.read(&mut block).map(|read| {
            block.truncate(read);
            Bytes::from(block)
        });
        let ended = read.as_ref().is_ok_and(Bytes::is_empty);
        (!ended).then_some((read, unpacking))
    });
    HttpBody::from_stream(blocks)
}

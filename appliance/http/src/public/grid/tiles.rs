//! Pictures of the map for people: 256 × 256 pixels, north up, each owner in a colour of its own.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
};

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use seedbox_core::{LandGrid, Parcel, WalletAddress};

use super::body::{Caching, Coding, Envelope, Tag};
use crate::{
    problem::{Problem, ProblemType},
    public::Public,
};

/// Pixels along a tile's side.
const SIDE: u16 = 256;
/// At this zoom a parcel is 32 pixels wide; at zoom 0 it is one.
const HIGHEST_ZOOM: u8 = 5;
/// Bytes of pictures that are kept.
const KEPT: usize = 4 << 20;

const NOBODYS: [u8; 3] = [24, 26, 31];

/// Which picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct TileId {
    zoom: u8,
    x: i32,
    y: i32,
}

/// Pictures of one epoch, oldest first.
#[derive(Default)]
pub(super) struct Tiles {
    tiles: VecDeque<(TileId, Bytes)>,
    bytes: usize,
}

impl Tiles {
    fn get(&self, id: TileId) -> Option<Bytes> {
        let found = self.tiles.iter().find(|(known, _)| *known == id);
        found.map(|(_, png)| png.clone())
    }

    fn insert(&mut self, id: TileId, png: Bytes) {
        self.bytes += png.len();
        self.tiles.push_back((id, png));
        while self.bytes > KEPT {
            let Some((_, oldest)) = self.tiles.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }
}

/// A picture of the map as it is now. At zoom z a parcel is 2^z pixels wide; tile (0, 0) has the
/// parcel (0, 0) in its south-western corner, and tiles count as parcels do, eastwards and
/// northwards.
#[utoipa::path(get, path = "/grid/tiles/{zoom}/{tx}/{ty}", tag = "grid",
    params(
        ("zoom" = u8, Path, description = "0 to 5."),
        ("tx" = i32, Path, description = "West to east."),
        ("ty" = String, Path, description = "South to north; `.png` may follow."),
    ),
    responses(
        (status = 200, content_type = "image/png", description = "The picture."),
        (status = 304, description = "The client has it."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything that went wrong."),
    ))]
pub(super) async fn tile(
    State(public): State<Arc<Public>>,
    Path((zoom, x, y)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = TileId::parse(&zoom, &x, y.strip_suffix(".png").unwrap_or(&y))?;
    let current = public.grid.current()?;
    let name = current.snapshot.name;
    let tag = Tag::named(format!("{name}-{}-{}-{}", id.zoom, id.x, id.y));
    let envelope = Envelope {
        content_type: "image/png",
        epoch: &current.snapshot.header,
        caching: Caching::Revalidate,
    };
    if tag.is_known(&headers) {
        return Ok(envelope.respond(&tag, Coding::Identity, None));
    }
    let tiles = || current.tiles.lock().unwrap_or_else(PoisonError::into_inner);
    let known = tiles().get(id);
    let png = match known {
        Some(png) => png,
        None => {
            let grid = Arc::clone(&current.grid);
            let png = public.grid.make(move || id.png(&grid)).await?;
            let png = png.map_err(|error| {
                tracing::error!(%error, "a picture of the map could not be made");
                Problem::new(ProblemType::Internal, "The box failed. Try again later.")
            })?;
            tiles().insert(id, png.clone());
            png
        }
    };
    Ok(envelope.respond(&tag, Coding::Identity, Some(png.into())))
}

impl TileId {
    fn parse(zoom: &str, x: &str, y: &str) -> Result<Self, Problem> {
        let id = || {
            let zoom: u8 = zoom.parse().ok().filter(|zoom| *zoom <= HIGHEST_ZOOM)?;
            let most = i32::from(i16::MAX) >> (8 - zoom);
            let inside = |text: &str| {
                let at: i32 = text.parse().ok()?;
                (-most - 1..=most).contains(&at).then_some(at)
            };
            Some(TileId {
                zoom,
                x: inside(x)?,
                y: inside(y)?,
            })
        };
        id().ok_or_else(|| {
            let detail = "There is no such tile: the zoom goes from 0 to 5, and at zoom z both \
                          coordinates from -2^(z+7) to 2^(z+7) - 1.";
            Problem::new(ProblemType::InvalidRequest, detail)
        })
    }

    /// The parcel under a pixel, and whether that is on the parcel's edge.
    fn parcel_at(self, column: u16, row: u16) -> (Parcel, bool) {
        let from_south = SIDE - 1 - row;
        let last = (1u16 << self.zoom) - 1;
        let along = |tile: i32, pixel: u16| {
            let parcel = tile * i32::from(SIDE >> self.zoom) + i32::from(pixel >> self.zoom);
            i16::try_from(parcel).unwrap_or(i16::MAX)
        };
        let parcel = Parcel {
            x: along(self.x, column),
            y: along(self.y, from_south),
        };
        let edge = self.zoom >= 3 && (column & last == last || from_south & last == last);
        (parcel, edge)
    }

    fn png(self, grid: &LandGrid) -> Result<Bytes, png::EncodingError> {
        let mut pixels = Vec::with_capacity(usize::from(SIDE) * usize::from(SIDE) * 3);
        for row in 0..SIDE {
            for column in 0..SIDE {
                let (parcel, edge) = self.parcel_at(column, row);
                let state = grid.parcels.get(&parcel);
                let colour = state.map_or(NOBODYS, |state| colour(state.owner));
                pixels.extend(colour.map(|part| if edge { part / 2 } else { part }));
            }
        }
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, SIDE.into(), SIDE.into());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(file.into())
    }
}

/// An owner's colour: any hue, never too dark or pale to be seen.
fn colour(owner: WalletAddress) -> [u8; 3] {
    // FNV-1a, because addresses may be ground to begin with zeros.
    let hash = owner.0.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    let [a, b, c, d] = hash.to_le_bytes();
    let mut parts = [80 + a % 150, 80 + b % 150, 80 + c % 150];
    parts[usize::from(d % 3)] = 50; // no greys
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_as_parcels_do() {
        let at = |zoom: &str, x: &str, y: &str| TileId::parse(zoom, x, y).ok().unwrap();
        let corner = at("0", "0", "0").parcel_at(0, 255).0;
        assert_eq!(corner, Parcel { x: 0, y: 0 });
        let far = at("0", "0", "0").parcel_at(255, 0).0;
        assert_eq!(far, Parcel { x: 255, y: 255 });
        let west = at("5", "-1", "2").parcel_at(0, 0).0;
        assert_eq!(west, Parcel { x: -8, y: 23 });
        let least = at("0", "-128", "127").parcel_at(0, 0).0;
        assert_eq!(
            least,
            Parcel {
                x: i16::MIN,
                y: i16::MAX
            }
        );
        for (zoom, x, y) in [
            ("6", "0", "0"),
            ("0", "128", "0"),
            ("0", "0", "-129"),
            ("", "0", "0"),
        ] {
            assert!(TileId::parse(zoom, x, y).is_err(), "{zoom}/{x}/{y}");
        }
    }

    #[test]
    fn the_pictures_that_are_kept_are_bounded() {
        let mut tiles = Tiles::default();
        let id = |x| TileId { zoom: 0, x, y: 0 };
        for x in 0..100 {
            tiles.insert(id(x), vec![0; 100_000].into());
        }
        assert!(tiles.bytes <= KEPT);
        assert_eq!(tiles.get(id(0)), None);
        assert!(tiles.get(id(99)).is_some());
    }
}

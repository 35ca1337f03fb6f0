//! One answer's bytes, compressed once for everybody, and how they go out: with a strong tag, the
//! caching that fits, and not at all to whoever has them.

use std::{io::Write, sync::Arc};

use axum::{
    body::Body as HttpBody,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::Grid;
use crate::problem::Problem;

/// Which state of the grid an answer shows.
pub(super) const GRID_EPOCH: HeaderName = HeaderName::from_static("grid-epoch");

/// Bodies below this are not worth compressing.
const WORTH_COMPRESSING: usize = 512;
const ZSTD_LEVEL: i32 = 12;
/// Sooner done than the usual level, for the same number of bytes.
const GZIP_LEVEL: Compression = Compression::new(4);

/// How long an answer holds.
#[derive(Clone, Copy)]
pub(super) enum Caching {
    /// For ever: its address names the state.
    Immutable,
    /// Until the grid changes: to be asked for again, and answered with 304 if it holds.
    Revalidate,
}

/// How a body is compressed on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

/// The headers that answers about the grid share.
pub(super) struct Envelope<'a> {
    pub(super) content_type: &'static str,
    pub(super) epoch: &'a HeaderValue,
    pub(super) caching: Caching,
}

/// Bytes with their hash, and compressed as soon as somebody has asked for that.
pub(super) struct Body {
    plain: Bytes,
    tag: Tag,
    gzip: OnceCell<Bytes>,
    zstd: OnceCell<Bytes>,
}

/// A strong entity tag for each coding of the same content (RFC 9110, section 8.8.3).
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn of(content: &[u8]) -> Self {
        Tag(hex::encode(&Sha256::digest(content)[..16]))
    }

    /// A tag for what follows from `state` alone.
    pub(super) fn named(state: String) -> Self {
        Tag(state)
    }

    fn header(&self, coding: Coding) -> Option<HeaderValue> {
        let suffix = match coding {
            Coding::Identity => "",
            Coding::Gzip => "-gzip",
            Coding::Zstd => "-zstd",
        };
        HeaderValue::try_from(format!("\"{}{suffix}\"", self.0)).ok()
    }

    /// Whether the client has this content, in whatever coding (`If-None-Match`).
    pub(super) fn is_known(&self, request: &HeaderMap) -> bool {
        let is_this = |tag: &str| {
            let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
            let coded = tag.strip_prefix(self.0.as_str());
            tag == "*" || matches!(coded, Some("" | "-gzip" | "-zstd"))
        };
        let all = request.get_all(header::IF_NONE_MATCH).iter();
        all.filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(is_this)
    }
}

impl Coding {
    /// The best that the client takes (`Accept-Encoding`, RFC 9110, section 12.5.3).
    pub(super) fn best(request: &HeaderMap) -> Self {
        let accepted = |name: &str| {
            let all = request.get_all(header::ACCEPT_ENCODING).iter();
            all.filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|coding| {
                    let (coding, weight) = coding.split_once(';').unwrap_or((coding, ""));
                    let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
                    coding.trim().eq_ignore_ascii_case(name)
                        && weight
                            .trim()
                            .parse::<f32>()
                            .is_ok_and(|weight| weight > 0.0)
                })
        };
        if accepted("zstd") {
            Coding::Zstd
        } else if accepted("gzip") {
            Coding::Gzip
        } else {
            Coding::Identity
        }
    }
}

impl Body {
    pub(super) fn new(plain: Vec<u8>) -> Self {
        Body {
            tag: Tag::of(&plain),
            plain: plain.into(),
            gzip: OnceCell::new(),
            zstd: OnceCell::new(),
        }
    }

    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Answers with this body, or says that the client has it.
    pub(super) async fn respond(
        &self,
        grid: &Grid,
        request: &HeaderMap,
        envelope: &Envelope<'_>,
    ) -> Result<Response, Problem> {
        let coding = if self.plain.len() < WORTH_COMPRESSING {
            Coding::Identity
        } else {
            Coding::best(request)
        };
        if self.tag.is_known(request) {
            return Ok(envelope.respond(&self.tag, coding, None));
        }
        let body = self.coded(grid, coding).await?;
        Ok(envelope.respond(&self.tag, coding, Some(body.into())))
    }

    async fn coded(&self, grid: &Grid, coding: Coding) -> Result<Bytes, Problem> {
        let made = match coding {
            Coding::Identity => return Ok(self.plain.clone()),
            Coding::Gzip => &self.gzip,
            Coding::Zstd => &self.zstd,
        };
        if let Some(coded) = made.get() {
            return Ok(coded.clone());
        }
        let plain = self.plain.clone();
        let compress = move || match coding {
            Coding::Identity => plain,
            Coding::Gzip => gzipped(&plain).into(),
            Coding::Zstd => zstandard(&plain).into(),
        };
        let make = || grid.make(compress);
        made.get_or_try_init(make).await.cloned()
    }
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), GZIP_LEVEL);
    // Writing to memory does not fail.
    let _ = gzip.write_all(plain);
    gzip.finish().unwrap_or_default()
}

fn zstandard(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, ZSTD_LEVEL).unwrap_or_default()
}

impl Envelope<'_> {
    /// The answer with `body`, or 304 without one.
    pub(super) fn respond(&self, tag: &Tag, coding: Coding, body: Option<HttpBody>) -> Response {
        let found = body.is_some();
        let mut response = Response::new(body.unwrap_or_default());
        let headers = response.headers_mut();
        let caching = match self.caching {
            Caching::Immutable => "public, max-age=31536000, immutable",
            Caching::Revalidate => "public, no-cache",
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(GRID_EPOCH, self.epoch.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(tag) = tag.header(coding) {
            headers.insert(header::ETAG, tag);
        }
        if !found {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let kind = HeaderValue::from_static(self.content_type);
        headers.insert(header::CONTENT_TYPE, kind);
        let coding = match coding {
            Coding::Identity => return response,
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        response
    }
}

/// A body that several states have in common.
pub(super) type SharedBody = Arc<Body>;

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_best_coding_that_is_taken() {
        for (accepted, best) in [
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, deflate", Coding::Gzip),
            ("GZIP;q=0.5", Coding::Gzip),
            ("zstd;q=0, gzip;q=0.001", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("identity", Coding::Identity),
            ("x-gzip2", Coding::Identity),
        ] {
            let request = with(header::ACCEPT_ENCODING, accepted);
            assert_eq!(Coding::best(&request), best, "{accepted}");
        }
        assert_eq!(Coding::best(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn a_known_tag_is_known_in_every_coding() {
        let tag = Tag("0123".to_owned());
        for known in ["\"0123\"", "\"0123-gzip\"", "\"a\", W/\"0123-zstd\"", "*"] {
            assert!(tag.is_known(&with(header::IF_NONE_MATCH, known)), "{known}");
        }
        for other in ["\"012\"", "\"01234\"", "\"0123-br\"", "\"\"", ""] {
            assert!(
                !tag.is_known(&with(header::IF_NONE_MATCH, other)),
                "{other}"
            );
        }
        assert!(!tag.is_known(&HeaderMap::new()));
    }

    #[test]
    fn both_compressions_give_the_same_back() {
        let plain: Vec<u8> = (0..10_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let mut inflated = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(&gzipped(&plain)[..]),
            &mut inflated,
        )
        .unwrap();
        assert_eq!(inflated, plain);
        let decoded = zstd::bulk::decompress(&zstandard(&plain), plain.len()).unwrap();
        assert_eq!(decoded, plain);
    }
}

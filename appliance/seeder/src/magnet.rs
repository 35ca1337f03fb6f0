//! Magnet links (BEP 9) from the chain or from the owner, read with nothing taken on trust.
//!
//! Only what the box needs is kept: which torrent, its name and claimed size for display, and
//! peers given as IP addresses. Host names are not looked up, trackers and web seeds are not
//! contacted and `so=` is not obeyed: a stranger does not choose what the box connects to by name,
//! nor what it allocates.

use std::net::{IpAddr, SocketAddr};

use seedbox_core::InfoHash;

use crate::metainfo::display_text;

/// Bytes of a magnet link that are read.
pub const MAX_MAGNET_BYTES: usize = 8 << 10;
/// Peers taken from one magnet link.
pub const MAX_MAGNET_PEERS: usize = 32;

/// What the box takes from a magnet link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magnet {
    /// Which torrent: the first v1 `xt`.
    pub info_hash: InfoHash,
    /// `dn`, made fit for display.
    pub name: Option<String>,
    /// `xl` in bytes: a claim, good for display alone.
    pub size: Option<u64>,
    /// `x.pe` peers given as IP address and port; at most [`MAX_MAGNET_PEERS`], each once. Private
    /// addresses are among them: whether to dial those is the engine's decision.
    pub peers: Vec<SocketAddr>,
}

/// Why a text is not a magnet link that the box can follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MagnetError {
    /// Longer than [`MAX_MAGNET_BYTES`].
    #[error("the magnet link has {0} bytes; at most {MAX_MAGNET_BYTES} are read")]
    TooLong(usize),
    /// Another kind of text.
    #[error("this is not a magnet link: it must begin with \"magnet:?\"")]
    NotMagnet,
    /// No `xt=urn:btih:…`.
    #[error("the magnet link names no torrent: \"xt=urn:btih:\" is missing")]
    NoInfoHash,
    /// The first `xt=urn:btih:…` has no info hash.
    #[error("\"{0}\" is not an info hash: expected 40 hexadecimal or 32 base32 characters")]
    InfoHash(String),
    /// Only a BitTorrent v2 hash (BEP 52).
    #[error("the magnet link names a BitTorrent v2 torrent; the box needs a v1 or hybrid one")]
    V2Only,
}

impl Magnet {
    /// Reads a magnet link. Parameters that are unknown or malformed are skipped, but for the info
    /// hash.
    ///
    /// # Errors
    /// [`MagnetError`] if it is too long, no magnet link, or names no v1 torrent.
    pub fn parse(link: &str) -> Result<Self, MagnetError> {
        if link.len() > MAX_MAGNET_BYTES {
            return Err(MagnetError::TooLong(link.len()));
        }
        let query = strip_prefix_ignoring_case(link.trim(), "magnet:?");
        let query = query.ok_or(MagnetError::NotMagnet)?;
        let parameters = form_urlencoded::parse(query.as_bytes());
        let value_of = |wanted: &str| {
            let found = parameters.clone().find(|(key, _)| key == wanted);
            found.map(|(_, value)| value)
        };
        Ok(Magnet {
            info_hash: info_hash(parameters.clone())?,
            name: value_of("dn")
                .map(|name| display_text(&name))
                .filter(|name| !name.is_empty()),
            size: value_of("xl").and_then(|size| size.parse().ok()),
            peers: peers(parameters),
        })
    }

    /// Reads the peers among further magnet parameters as published on chain
    /// (`tr=…&x.pe=1.2.3.4:5&ws=…`). Never fails: what is malformed, or lies beyond
    /// [`MAX_MAGNET_BYTES`] or [`MAX_MAGNET_PEERS`], is skipped.
    pub fn peers_of(sources: &str) -> Vec<SocketAddr> {
        let read = &sources[..sources.floor_char_boundary(MAX_MAGNET_BYTES)];
        let whole = if read.len() < sources.len() {
            // A parameter that was cut short would say something else.
            read.rsplit_once('&').map_or("", |(whole, _)| whole)
        } else {
            read
        };
        let query = whole.trim_start_matches(['?', '&']);
        peers(form_urlencoded::parse(query.as_bytes()))
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn info_hash(parameters: form_urlencoded::Parse<'_>) -> Result<InfoHash, MagnetError> {
    let mut error = MagnetError::NoInfoHash;
    for (key, topic) in parameters {
        if key != "xt" && !key.starts_with("xt.") {
            continue;
        }
        if let Some(hash) = strip_prefix_ignoring_case(&topic, "urn:btih:") {
            return hash.parse().map_err(|_| {
                let shown = hash.chars().take(64).flat_map(char::escape_debug);
                MagnetError::InfoHash(shown.collect())
            });
        }
        if strip_prefix_ignoring_case(&topic, "urn:btmh:").is_some() {
            error = MagnetError::V2Only;
        }
    }
    Err(error)
}

fn peers(parameters: form_urlencoded::Parse<'_>) -> Vec<SocketAddr> {
    let mut peers = Vec::new();
    for (_, value) in parameters.filter(|(key, _)| key == "x.pe") {
        if let Some(peer) = peer(&value)
            && !peers.contains(&peer)
        {
            peers.push(peer);
        }
        if peers.len() == MAX_MAGNET_PEERS {
            break;
        }
    }
    peers
}

/// Reads an address that a peer can have. An IPv4 address dressed up as IPv6 is undressed, so that
/// it cannot slip past a blocklist.
fn peer(text: &str) -> Option<SocketAddr> {
    let given: SocketAddr = text.parse().ok()?;
    let ip = given.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let possible = !ip.is_unspecified() && !ip.is_multicast() && !broadcast && given.port() != 0;
    possible.then(|| SocketAddr::new(ip, given.port()))
}

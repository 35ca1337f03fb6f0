//! Magnet links (BEP 9) from the chain or from the owner, read with nothing taken on trust.
//!
//! Only what the box needs is kept: which torrent, its name and claimed size for display, and
//! peers given as IP addresses. Host names are not looked up, trackers and web seeds are not
//! contacted and `so=` is not obeyed: a stranger does not choose what the box connects to by name,
//! nor what it allocates.

use std::net::{IpAddr, SocketAddr};

use seedbox_core::InfoHash;
use url::form_urlencoded;

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
            let found = { parameters }.find(|(key, _)| key == wanted);
            found.map(|(_, value)| value)
        };
        Ok(Magnet {
            info_hash: info_hash(parameters)?,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    const HASH: &str = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";

    fn link(rest: &str) -> String {
        format!("magnet:?xt=urn:btih:{HASH}{rest}")
    }

    fn parse(rest: &str) -> Magnet {
        Magnet::parse(&link(rest)).unwrap()
    }

    #[test]
    fn reads_a_whole_link() {
        let magnet = parse("&dn=A+small%20house&xl=1234&x.pe=192.0.2.7:6881&x.pe=[2001:db8::7]:1");
        assert_eq!(magnet.info_hash.to_string(), HASH);
        assert_eq!(magnet.name.as_deref(), Some("A small house"));
        assert_eq!(magnet.size, Some(1234));
        let peers = ["192.0.2.7:6881", "[2001:db8::7]:1"].map(|p| p.parse().unwrap());
        assert_eq!(magnet.peers, peers);
    }

    #[test]
    fn reads_base32_any_case_and_escaped_colons() {
        let expected = HASH.parse().unwrap();
        for text in [
            "magnet:?xt=urn:btih:YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK",
            "MAGNET:?dn=x&xt=URN:BTIH:C12FE1C06BBA254A9DC9F519B335AA7C1367A88A",
            "  magnet:?xt.1=urn%3Abtih%3Ac12fe1c06bba254a9dc9f519b335aa7c1367a88a\n",
        ] {
            assert_eq!(Magnet::parse(text).unwrap().info_hash, expected, "{text}");
        }
    }

    #[test]
    fn the_first_v1_hash_counts() {
        let other = "0".repeat(40);
        let v2 = format!("urn:btmh:1220{}", "a".repeat(64));
        let hybrid = format!("magnet:?xt={v2}&xt=urn:btih:{HASH}&xt=urn:btih:{other}");
        assert_eq!(
            Magnet::parse(&hybrid).unwrap().info_hash,
            HASH.parse().unwrap()
        );
        assert_eq!(
            Magnet::parse(&format!("magnet:?xt={v2}")),
            Err(MagnetError::V2Only)
        );
    }

    #[test]
    fn refuses_what_names_no_torrent() {
        use MagnetError::*;
        for (text, expected) in [
            ("", NotMagnet),
            ("magnet", NotMagnet),
            ("http://192.0.2.7/?xt=urn:btih:00", NotMagnet),
            ("magnet:?", NoInfoHash),
            ("magnet:?dn=x", NoInfoHash),
            ("magnet:?xt=urn:sha1:00", NoInfoHash),
            (
                "magnet:?xt=urn:btih:0\u{202e}",
                InfoHash("0\\u{202e}".into()),
            ),
            ("magnet:?xt=urn:btih:", InfoHash(String::new())),
        ] {
            assert_eq!(Magnet::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn attack_select_only_range_that_allocates_80_gigabytes_is_ignored() {
        assert_eq!(parse("&so=0-9999999999"), parse(""));
    }

    #[test]
    fn attack_oversized_link_is_refused_unread() {
        let long = link(&"&a=b".repeat(MAX_MAGNET_BYTES));
        assert_eq!(Magnet::parse(&long), Err(MagnetError::TooLong(long.len())));
        let fits = link(&"&".repeat(MAX_MAGNET_BYTES - link("").len()));
        assert_eq!(fits.len(), MAX_MAGNET_BYTES);
        assert!(Magnet::parse(&fits).is_ok());
    }

    #[test]
    fn attack_urls_and_host_names_are_never_taken_as_peers() {
        let magnet = parse(
            "&tr=http://127.0.0.1:8545/&ws=http://169.254.169.254/&xs=file:///etc/passwd\
             &as=http://x/&x.pe=router.local:80&x.pe=localhost:22&x.pe=2130706433:80\
             &x.pe=0x7f.1:80&x.pe=127.1:80&x.pe=010.0.0.1:80",
        );
        assert_eq!(magnet, parse(""));
    }

    #[test]
    fn attack_peer_flood_is_cut_at_the_limit() {
        let flood: String = (0..200)
            .map(|i| format!("&x.pe=192.0.2.{i}:6881"))
            .collect();
        let magnet = parse(&flood);
        assert_eq!(magnet.peers.len(), MAX_MAGNET_PEERS);
        assert_eq!(magnet.peers, Magnet::peers_of(&flood));
        assert_eq!(parse(&"&x.pe=192.0.2.1:1".repeat(99)).peers.len(), 1);
    }

    #[test]
    fn attack_addresses_that_no_peer_has_are_skipped() {
        for bad in [
            "0.0.0.0:1",
            "192.0.2.1:0",
            "224.0.0.1:1",
            "255.255.255.255:1",
            "[::]:1",
            "[ff02::1]:1",
            "[::ffff:0.0.0.0]:1",
            "192.0.2.1",
            "192.0.2.1:65536",
        ] {
            assert_eq!(parse(&format!("&x.pe={bad}")).peers, [], "{bad}");
        }
    }

    #[test]
    fn attack_ipv4_dressed_as_ipv6_is_undressed() {
        let peers = parse("&x.pe=[::ffff:127.0.0.1]:80&x.pe=[fe80::1%255]:80").peers;
        assert_eq!(
            peers,
            ["127.0.0.1:80", "[fe80::1]:80"].map(|p| p.parse().unwrap())
        );
    }

    #[test]
    fn attack_name_is_made_fit_for_display() {
        let name = |dn: &str| parse(&format!("&dn={dn}")).name;
        assert_eq!(
            name("a%00b%0Ac%E2%80%AEd%EF%BB%BF").as_deref(),
            Some("ab cd")
        );
        assert_eq!(name("%ff%fe").as_deref(), Some("\u{fffd}\u{fffd}"));
        assert_eq!(name("%E2%80%AE+%00"), None);
        assert_eq!(name(&"x".repeat(999)).unwrap().len(), 255);
    }

    #[test]
    fn claimed_size_is_a_number_or_nothing() {
        for bad in ["-1", "1.5", "99999999999999999999", "", "abc"] {
            assert_eq!(parse(&format!("&xl={bad}")).size, None, "{bad}");
        }
    }

    #[test]
    fn reads_peers_from_sources_on_chain() {
        let sources =
            "tr=udp://t.example:1&x.pe=192.0.2.7:5&ws=http://x/&x.pe=bad&x.pe=192.0.2.8%3A6";
        let expected: Vec<SocketAddr> = ["192.0.2.7:5", "192.0.2.8:6"]
            .map(|p| p.parse().unwrap())
            .into();
        assert_eq!(Magnet::peers_of(sources), expected);
        assert_eq!(Magnet::peers_of(&format!("&{sources}")), expected);
        assert_eq!(Magnet::peers_of(""), []);
    }

    #[test]
    fn attack_parameter_cut_at_the_limit_is_not_misread() {
        // The limit falls between the digits of the port.
        let peer = "&x.pe=192.0.2.7:6881";
        let padding = "a".repeat(MAX_MAGNET_BYTES - peer.len() + 2);
        assert_eq!(Magnet::peers_of(&format!("{padding}{peer}")), []);
        let fits = &padding[2..];
        assert_eq!(Magnet::peers_of(&format!("{fits}{peer}")).len(), 1);
        assert_eq!(Magnet::peers_of(&"é".repeat(MAX_MAGNET_BYTES)), []);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".*", sources in ".*") {
            let _ = Magnet::parse(&text);
            let _ = Magnet::parse(&link(&format!("&{text}")));
            prop_assert!(Magnet::peers_of(&sources).len() <= MAX_MAGNET_PEERS);
        }

        #[test]
        fn whatever_surrounds_it_the_hash_is_the_one_given(
            hash: [u8; 20],
            before in "([a-wyz]{1,3}=[^&]{0,9}&){0,3}",
            after in "(&.{0,9}){0,3}",
        ) {
            let hash = seedbox_core::InfoHash(hash);
            let text = format!("magnet:?{before}xt=urn:btih:{hash}{after}");
            prop_assert_eq!(Magnet::parse(&text).unwrap().info_hash, hash);
        }
    }
}

//! What the fuzz targets share: how raw bytes become a torrent that gets past the first checks,
//! and what the code behind the guard relies on.

use seedbox_core::InfoHash;
use seedbox_seeder::metainfo::{
    Limits, MAX_FILES, MAX_PIECES, Metainfo, MetainfoError,
    bencode::{write_bytes, write_integer},
};
use sha1::{Digest, Sha1};

/// Passes `info` through the guard under its true info hash, so that no input fails on that alone.
pub fn validate(info: &[u8]) -> Result<Metainfo, MetainfoError> {
    let info_hash = InfoHash(Sha1::digest(info).into());
    let limits = Limits {
        max_total: u64::MAX,
    };
    Metainfo::from_info_bytes(info_hash, info, &limits)
}

/// A well-formed info dictionary of a folder whose names are `data`: the first line names the
/// torrent, every further line is a file with `/` between the components.
pub fn folder_named(data: &[u8]) -> Vec<u8> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let name = lines.next().unwrap_or_default();
    let mut info = b"d5:filesl".to_vec();
    for path in lines {
        info.extend_from_slice(b"d6:lengthi1e4:pathl");
        for component in path.split(|byte| *byte == b'/') {
            write_bytes(&mut info, component);
        }
        info.extend_from_slice(b"ee");
    }
    info.extend_from_slice(b"e4:name");
    write_bytes(&mut info, name);
    info.extend_from_slice(b"12:piece length");
    write_integer(&mut info, 16 << 20);
    info.extend_from_slice(b"6:pieces20:aaaaaaaaaaaaaaaaaaaae");
    info
}

/// Panics if `metainfo` breaks a promise.
pub fn assert_promises(info: &[u8], metainfo: &Metainfo) {
    assert_eq!(metainfo.info_bytes(), info);
    let count = metainfo.piece_hashes().len();
    assert!((1..=MAX_PIECES as usize).contains(&count));
    assert!((1..=MAX_FILES).contains(&metainfo.files().len()));
    let lengths: u64 = metainfo.files().iter().map(|file| file.len).sum();
    assert_eq!(lengths, metainfo.total());
    let sizes = (0..=MAX_PIECES).map_while(|index| metainfo.piece_size(index));
    let (pieces, bytes) = sizes.fold((0, 0), |(n, sum), size| (n + 1, sum + u64::from(size)));
    assert_eq!((pieces, bytes), (count, metainfo.total()));
    assert_displayable(metainfo.name());
    for component in metainfo.files().iter().flat_map(|file| &file.path) {
        assert!(!["", ".", ".."].contains(&component.as_str()));
        assert!(!component.contains(['/', '\\', '\0', '\u{feff}']));
        assert!(component.len() <= 255);
    }
    let torrent = metainfo.torrent_bytes();
    let limits = Limits {
        max_total: metainfo.total(),
    };
    let again = Metainfo::from_torrent_bytes(&torrent, &limits);
    assert_eq!(again.as_ref(), Ok(metainfo));
}

/// Panics if `text` could break or fake a line on a screen.
pub fn assert_displayable(text: &str) {
    assert!(!text.is_empty() && text.chars().count() <= 255);
    let harmful = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(harmful));
}

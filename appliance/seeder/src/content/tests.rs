//! Damage on disk, as the storage must see it.

use std::fs;

use super::*;
use crate::{
    metainfo::{Created, Layout, create},
    volume::{allocate, is_allocated},
};

struct Case {
    _folder: tempfile::TempDir,
    content: Arc<Content>,
    damage: mpsc::Receiver<Damage>,
    bytes: Vec<u8>,
    created: Created,
}

/// Two files over seven pieces, all on disk; the store says that all are there.
fn case(complete: bool) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..100_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let layout = Layout::Folder(vec![(vec!["a".into()], 30_000), (vec!["b".into()], 70_000)]);
    let created = create("chair", &layout, bytes.as_slice()).unwrap();
    let metainfo = Arc::new(created.metainfo.clone());
    assert_eq!(metainfo.piece_hashes().len(), 7);
    let torrent = folder.path().join("t");
    allocate(&torrent, &metainfo).unwrap();
    assert!(is_allocated(&torrent, &metainfo));
    fs::write(torrent.join("0"), &bytes[..30_000]).unwrap();
    fs::write(torrent.join("1"), &bytes[30_000..]).unwrap();
    let (report, damage) = mpsc::channel(4);
    let files = Arc::new(Descriptors::new(8));
    let content = Content::new(metainfo, torrent, &[0xfe], complete, files, report);
    Case {
        _folder: folder,
        content,
        damage,
        bytes,
        created,
    }
}

fn spoil(case: &Case, file: &str, at: u64) {
    let path = case.content.folder().join(file);
    let handle = fs::OpenOptions::new().write(true).open(path).unwrap();
    handle.write_all_at(b"!", at).unwrap();
}

#[test]
fn sound_content_is_served_across_files() {
    let case = case(false);
    let mut part = vec![0; 30_000];
    case.content.read(0, 0, &mut part).unwrap();
    assert_eq!(part, case.bytes[..30_000]);
    let mut part = vec![0; 20_000];
    case.content.read(1, 50_000, &mut part).unwrap();
    assert_eq!(part, case.bytes[80_000..]);
    assert_eq!(
        case.content.content_hash().unwrap(),
        case.created.content_hash
    );
    assert!(
        case.content.read(1, 60_000, &mut part).is_err(),
        "beyond the end of the file"
    );
}

#[test]
fn a_damaged_piece_is_refused_reported_and_marked_absent() {
    let mut case = case(false);
    // Piece 1 lies across both files.
    spoil(&case, "1", 100);
    let mut part = vec![0; 10];
    assert!(case.content.read(0, 29_000, &mut part).is_err());
    assert!(case.damage.try_recv().is_ok());
    assert_eq!(case.content.have()[..], [0b1011_1110]);
    assert!(case.content.take_changed());
    assert!(
        case.content.read(0, 0, &mut part).is_ok(),
        "the other pieces are fine"
    );
}

#[test]
fn damage_after_a_check_is_noticed_once_the_torrent_is_complete() {
    let mut case = case(false);
    case.content.seal().unwrap();
    let mut part = vec![0; 10];
    case.content.read(1, 69_000, &mut part).unwrap();
    spoil(&case, "1", 69_500);
    assert!(case.content.read(1, 69_000, &mut part).is_err());
    assert!(case.damage.try_recv().is_ok());
}

#[test]
fn a_recheck_finds_all_damage_and_a_file_cut_short() {
    let case = case(true);
    spoil(&case, "0", 0);
    let path = case.content.folder().join("1");
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(60_000)
        .unwrap();
    assert_eq!(case.content.recheck(), 3);
    assert_eq!(case.content.have()[..], [0b0111_1000]);
    assert!(!case.content.is_whole());
    assert_eq!(case.content.have_bytes(), 4 * 16_384);
}

#[test]
fn a_missing_file_is_reported_and_is_not_created() {
    let mut case = case(true);
    let path = case.content.folder().join("1");
    fs::remove_file(&path).unwrap();
    let mut part = vec![0; 10];
    assert!(case.content.read(1, 69_000, &mut part).is_err());
    assert!(case.content.write(1, 0, b"x").is_err());
    assert!(!path.exists(), "an unmounted volume must not be written to");
    assert!(case.damage.try_recv().is_ok());
    assert_eq!(
        case.content.have()[..],
        [0xfe],
        "the volume may just be unplugged"
    );
    assert_eq!(
        case.content.recheck(),
        6,
        "unless the seeder knows that it is not"
    );
}

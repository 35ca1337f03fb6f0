//! Our own creator against the format and against other creators.

use std::io::{self, Read};

use seedbox_core::ContentHash;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::metainfo::{CreateError, Layout, MetainfoError, create};

const KIB: usize = 1024;

fn content(len: usize) -> Vec<u8> {
    let byte = |i| u8::try_from(i * 31 % 251).unwrap();
    (0..len).map(byte).collect()
}

fn entry(path: &[&str], len: usize) -> (Vec<String>, u64) {
    (path.iter().map(|c| (*c).to_owned()).collect(), len as u64)
}

/// The folder that the vectors were made of: `a` of 40,000 bytes, `b/c` of 0, `b/d` of 25,536,
/// together exactly four pieces.
fn sample_folder() -> (Layout, Vec<u8>) {
    let files = [
        entry(&["a"], 40_000),
        entry(&["b", "c"], 0),
        entry(&["b", "d"], 25_536),
    ];
    (Layout::Folder(files.into()), content(65_536))
}

#[test]
fn a_size_that_is_an_exact_multiple_gets_no_extra_hash() {
    for (len, pieces) in [
        (1, 1),
        (16 * KIB - 1, 1),
        (16 * KIB, 1),
        (16 * KIB + 1, 2),
        (32 * KIB, 2),
        (65 * KIB, 5),
    ] {
        let content = content(len);
        let created = create("x", &Layout::SingleFile(len as u64), &content[..]).unwrap();
        let expected: Vec<[u8; 20]> = content
            .chunks(16 * KIB)
            .map(|piece| Sha1::digest(piece).into())
            .collect();
        assert_eq!(expected.len(), pieces);
        assert_eq!(created.metainfo.piece_hashes(), expected);
        assert_eq!(
            created.content_hash,
            ContentHash(Sha256::digest(&content).into())
        );
    }
}

#[test]
fn piece_length_keeps_the_number_of_pieces_low() {
    for (len, piece_length) in [
        (1, 16 * KIB),
        (2_000 * 16 * KIB, 16 * KIB),
        (2_000 * 16 * KIB + 1, 32 * KIB),
    ] {
        let zeros = io::repeat(0).take(len as u64);
        let created = create("x", &Layout::SingleFile(len as u64), zeros).unwrap();
        assert_eq!(created.metainfo.piece_length() as usize, piece_length);
    }
}

#[test]
fn files_keep_their_order_and_lengths() {
    let (layout, content) = sample_folder();
    let created = create("sample", &layout, &content[..]).unwrap();
    let files = created.metainfo.files().iter();
    let listed = files.map(|f| (f.path.clone(), f.len)).collect();
    assert_eq!(Layout::Folder(listed), layout);
}

#[test]
fn unsorted_or_repeated_files_are_refused() {
    let (a, b) = (entry(&["a"], 1), entry(&["b"], 1));
    for files in [vec![b.clone(), a.clone()], vec![a.clone(), a]] {
        let error = create("x", &Layout::Folder(files), &b"xy"[..]).unwrap_err();
        assert!(matches!(error, CreateError::Order));
    }
}

#[test]
fn no_content_is_refused() {
    for layout in [
        Layout::SingleFile(0),
        Layout::Folder(vec![]),
        Layout::Folder(vec![entry(&["a"], 0)]),
    ] {
        let error = create("x", &layout, io::empty()).unwrap_err();
        assert!(matches!(error, CreateError::Refused(MetainfoError::Empty)));
    }
}

#[test]
fn content_that_is_not_as_listed_is_refused() {
    for actual in [0, 9, 11, 16 * KIB] {
        let error = create("x", &Layout::SingleFile(10), &content(actual)[..]).unwrap_err();
        assert!(
            matches!(error, CreateError::Length { listed: 10 }),
            "{actual}"
        );
    }
}

/// Fails the test when anything is read.
struct Untouchable;

impl Read for Untouchable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("the content was read");
    }
}

#[test]
fn what_others_would_refuse_is_refused_before_the_content_is_read() {
    for (name, layout) in [
        ("..", Layout::SingleFile(10)),
        ("x", Layout::SingleFile(u64::MAX)),
        ("x", Layout::SingleFile(120_001 * (16 << 20))),
        ("x", Layout::Folder(vec![entry(&["..", "a"], 1)])),
        (
            "x",
            Layout::Folder(vec![entry(&["a"], 1), entry(&["a", "b"], 1)]),
        ),
        ("x", Layout::Folder(vec![entry(&[], 1)])),
    ] {
        let error = create(name, &layout, Untouchable).unwrap_err();
        assert!(matches!(error, CreateError::Refused(_)), "{error}");
    }
}

/// Gives one byte at a time, and an interruption before each.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.0.read(&mut buffer[..1])
    }
}

#[test]
fn how_the_content_trickles_in_does_not_matter() {
    let (layout, content) = sample_folder();
    let whole = create("sample", &layout, &content[..]).unwrap();
    let trickled = create("sample", &layout, Trickle(&content, false)).unwrap();
    assert_eq!(whole, trickled);
}

#[test]
fn a_read_error_is_passed_on() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let error = create("x", &Layout::SingleFile(1), Broken).unwrap_err();
    assert!(matches!(error, CreateError::Read(_)));
}

/// Info hashes by other creators of the same content: libtorrent 2.1.1 (v1 only), mktorrent 1.1
/// where it can make pieces so small, and transmission-create 3.00 without the `private` key that
/// it adds.
#[test]
fn agrees_with_other_creators() {
    let (folder, folder_content) = sample_folder();
    // transmission-create leaves empty files out.
    let full = [entry(&["a"], 40_000), entry(&["b", "d"], 25_536)];
    let vectors = [
        (
            "exact",
            Layout::SingleFile(49_152),
            content(49_152),
            "367ace525744dbb6c5771a297de3f45d4b93a39b",
        ),
        (
            "odd",
            Layout::SingleFile(50_000),
            content(50_000),
            "cf315692565989b7b5f14db15e5ffe7552867a80",
        ),
        (
            "large",
            Layout::SingleFile(40_000_000),
            content(40_000_000),
            "7860c4ce05ec0644f970e8b4b017e675ba38a1c3",
        ),
        (
            "sample",
            folder,
            folder_content.clone(),
            "720d80470f9533e1724bef8812debfa4819be1d7",
        ),
        (
            "sample",
            Layout::Folder(full.into()),
            folder_content,
            "6cd84b7968bc432a9c4a75c49b44ccdc8a84aded",
        ),
    ];
    for (name, layout, content, info_hash) in vectors {
        let created = create(name, &layout, &content[..]).unwrap();
        assert_eq!(
            created.metainfo.info_hash().to_string(),
            info_hash,
            "{name}"
        );
    }
}

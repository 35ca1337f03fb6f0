//! What holds for any bytes at all.

use proptest::{collection::vec, prelude::*};

use super::{Item, ROOMY, folder_with_path, info_hash, single, validate_bytes};
use crate::metainfo::{
    Layout, MAX_FILES, MAX_PIECES, Metainfo,
    bencode::{Value, write_bytes},
    create,
};

/// What every accepted torrent promises to the code behind the guard.
fn assert_promises(metainfo: &Metainfo) {
    let count = metainfo.piece_hashes().len();
    assert!((1..=MAX_PIECES as usize).contains(&count));
    assert!((1..=MAX_FILES).contains(&metainfo.files().len()));
    let lengths: u64 = metainfo.files().iter().map(|file| file.len).sum();
    assert_eq!(lengths, metainfo.total());
    let sizes = (0..=MAX_PIECES).map_while(|i| metainfo.piece_size(i));
    assert_eq!(sizes.clone().count(), count);
    assert_eq!(sizes.map(u64::from).sum::<u64>(), metainfo.total());
    assert!(!metainfo.name().is_empty());
    for component in metainfo.files().iter().flat_map(|file| &file.path) {
        assert!(!["", ".", ".."].contains(&component.as_str()));
        assert!(!component.contains(['/', '\\', '\0', '\u{feff}']));
    }
    assert_eq!(info_hash(metainfo.info_bytes()), metainfo.info_hash());
}

/// Writes what was read, from the parsed values up.
fn rewrite(value: Value<'_>, out: &mut Vec<u8>) {
    if let Some(bytes) = value.bytes() {
        write_bytes(out, bytes);
    } else if let Some(number) = value.integer() {
        out.extend_from_slice(format!("i{number}e").as_bytes());
    } else if let Some(list) = value.list() {
        out.push(b'l');
        list.for_each(|element| rewrite(element, out));
        out.push(b'e');
    } else if let Some(entries) = value.dictionary() {
        out.push(b'd');
        for (key, value) in entries {
            write_bytes(out, key);
            rewrite(value, out);
        }
        out.push(b'e');
    }
}

fn items() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Item::Int),
        vec(any::<u8>(), 0..12).prop_map(Item::Bytes),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let entry = (vec(any::<u8>(), 0..4), inner.clone());
        prop_oneof![
            vec(inner, 0..6).prop_map(Item::List),
            vec(entry, 0..6).prop_map(|entries| Item::Dict(entries.into_iter().collect())),
        ]
    })
}

/// A folder: distinct sorted paths without a file inside a file, and lengths.
fn layouts() -> impl Strategy<Value = Layout> {
    let folder = proptest::collection::btree_map("[a-z é]{1,8}[a-z]", 0..40_000u64, 1..8);
    prop_oneof![
        (1..100_000u64).prop_map(Layout::SingleFile),
        folder.prop_map(|files| {
            let files = files.into_iter().map(|(name, len)| (vec![name], len + 1));
            Layout::Folder(files.collect())
        }),
    ]
}

fn size(layout: &Layout) -> u64 {
    match layout {
        Layout::SingleFile(len) => *len,
        Layout::Folder(files) => files.iter().map(|(_, len)| len).sum(),
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = validate_bytes(&bytes);
        let _ = Metainfo::from_torrent_bytes(&bytes, &ROOMY);
    }

    #[test]
    fn arbitrary_bencode_letters_never_panic(bytes in "[dlie0-9:a-]{0,60}") {
        let _ = validate_bytes(bytes.as_bytes());
        let _ = Metainfo::from_torrent_bytes(bytes.as_bytes(), &ROOMY);
    }

    #[test]
    fn any_value_reads_back_as_the_same_bytes(item in items()) {
        let bytes = item.encode();
        let mut again = Vec::new();
        rewrite(Value::parse(&bytes).unwrap(), &mut again);
        prop_assert_eq!(again, bytes);
    }

    #[test]
    fn whatever_is_accepted_has_this_one_spelling(bytes in "[dlie0-3:a-]{0,24}") {
        if let Ok(value) = Value::parse(bytes.as_bytes()) {
            let mut again = Vec::new();
            rewrite(value, &mut again);
            prop_assert_eq!(again, bytes.as_bytes());
        }
    }

    #[test]
    fn created_torrents_validate(layout in layouts(), name in "[a-zé]{1,40}", byte: u8) {
        let content = vec![byte; usize::try_from(size(&layout)).unwrap()];
        let created = create(&name, &layout, &content[..]).unwrap();
        let again = create(&name, &layout, &content[..]).unwrap();
        prop_assert_eq!(&again, &created);
        let read = Metainfo::from_torrent_bytes(&created.metainfo.torrent_bytes(), &ROOMY);
        prop_assert_eq!(read, Ok(created.metainfo.clone()));
        prop_assert_eq!(created.metainfo.name(), name);
        prop_assert_eq!(created.metainfo.total(), size(&layout));
        assert_promises(&created.metainfo);
    }

    #[test]
    fn mutated_torrents_never_pass_as_the_original(
        at: prop::sample::Index,
        byte: u8,
        cut: bool,
    ) {
        let original = single().encode();
        let mut bytes = original.clone();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        let passed = Metainfo::from_info_bytes(info_hash(&original), &bytes, &ROOMY);
        prop_assert_eq!(passed.is_ok(), bytes == original);
        if let Ok(metainfo) = validate_bytes(&bytes) {
            assert_promises(&metainfo);
        }
    }

    #[test]
    fn any_name_is_refused_or_harmless(name in vec(any::<u8>(), 0..20), text in "[./\\\\\u{feff}\u{200b} a]{0,4}") {
        for name in [&name, text.as_bytes()] {
            if let Ok(metainfo) = validate_bytes(&folder_with_path(&[name]).encode()) {
                assert_promises(&metainfo);
            }
        }
    }
}

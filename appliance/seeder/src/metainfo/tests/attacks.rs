//! Every known attack through lengths, counts and fields, one test each, and the honest torrents that look alike.

use super::{Item, ROOMY, folder, folder_with_path, info_hash, refused, single, validate};
use crate::metainfo::{
    File, Limits, MAX_FILES, MAX_INFO_BYTES, MAX_PIECES, MAX_TORRENT_BYTES, Metainfo,
    MetainfoError, bencode::Problem,
};

#[test]
fn an_honest_file_passes() {
    let bytes = single().with("private", Item::Int(1)).encode();
    let metainfo = Metainfo::from_info_bytes(info_hash(&bytes), &bytes, &ROOMY).unwrap();
    assert_eq!(metainfo.info_hash(), info_hash(&bytes));
    assert_eq!(metainfo.info_bytes(), bytes);
    assert_eq!(metainfo.name(), "house.glb");
    assert_eq!(
        (metainfo.total(), metainfo.piece_length()),
        (20_000, 16_384)
    );
    assert_eq!(metainfo.piece_hashes(), [[7; 20]; 2]);
    let sizes = [0, 1, 2, u32::MAX].map(|i| metainfo.piece_size(i));
    assert_eq!(sizes, [Some(16_384), Some(3_616), None, None]);
    assert!(metainfo.private());
}

#[test]
fn an_honest_folder_passes_with_empty_and_padding_files() {
    let pad = |length| Item::file(&[b".pad", b"6384"], length).with("attr", Item::text("p"));
    let info = folder([
        Item::file(&[b"a", b"one"], 10_000),
        pad(6_384),
        Item::file(&[b"a", b"two"], 0),
        pad(100),
        Item::file(&[b"b"], 3_516).with("attr", Item::text("x")),
    ]);
    let metainfo = validate(&info).unwrap();
    let lens: Vec<_> = metainfo
        .files()
        .iter()
        .map(|f| (f.len, f.padding))
        .collect();
    let expected = [
        (10_000, false),
        (6_384, true),
        (0, false),
        (100, true),
        (3_516, false),
    ];
    assert_eq!(lens, expected);
    assert_eq!(metainfo.files()[2].path, ["a", "two"]);
    assert_eq!(metainfo.total(), 20_000);
}

#[test]
fn attack_another_torrents_metainfo_is_refused() {
    let bytes = single().encode();
    let expected = info_hash(b"another");
    let error = Metainfo::from_info_bytes(expected, &bytes, &ROOMY).unwrap_err();
    let actual = info_hash(&bytes);
    assert_eq!(error, MetainfoError::WrongHash { expected, actual });
}

#[test]
fn attack_piece_length_zero_and_other_odd_ones_are_refused() {
    for bad in [
        0,
        -1,
        1,
        16_383,
        16_385,
        40_000,
        (16 << 20) + 16_384,
        1 << 32,
        i64::MAX,
    ] {
        let info = single().with("piece length", Item::Int(bad));
        assert_eq!(refused(&info), MetainfoError::PieceLength(bad));
    }
    let one = single().with("pieces", Item::Bytes(vec![7; 20]));
    for good in [32_768, 48 << 10, 16 << 20] {
        assert!(validate(&one.clone().with("piece length", Item::Int(good))).is_ok());
    }
}

#[test]
fn attack_piece_hashes_that_do_not_fit_the_content_are_refused() {
    for torn in [1, 19, 39, 41] {
        let info = single().with("pieces", Item::Bytes(vec![7; torn]));
        assert_eq!(refused(&info), MetainfoError::TornPieces(torn));
    }
    for given in [0, 1, 3] {
        let info = single().with("pieces", Item::Bytes(vec![7; 20 * given]));
        let given = given as u64;
        assert_eq!(
            refused(&info),
            MetainfoError::PieceCount { given, needed: 2 }
        );
    }
    let exact = single().with("length", Item::Int(2 * 16_384));
    assert!(validate(&exact).is_ok());
}

#[test]
fn attack_piece_count_bomb_is_refused() {
    let pieces = |count: usize| {
        single()
            .with("length", Item::Int(count as i64 * 16_384))
            .with("pieces", Item::Bytes(vec![7; 20 * count]))
    };
    let most = MAX_PIECES as usize;
    assert_eq!(validate(&pieces(most)).unwrap().piece_hashes().len(), most);
    let count = u64::from(MAX_PIECES) + 1;
    assert_eq!(
        refused(&pieces(most + 1)),
        MetainfoError::TooManyPieces(count)
    );
    let claim = single().with("length", Item::Int(i64::MAX));
    assert!(matches!(refused(&claim), MetainfoError::TooManyPieces(_)));
}

#[test]
fn attack_file_count_bomb_is_refused() {
    let files = |count: usize| {
        folder((0..count).map(|i| {
            let length = if i == 0 { 20_000 } else { 0 };
            Item::file(&[i.to_string().as_bytes()], length)
        }))
    };
    assert_eq!(
        validate(&files(MAX_FILES)).unwrap().files().len(),
        MAX_FILES
    );
    assert_eq!(refused(&files(MAX_FILES + 1)), MetainfoError::TooManyFiles);
}

#[test]
fn attack_oversized_metainfo_is_refused_unread() {
    let size = MAX_INFO_BYTES + 1;
    let bytes = vec![b'l'; size];
    let limit = MAX_INFO_BYTES;
    let error = Metainfo::from_info_bytes(info_hash(&bytes), &bytes, &ROOMY).unwrap_err();
    assert_eq!(error, MetainfoError::TooLarge { size, limit });

    let size = MAX_TORRENT_BYTES + 1;
    let limit = MAX_TORRENT_BYTES;
    let error = Metainfo::from_torrent_bytes(&vec![b'l'; size], &ROOMY).unwrap_err();
    assert_eq!(error, MetainfoError::TooLarge { size, limit });

    let info = single().with("x", Item::Bytes(vec![0; MAX_INFO_BYTES]));
    let torrent = Item::dict([("info", info)]).encode();
    let error = Metainfo::from_torrent_bytes(&torrent, &ROOMY).unwrap_err();
    assert!(matches!(error, MetainfoError::TooLarge { .. }));
}

#[test]
fn attack_more_content_than_there_is_room_for_is_refused() {
    let bytes = single().encode();
    let with_room =
        |max_total| Metainfo::from_info_bytes(info_hash(&bytes), &bytes, &Limits { max_total });
    assert!(with_room(20_000).is_ok());
    let error = with_room(19_999).unwrap_err();
    assert_eq!(error, MetainfoError::TooMuchContent { limit: 19_999 });
}

#[test]
fn attack_lengths_that_overflow_are_refused() {
    let limit = u64::MAX;
    let huge = |name: &'static [u8]| Item::file(&[name], i64::MAX);
    let info = folder([huge(b"a"), huge(b"b"), huge(b"c")]);
    assert_eq!(refused(&info), MetainfoError::TooMuchContent { limit });
}

#[test]
fn attack_negative_length_is_refused() {
    let expected = |error| matches!(error, MetainfoError::Field { name: "length", .. });
    assert!(expected(refused(&single().with("length", Item::Int(-1)))));
    let info = folder([Item::file(&[b"a"], 20_001), Item::file(&[b"b"], -1)]);
    assert!(expected(refused(&info)));
}

#[test]
fn attack_no_content_at_all_is_refused() {
    let no_pieces = |info: Item| info.with("pieces", Item::Bytes(vec![]));
    let empty = Item::file(&[b"a"], 0);
    assert_eq!(
        refused(&no_pieces(single().with("length", Item::Int(0)))),
        MetainfoError::Empty
    );
    assert_eq!(refused(&no_pieces(folder([empty]))), MetainfoError::Empty);
    assert_eq!(refused(&folder([])), MetainfoError::Empty);
    let padding = Item::file(&[b"a"], 20_000).with("attr", Item::text("p"));
    assert_eq!(refused(&folder([padding])), MetainfoError::Empty);
}

#[test]
fn attack_ambiguous_layout_is_refused() {
    let both = folder_with_path(&[b"a"]).with("length", Item::Int(20_000));
    assert_eq!(refused(&both), MetainfoError::Layout("both"));
    assert_eq!(
        refused(&single().without("length")),
        MetainfoError::Layout("neither")
    );
}

#[test]
fn attack_duplicate_keys_that_two_readers_read_differently_are_refused() {
    let bytes = single().encode();
    let twice = [b"d6:lengthi20000e", &bytes[1..]].concat();
    let error = super::validate_bytes(&twice).unwrap_err();
    let MetainfoError::Bencode(error) = error else {
        panic!("refused for another reason: {error}");
    };
    assert_eq!(error.problem, Problem::KeyOrder);
}

#[test]
fn attack_fields_of_the_wrong_kind_are_refused() {
    for key in [
        "name",
        "piece length",
        "pieces",
        "length",
        "private",
        "attr",
    ] {
        let info = single().with(key, Item::List(vec![]));
        assert!(
            matches!(refused(&info), MetainfoError::Field { name, .. } if name == key),
            "{key}"
        );
    }
    for key in ["name", "piece length", "pieces"] {
        let error = refused(&single().without(key));
        assert!(matches!(error, MetainfoError::Field { name, .. } if name == key));
    }
    for files in [Item::Int(1), Item::text("a")] {
        let info = single().without("length").with("files", files);
        assert!(matches!(
            refused(&info),
            MetainfoError::Field { name: "files", .. }
        ));
    }
    assert!(validate(&folder([Item::Int(1)])).is_err());
    for not_a_dictionary in [Item::List(vec![]), Item::Int(1), Item::text("")] {
        let error = refused(&not_a_dictionary);
        assert!(matches!(error, MetainfoError::Field { name: "info", .. }));
    }
    let info = single().with("private", Item::Int(2));
    assert!(matches!(
        refused(&info),
        MetainfoError::Field {
            name: "private",
            ..
        }
    ));
}

#[test]
fn attack_urls_inside_a_torrent_file_are_ignored() {
    let url = || Item::text("http://169.254.169.254/latest");
    let torrent = Item::dict([
        ("announce", url()),
        ("announce-list", Item::List(vec![Item::List(vec![url()])])),
        ("info", single()),
        (
            "nodes",
            Item::List(vec![Item::List(vec![
                Item::text("127.0.0.1"),
                Item::Int(1),
            ])]),
        ),
        ("url-list", url()),
    ]);
    let metainfo = Metainfo::from_torrent_bytes(&torrent.encode(), &ROOMY).unwrap();
    assert_eq!(metainfo, validate(&single()).unwrap());
    let bare = metainfo.torrent_bytes();
    assert_eq!(bare, Item::dict([("info", single())]).encode());
    assert_eq!(Metainfo::from_torrent_bytes(&bare, &ROOMY), Ok(metainfo));
    let error = Metainfo::from_torrent_bytes(b"de", &ROOMY).unwrap_err();
    assert!(matches!(error, MetainfoError::Field { name: "info", .. }));
}

#[test]
fn v2_alone_is_refused_and_a_hybrid_passes_for_its_v1_part() {
    let leaf = Item::dict([("", Item::dict([("length", Item::Int(20_000))]))]);
    let tree = Item::dict([("house.glb", leaf)]);
    let hybrid = single()
        .with("meta version", Item::Int(2))
        .with("file tree", tree);
    let metainfo = validate(&hybrid).unwrap();
    let path = vec!["house.glb".to_owned()];
    let (len, padding) = (20_000, false);
    assert_eq!(metainfo.files(), [File { path, len, padding }]);
    let v2 = hybrid.without("pieces").without("length");
    assert_eq!(refused(&v2), MetainfoError::V2Only);
}

//! Every known attack through names and paths, one test each, and the honest names that look alike.

use super::{Item, folder, folder_with_path, refused, single, validate};
use crate::metainfo::{MetainfoError, NameProblem};

fn name_problem(info: &Item) -> NameProblem {
    match refused(info) {
        MetainfoError::Name { problem, .. } => problem,
        other => panic!("refused for another reason: {other}"),
    }
}

#[test]
fn attack_name_that_escapes_its_folder_is_refused() {
    use NameProblem::*;
    let cases: [(&[u8], NameProblem); 22] = [
        (b"", Relative),
        (b".", Relative),
        (b"..", Relative),
        (b"...", Relative),
        (b".. ", Relative),
        (b" ", Relative),
        ("..\u{200b}".as_bytes(), Relative),
        ("\u{2060}..".as_bytes(), Relative),
        ("\u{200d}".as_bytes(), Relative),
        ("\u{feff}..".as_bytes(), ByteOrderMark),
        ("\u{feff}".as_bytes(), ByteOrderMark),
        ("a\u{feff}".as_bytes(), ByteOrderMark),
        (b"\xff\xfe.\0.\0", NotUtf8),
        (b"\xfe\xff\0.\0.", NotUtf8),
        (b"\xc0\xae\xc0\xae", NotUtf8),
        (b"\x81\x5c", NotUtf8),
        (b"/etc/passwd", Separator),
        (b"a/../../b", Separator),
        (b"..\\b", Separator),
        (b"a\0b", Control),
        (b"a\x1b[2J", Control),
        (&[b'a'; 256], TooLong),
    ];
    for (name, expected) in cases {
        assert_eq!(
            name_problem(&folder_with_path(&[b"ok", name])),
            expected,
            "{name:?}"
        );
        assert_eq!(
            name_problem(&folder_with_path(&[name, b"ok"])),
            expected,
            "{name:?}"
        );
        // Engines use the torrent's own name as a folder, too.
        let named = single().with("name", Item::Bytes(name.to_vec()));
        assert_eq!(name_problem(&named), expected, "{name:?}");
        let named = folder_with_path(&[b"ok"]).with("name", Item::Bytes(name.to_vec()));
        assert_eq!(name_problem(&named), expected, "{name:?}");
    }
}

#[test]
fn ordinary_names_of_all_scripts_pass() {
    let names = [
        "..a",
        "a..",
        ".hidden",
        "a b",
        "家.glb",
        "خانه‌ها",
        "👩‍🚀",
        "Ünïcode",
        "a:b",
    ];
    for name in names.into_iter().chain([&*"a".repeat(255)]) {
        let info = folder_with_path(&[name.as_bytes()]);
        assert_eq!(validate(&info).unwrap().files()[0].path, [name]);
    }
}

#[test]
fn attack_error_texts_carry_no_control_characters() {
    let name = "\u{202e}\u{1b}[2J\n/".repeat(20);
    let error = refused(&single().with("name", Item::text(&name))).to_string();
    assert!(
        error.chars().all(|c| !c.is_control() && c != '\u{202e}'),
        "{error}"
    );
    assert!(error.len() < 800);
}

#[test]
fn attack_display_name_cannot_hide_or_reorder() {
    let info = single().with("name", Item::text("a\u{202e}lbg.exe\u{200b}\u{2066}"));
    assert_eq!(validate(&info).unwrap().name(), "albg.exe");
}

#[test]
fn attack_missing_or_empty_path_is_refused() {
    for path in [
        Item::List(vec![]),
        Item::Int(1),
        Item::text("a"),
        Item::List(vec![Item::Int(1)]),
    ] {
        let info = folder([Item::dict([("length", Item::Int(20_000)), ("path", path)])]);
        assert!(matches!(
            refused(&info),
            MetainfoError::Field { name: "path", .. }
        ));
    }
    let info = folder([Item::dict([("length", Item::Int(20_000))])]);
    assert!(matches!(
        refused(&info),
        MetainfoError::Field { name: "path", .. }
    ));
}

#[test]
fn attack_path_of_too_many_levels_is_refused() {
    let level: &[u8] = b"a";
    assert!(validate(&folder_with_path(&[level; 32])).is_ok());
    assert_eq!(
        refused(&folder_with_path(&[level; 33])),
        MetainfoError::PathTooDeep
    );
}

#[test]
fn attack_two_files_at_one_path_are_refused() {
    let collide = |a: &[&[u8]], b: &[&[u8]]| {
        validate(&folder([
            Item::file(a, 10_000),
            Item::file(&[b"between"], 0),
            Item::file(b, 10_000),
        ]))
    };
    let collision = |path: &str| Err(MetainfoError::PathCollision { path: path.into() });
    assert_eq!(collide(&[b"x", b"y"], &[b"x", b"y"]), collision("x/y"));
    assert_eq!(collide(&[b"x", b"y"], &[b"x"]), collision("x"));
    assert_eq!(collide(&[b"x"], &[b"x", b"y", b"z"]), collision("x"));
    assert!(collide(&[b"x"], &[b"X"]).is_ok());
    assert!(collide(&[b"x", b"y"], &[b"xy"]).is_ok());
}

#[test]
fn attack_symbolic_links_are_refused() {
    let target = Item::path(&[b"..", b"etc"]);
    for link in [
        Item::file(&[b"a"], 20_000).with("attr", Item::text("l")),
        Item::file(&[b"a"], 20_000).with("symlink path", target.clone()),
    ] {
        assert_eq!(refused(&folder([link])), MetainfoError::SymbolicLink);
    }
    let info = single().with("attr", Item::text("xl"));
    assert_eq!(refused(&info), MetainfoError::SymbolicLink);
}

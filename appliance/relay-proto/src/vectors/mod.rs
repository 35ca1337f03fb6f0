//! Known answers. `vectors/primitives.json` holds those of the standards, copied from them; the
//! other files are this crate's own and bind every other implementation. They are written by
//! `VECTORS=write cargo test -p seedbox-relay-proto vectors` and otherwise compared.

mod formats;
mod primitives;
mod sealing;

use serde_json::Value;

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name)
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What this crate makes has to be what stands in the file.
fn same(name: &str, made: &Value) {
    if std::env::var("VECTORS").is_ok_and(|wish| wish == "write") {
        let text = serde_json::to_string_pretty(made).unwrap() + "\n";
        std::fs::write(path(name), text).unwrap();
    }
    assert_eq!(&read(name), made, "{name}");
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

//! Known answers. `vectors/primitives.json` holds those of the standards, copied from them; the
//! other files are this crate's own and bind every other implementation. Who changes a format
//! sees the new file with `cargo test -p seedbox-relay-proto vectors`, on the line of the failure.

mod formats;
mod primitives;
mod sealing;

use serde_json::Value;

fn primitives() -> Value {
    serde_json::from_str(include_str!("../../vectors/primitives.json")).unwrap()
}

/// What this crate makes has to be what stands in the file.
fn same(file: &str, made: &Value) {
    let made = serde_json::to_string_pretty(made).unwrap() + "\n";
    assert!(file == made, "the file is to be:\n{made}");
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

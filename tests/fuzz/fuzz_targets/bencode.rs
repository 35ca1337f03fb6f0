//! No input panics the reader, and whatever it accepts has exactly one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbox_seeder::metainfo::bencode::{Value, write_bytes};

fuzz_target!(|input: &[u8]| {
    if let Ok(value) = Value::parse(input) {
        let mut again = Vec::with_capacity(input.len());
        rewrite(value, &mut again);
        assert_eq!(again, input);
    }
});

fn rewrite(value: Value<'_>, out: &mut Vec<u8>) {
    if let Some(bytes) = value.bytes() {
        write_bytes(out, bytes);
    } else if let Some(number) = value.integer() {
        out.extend_from_slice(format!("i{number}e").as_bytes());
    } else if let Some(list) = value.list() {
        out.push(b'l');
        list.for_each(|element| rewrite(element, out));
        out.push(b'e');
    } else {
        let entries = value.dictionary().expect("a value has one of four kinds");
        out.push(b'd');
        for (key, element) in entries {
            assert_eq!(value.get(key), Some(element));
            write_bytes(out, key);
            rewrite(element, out);
        }
        out.push(b'e');
    }
}

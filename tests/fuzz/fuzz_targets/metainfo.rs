//! No input panics the guard, whatever passes keeps its promises, and no refusal carries control
//! characters to the owner's screen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbox_fuzz::{assert_displayable, assert_promises, folder_named, validate};
use seedbox_seeder::metainfo::{Limits, Metainfo};

fuzz_target!(|input: &[u8]| {
    for info in [input, &folder_named(input)] {
        match validate(info) {
            Ok(metainfo) => assert_promises(info, &metainfo),
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
        }
    }
    let limits = Limits { max_total: 1 << 40 };
    if let Ok(metainfo) = Metainfo::from_torrent_bytes(input, &limits) {
        assert!(metainfo.total() <= limits.max_total);
        assert_displayable(metainfo.name());
    }
});

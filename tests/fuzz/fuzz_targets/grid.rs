//! No bytes panic the grid's decoders, and what they take is encoded to the same bytes again: a
//! state has one form only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seedbox_core::grid::{Chunk, Delta, World};

fuzz_target!(|input: &[u8]| {
    if let Ok(world) = World::decode(input) {
        assert_eq!(world.encode().as_deref(), Ok(input));
    }
    if let Ok(chunk) = Chunk::decode(input) {
        assert_eq!(chunk.encode(), input);
    }
    if let Ok(delta) = Delta::decode(input) {
        assert_eq!(delta.encode().as_deref(), Ok(input));
    }
});

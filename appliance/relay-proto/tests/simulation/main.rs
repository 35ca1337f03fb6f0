//! Clients and boxes in a world without sockets, where time and chance come from a seed. Carriers
//! stall and break, boxes die and lie; then all heals. Nothing may be accepted twice, out of order
//! or from somebody else, nothing may grow, and in the end all have to be together again.
//!
//! `SEEDS` worlds are tried (200 if it is not set), beginning with `FIRST`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod boxes;
mod people;
mod pipe;
mod world;

use world::World;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn all_come_together_and_nothing_comes_twice() {
    let first = number("FIRST", 0);
    for seed in first..first + number("SEEDS", 200) {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        assert!(run.is_ok(), "the world of seed {seed} went wrong");
    }
}

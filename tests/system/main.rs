//! Every scenario of the real box among real programs. One program for all, because they spend
//! their time waiting and can do that side by side: `cargo test --test system quota::` runs one.

mod access;
mod bad_input;
mod chain_faults;
mod clock;
mod corruption;
mod factory_reset;
mod gated_room;
mod grid;
mod health;
mod history;
mod idle;
#[path = "../crash/kill.rs"]
mod kill;
mod lies;
mod light_node;
mod ownership;
mod quota;
mod real_peers;
mod relay;
mod shutdown;
mod volume;
mod votes;
mod watchdog;

//! The board: the box's light and its button, and what its circuit says about power and warmth.
//!
//! The light tells how the box is to somebody who has no screen; the button does what must work
//! without the panel. Only this crate names the GPIO library. What the light shows and what a
//! press means is decided without I/O (`light`, `button`), so that a simulated board can be held
//! against it. On a machine that is no Raspberry Pi, and without pins, nothing is touched.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod button;
mod config;
mod error;
mod light;
mod pins;
mod sensors;
mod service;

pub use button::Press;
pub use config::Config;
pub use error::Error;
pub use light::Show;
pub use service::{Handle, Service};

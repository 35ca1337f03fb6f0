//! The card's image, as its owner meets it, in an emulated Raspberry Pi 3: `make image-test`. One
//! machine at a time; each start takes a minute and more, so a test is a story and not a moment.

mod bundles;
mod button;
mod disk;
mod first_start;
mod idle;
mod owner;
mod power;
mod updates;

//! The board: the box's lights and its button. **Nothing of it is built yet; this crate is
//! empty.**
//!
//! What the room is for: telling by light how the box is doing to somebody who has no screen, and
//! a button for what must work without the panel, such as forgetting the password. It will be the
//! only crate that names the GPIO library, and do nothing on a machine that is no Raspberry Pi.
//!
//! Its place in the wiring: a service like the others, with `Config`, `Handle`, `Service` and
//! `Error`, run by the daemon and fed by the services' status. The daemon does not name it today.

//! The relay's protocol without sockets, clock or randomness. **Nothing of it is built yet; this
//! crate is empty.**
//!
//! What the room is for: frames, hops, rooms, sessions and limits as a pure state machine. Bytes,
//! the time and random numbers are passed in and orders come out, so that whole fleets can be
//! simulated in a test and the same code can be built for browsers.
//!
//! Its place in the wiring: it may know `core` alone. `relay` will give it sockets; nothing depends
//! on it today.

//! The relay: how two people whose boxes never met will talk without either learning the other's
//! IP address. **Nothing of it is built yet; this crate is empty.**
//!
//! What the room is for: the sockets, timers and task of the relay service. A client will reach a
//! room through an entry box of its own choice (`A → A's entry box → room box ← B's entry box ←
//! B`), so that no single box learns both an IP address and what is said under it. What travels
//! and what is allowed is to be decided in `relay-proto`, which knows no sockets.
//!
//! Its place in the wiring: a service like the others, with `Config`, `Handle`, `Service` and
//! `Error`, run by the daemon and known to no other service. The daemon does not name it today.

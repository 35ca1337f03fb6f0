//! The owner: claim code, password, sessions.

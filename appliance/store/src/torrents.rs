//! Torrents, reservations, volumes and refusals.

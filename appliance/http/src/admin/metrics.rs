//! `GET /metrics` for those who asked for it: the Prometheus text format, version 0.0.4. Sums and gauges,
//! none of which has the name of a client, a peer or a wallet.

use std::{fmt::Write, sync::Arc};

use axum::{extract::State, http::header, response::IntoResponse};
use seedbox_core::{RelayStatus, SeederStatus};

use super::Admin;

/// The format's media type.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let mut page = String::new();
    seeder(&mut page, &admin.appliance.seeder().borrow());
    relay(&mut page, &admin.appliance.relay().borrow());
    ([(header::CONTENT_TYPE, TEXT)], page)
}

fn seeder(page: &mut String, seeder: &SeederStatus) {
    let torrents = seeder.torrents.len() as u64;
    put(
        page,
        "gauge",
        "seedbox_torrents",
        "Torrents held.",
        torrents,
    );
    let uploaded = seeder.torrents.iter().map(|torrent| torrent.uploaded).sum();
    put(
        page,
        "gauge",
        "seedbox_uploaded_bytes",
        "Bytes given to peers, of torrents held.",
        uploaded,
    );
}

fn relay(page: &mut String, relay: &RelayStatus) {
    let gauges: [(&str, &str, u64); 9] = [
        (
            "seedbox_relay_on",
            "Whether the relay runs.",
            relay.on.into(),
        ),
        (
            "seedbox_relay_clients",
            "Clients whose entry this box is.",
            relay.clients as u64,
        ),
        (
            "seedbox_relay_streams",
            "Sessions through other boxes.",
            relay.streams as u64,
        ),
        (
            "seedbox_relay_circuits",
            "Circuits to other boxes.",
            relay.circuits as u64,
        ),
        (
            "seedbox_relay_handshakes",
            "Handshakes under way.",
            relay.handshakes as u64,
        ),
        (
            "seedbox_relay_rooms",
            "Rooms on this box.",
            relay.rooms as u64,
        ),
        (
            "seedbox_relay_members",
            "Members of all rooms.",
            relay.members as u64,
        ),
        ("seedbox_relay_boxes", "Boxes known.", relay.boxes as u64),
        (
            "seedbox_relay_month_bytes",
            "Bytes sent to clients this month.",
            relay.month_bytes,
        ),
    ];
    for (name, help, value) in gauges {
        put(page, "gauge", name, help, value);
    }
    let counters: [(&str, &str, u64); 7] = [
        (
            "seedbox_relay_sessions_total",
            "Sessions begun.",
            relay.sessions,
        ),
        (
            "seedbox_relay_challenged_total",
            "Handshakes asked for work.",
            relay.challenged,
        ),
        (
            "seedbox_relay_refused_total",
            "Handshakes refused.",
            relay.refused,
        ),
        (
            "seedbox_relay_frames_received_total",
            "Frames from clients.",
            relay.frames_in,
        ),
        (
            "seedbox_relay_frames_sent_total",
            "Frames to clients.",
            relay.frames_out,
        ),
        (
            "seedbox_relay_bytes_received_total",
            "Bytes from clients.",
            relay.bytes_in,
        ),
        (
            "seedbox_relay_bytes_sent_total",
            "Bytes to clients.",
            relay.bytes_out,
        ),
    ];
    for (name, help, value) in counters {
        put(page, "counter", name, help, value);
    }
}

fn put(page: &mut String, kind: &str, name: &str, help: &str, value: u64) {
    // Writing to a string does not fail.
    let _ = writeln!(
        page,
        "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
    );
}

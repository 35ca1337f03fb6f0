//! The relay's settings, and the mesh's, which nobody else uses yet.

use std::{net::SocketAddr, time::Duration};

use anyhow::bail;
use seedbox_mesh::{Limits as MeshLimits, NodeId, Peer};
use seedbox_relay::{Limits, Wants};

use super::{many, one, size, wrong};
use crate::settings::Settings;

/// How long a descriptor lives; it is signed anew at half of that.
const DESCRIPTOR_LIFE: Duration = Duration::from_secs(24 * 3600);

/// What the relay and the mesh are told, but for the node key, which lies in the data folder.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    pub(crate) mesh_listen: SocketAddr,
    pub(crate) mesh_relays: Vec<String>,
    pub(crate) mesh_port_mapping: bool,
    pub(crate) mesh_limits: MeshLimits,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) boxes: Vec<Peer>,
    pub(crate) urls: Vec<String>,
    /// If one of the URLs is WebTransport's.
    pub(crate) webtransport: Option<SocketAddr>,
    pub(crate) operator: [u8; 32],
    pub(crate) limits: Limits,
    pub(crate) month: Option<u64>,
    pub(crate) mailbox: u64,
    pub(crate) lan: Vec<seedbox_core::Network>,
    pub(crate) life: Duration,
}

/// `None` if the box does not relay.
pub(super) fn read(s: &Settings) -> anyhow::Result<Option<Relay>> {
    if !s.relay.unwrap_or(true) {
        return Ok(None);
    }
    let sessions = s.relay_sessions.unwrap_or(Limits::default().sockets);
    if sessions == 0 {
        bail!("`relay_sessions` = 0: nobody could enter; write 1 or more, or `relay` = false");
    }
    let bandwidth = size("relay_bandwidth", s.relay_bandwidth.as_deref(), 2_500_000)?;
    if bandwidth < 20_000 {
        bail!(
            "`relay_bandwidth`: less than 20kB a second is no relay; write more, or `relay` = false"
        );
    }
    for url in &s.relay_urls {
        let fits = ["ws://", "wss://", "https://"]
            .iter()
            .any(|start| url.starts_with(start));
        // Hashes of certificates follow it.
        if !fits || !url.ends_with("/relay") || url.contains('#') || url.len() > 160 {
            return Err(wrong(
                "relay_urls",
                url,
                "URLs like ws://203.0.113.5:8081/relay or https://203.0.113.5:8081/relay",
            ));
        }
    }
    let month = s.relay_month.as_deref();
    let month = month.map(|text| size("relay_month", Some(text), 0));
    Ok(Some(Relay {
        mesh_listen: one(
            "mesh_listen",
            s.mesh_listen.as_deref(),
            "0.0.0.0:4241",
            "an address like 0.0.0.0:4241",
        )?,
        mesh_relays: s.mesh_relays.clone(),
        mesh_port_mapping: s.mesh_port_mapping.unwrap_or(true),
        mesh_limits: MeshLimits::default(),
        addresses: many(
            "mesh_addresses",
            &s.mesh_addresses,
            "an address like 203.0.113.5:4241",
        )?,
        boxes: s
            .relay_boxes
            .iter()
            .map(|text| peer(text))
            .collect::<Result<_, _>>()?,
        urls: s.relay_urls.clone(),
        webtransport: webtransport(s)?,
        operator: s.relay_operator.as_deref().map_or(Ok([0; 32]), |text| {
            key(text).ok_or_else(|| wrong("relay_operator", text, "64 hexadecimal characters"))
        })?,
        limits: Limits {
            sockets: sessions,
            circuits: sessions.max(Limits::default().circuits),
            peer_streams: (sessions / 4).max(Limits::default().peer_streams),
            bandwidth,
            rule: s.relay_rule.as_deref().map(rule).transpose()?,
            rooms: s.relay_rooms.unwrap_or(Limits::default().rooms),
            ..Limits::default()
        },
        month: month.transpose()?,
        mailbox: size("relay_mailbox", s.relay_mailbox.as_deref(), 0)?,
        lan: many("lan", &s.lan, "a range like 192.168.0.0/16")?,
        life: DESCRIPTOR_LIFE,
    }))
}

/// Where WebTransport is listened for; nowhere if nobody is told of it.
fn webtransport(s: &Settings) -> anyhow::Result<Option<SocketAddr>> {
    let is_told = s.relay_urls.iter().any(|url| url.starts_with("https://"));
    let listen = one(
        "relay_webtransport",
        s.relay_webtransport.as_deref(),
        "0.0.0.0:8081",
        "an address like 0.0.0.0:8081",
    )?;
    Ok(is_told.then_some(listen))
}

/// `<node ID>@<address>:<port>`.
fn peer(text: &str) -> anyhow::Result<Peer> {
    let parts = text.split_once('@');
    let parsed = parts.and_then(|(id, address)| Some((key(id)?, address.parse().ok()?)));
    let (id, address) = parsed.ok_or_else(|| {
        wrong(
            "relay_boxes",
            text,
            "a box's node ID, @ and its address, like 1f…9c@203.0.113.5:4241",
        )
    })?;
    Ok(Peer {
        id: NodeId(id),
        addresses: vec![address],
        relays: Vec::new(),
    })
}

/// `cybr:<amount>` or `land:<parcels>`.
fn rule(text: &str) -> anyhow::Result<Wants> {
    let parsed = text.split_once(':').and_then(|(what, number)| match what {
        "cybr" => cybr(number).map(Wants::Cybr),
        "land" => number.parse().ok().map(Wants::Land),
        _ => None,
    });
    parsed
        .filter(|wants| !matches!(wants, Wants::Cybr(0) | Wants::Land(0)))
        .ok_or_else(|| wrong("relay_rule", text, "a rule like cybr:100 or land:1"))
}

/// CYBR with up to 18 decimals, in the smallest unit.
fn cybr(text: &str) -> Option<u128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 18 || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<18}").parse().ok()
}

/// 32 bytes in hexadecimal.
fn key(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_named_by_its_id_and_address() {
        let id = "0123456789abcdef".repeat(4);
        let read = peer(&format!("{id}@203.0.113.5:4241")).unwrap();
        assert_eq!(read.id.0[..3], [0x01, 0x23, 0x45]);
        assert_eq!(read.addresses, ["203.0.113.5:4241".parse().unwrap()]);
        for wrong in [
            "",
            &id,
            "12@203.0.113.5:1",
            &format!("{id}@example.org:1"),
            &format!("+{}@1.1.1.1:1", &id[1..]),
        ] {
            let error = peer(wrong);
            assert!(error.is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rule_names_what_and_how_much() {
        let read = |text| rule(text).ok();
        assert_eq!(read("land:3"), Some(Wants::Land(3)));
        assert_eq!(read("cybr:1"), Some(Wants::Cybr(10_u128.pow(18))));
        assert_eq!(read("cybr:0.25"), Some(Wants::Cybr(25 * 10_u128.pow(16))));
        let small = "cybr:0.0000000000000000001";
        for wrong in [
            "", "land", "land:0", "land:-1", "cybr:", "cybr:+1", "eth:1", small,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn off_is_off_and_mistakes_name_their_key() {
        let off = Settings {
            relay: Some(false),
            ..Settings::default()
        };
        assert!(read(&off).unwrap().is_none());
        assert!(read(&Settings::default()).unwrap().is_some());
        type Change = fn(&mut Settings);
        let wrong: [(Change, &str); 7] = [
            (|s| s.relay_rule = Some("rich".into()), "relay_rule"),
            (|s| s.relay_sessions = Some(0), "relay_sessions"),
            (
                |s| s.relay_bandwidth = Some("1kB".into()),
                "relay_bandwidth",
            ),
            (
                |s| s.relay_urls = vec!["http://a/relay".into()],
                "relay_urls",
            ),
            (|s| s.relay_operator = Some("me".into()), "relay_operator"),
            (|s| s.mesh_addresses = vec!["home".into()], "mesh_addresses"),
            (|s| s.relay_month = Some("much".into()), "relay_month"),
        ];
        for (change, key) in wrong {
            let mut settings = Settings::default();
            change(&mut settings);
            let error = read(&settings).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}

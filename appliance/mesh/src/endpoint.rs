//! The engine, told to keep to itself: it speaks to the peers that it is given, to the owner's own
//! relays, and to nobody else.

use std::{net::SocketAddr, time::Duration};

use iroh::{
    Endpoint, RelayMap, RelayMode,
    endpoint::{
        IdleTimeout, NetReportConfig, PortmapperConfig, QuicTransportConfig, VarInt, presets,
    },
};

use crate::{Config, Error, Protocol, peer::relay_url};

/// A peer that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(20);
/// How often a link without traffic shows that it is there; keeps a home router's mapping open.
const KEEP_ALIVE: Duration = Duration::from_secs(7);

/// Binds the endpoint.
pub(crate) async fn bind(config: &Config, protocols: &[Protocol]) -> Result<Endpoint, Error> {
    let failed = |detail: String| Error::Listen {
        address: config.listen,
        detail,
    };
    // `Minimal` chooses cryptography and nothing else: the builder knows no relay and no lookup.
    let builder = Endpoint::builder(presets::Minimal)
        .secret_key(config.key.secret())
        .alpns(
            protocols
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect(),
        )
        .relay_mode(relays(&config.relays)?)
        .portmapper_config(if config.port_mapping {
            PortmapperConfig::default()
        } else {
            PortmapperConfig::Disabled
        })
        .net_report_config(NetReportConfig::minimal())
        .transport_config(transport(config)?)
        .clear_ip_transports()
        .bind_addr(config.listen)
        .map_err(|error| failed(error.to_string()))?;
    builder
        .bind()
        .await
        .map_err(|error| failed(error.to_string()))
}

fn relays(urls: &[String]) -> Result<RelayMode, Error> {
    if urls.is_empty() {
        return Ok(RelayMode::Disabled);
    }
    let urls = urls.iter().map(|url| relay_url(url));
    Ok(RelayMode::Custom(urls.collect::<Result<RelayMap, _>>()?))
}

fn transport(config: &Config) -> Result<QuicTransportConfig, Error> {
    let limits = &config.limits;
    let silence = IdleTimeout::try_from(SILENCE).map_err(|error| Error::Listen {
        address: config.listen,
        detail: error.to_string(),
    })?;
    Ok(QuicTransportConfig::builder()
        .max_concurrent_bidi_streams(VarInt::from_u32(limits.streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(limits.stream_bytes))
        .receive_window(VarInt::from_u32(limits.link_bytes))
        .send_window(limits.link_bytes.into())
        // Not used; a buffer would be memory that a stranger can fill.
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(silence))
        .keep_alive_interval(KEEP_ALIVE)
        .build())
}

/// Where the endpoint listens on this machine.
pub(crate) fn listening(endpoint: &Endpoint) -> Option<SocketAddr> {
    endpoint.bound_sockets().into_iter().next()
}

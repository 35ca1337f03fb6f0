//! Puts the relay together with the mesh that it stands on, and with the sockets that http hands over.

use std::{net::SocketAddr, path::Path};

use anyhow::Context;
use futures::future::BoxFuture;
use seedbox_core::RelayStatus;
use seedbox_http::RelaySocket;
use seedbox_mesh::NodeKey;
use seedbox_store::Store;
use tokio::sync::watch;

use crate::{
    config::relay::Relay as Config, gate::Gate, supervise::Services, webtransport::WebTransport,
};

/// In the data folder; whoever has it is this box to others.
pub(crate) const NODE_KEY: &str = "node.key";

/// The relay as the rest of the daemon sees it, which may be off.
pub(crate) struct Relay {
    running: Option<seedbox_relay::Handle>,
    /// What is told while it is off.
    off: watch::Sender<RelayStatus>,
}

/// Builds the relay and its mesh and lets them run; answers where the mesh listens.
pub(crate) async fn start(
    config: Option<Config>,
    data: &Path,
    store: Store,
    gate: Gate,
    services: &mut Services,
) -> anyhow::Result<(Relay, Option<SocketAddr>)> {
    let off = watch::Sender::new(RelayStatus {
        health: seedbox_core::Health::Well,
        sentence: "The relay is off.".to_owned(),
        ..RelayStatus::default()
    });
    let Some(config) = config else {
        return Ok((Relay { running: None, off }, None));
    };
    let key = NodeKey::load_or_create(&data.join(NODE_KEY))?;
    let mesh = seedbox_mesh::Config {
        key: key.clone(),
        listen: config.mesh_listen,
        relays: config.mesh_relays.clone(),
        port_mapping: config.mesh_port_mapping,
        limits: config.mesh_limits,
    };
    let protocols = [seedbox_relay::PROTOCOL, seedbox_relay::DIRECTORY_PROTOCOL];
    let (mesh, mesh_handle, streams) = seedbox_mesh::Service::bind(mesh, protocols)
        .await
        .context("`mesh_listen` cannot be used")?;
    let listening = mesh_handle.listening();
    let webtransport = WebTransport::bind(&config, data)?;
    let relay = seedbox_relay::Config {
        key,
        limits: config.limits,
        month: config.month,
        mailbox: config.mailbox,
        urls: webtransport.urls(),
        addresses: told(&config.addresses, listening),
        relays: config.mesh_relays,
        operator: config.operator,
        lan: config.lan,
        boxes: config.boxes,
        life: config.life,
    };
    let (relay, handle) =
        seedbox_relay::Service::new(relay, store, mesh_handle, streams, gate).await?;
    services.spawn("mesh", |stop| async move { Ok(mesh.run(stop).await?) });
    services.spawn("relay", |stop| async move { Ok(relay.run(stop).await?) });
    webtransport.start(handle.clone(), services);
    let running = Some(handle);
    Ok((Relay { running, off }, listening))
}

/// Addresses for the descriptor: port 0 stands for the one that is listened on.
fn told(addresses: &[SocketAddr], listening: Option<SocketAddr>) -> Vec<SocketAddr> {
    let port = listening.map_or(0, |address| address.port());
    let addresses = addresses.iter().copied();
    addresses
        .map(|mut address| {
            if address.port() == 0 {
                address.set_port(port);
            }
            address
        })
        .collect()
}

impl Relay {
    pub(crate) fn status(&self) -> watch::Receiver<RelayStatus> {
        let running = self.running.as_ref();
        running.map_or_else(|| self.off.subscribe(), seedbox_relay::Handle::status)
    }

    pub(crate) fn enter(&self, socket: RelaySocket) -> BoxFuture<'static, ()> {
        match &self.running {
            Some(relay) => Box::pin(relay.serve(socket)),
            None => Box::pin(std::future::ready(())),
        }
    }

    pub(crate) fn descriptor(&self) -> Option<String> {
        self.running.as_ref()?.descriptor()
    }

    pub(crate) fn descriptors(&self) -> Vec<String> {
        let running = self.running.as_ref();
        running
            .map(seedbox_relay::Handle::descriptors)
            .unwrap_or_default()
    }
}

//! The name under which the home network finds the box: `seedbox.local`, and if another box has it
//! already, `seedbox-2.local` (RFC 6762); the panel as a web page in the list of services (RFC 6763).
//!
//! Only this crate names the mDNS library. Nothing is looked up, nobody else's name is kept.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::{collections::BTreeSet, time::Duration};

use mdns_sd::{DaemonEvent, IfKind, RRType, Receiver, ServiceDaemon, ServiceInfo};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

/// Pages for people (RFC 6763, section 7 and the IANA registry).
const WEB_PAGE: &str = "_http._tcp.local.";
/// How often the machine's addresses are looked at, seconds: a cable is plugged in, Wi-Fi comes.
const ADDRESS_CHECK: u32 = 10;
const RETRY: Duration = Duration::from_secs(60);
/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Settings of the name.
#[derive(Debug, Clone)]
pub struct Config {
    /// The wanted name without `.local`, one label of letters, digits and hyphens.
    pub name: String,
    /// UDP port of mDNS, 5353 but in tests.
    pub port: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "seedbox".to_owned(),
            port: mdns_sd::MDNS_PORT,
        }
    }
}

/// Why the network is not told the name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The library or the system refuses.
    #[error(
        "the home network cannot be told the box's name: {0}. Other ways to the panel are its IP address and `host_names`"
    )]
    Mdns(#[from] mdns_sd::Error),
    /// Not a name.
    #[error(
        "\"{0}\" cannot be the box's name in the home network; write up to 40 letters, digits and hyphens, like seedbox"
    )]
    Name(String),
}

impl Config {
    /// Whether the name can be one (RFC 1123, short enough for a number behind it).
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn check(&self) -> Result<(), Error> {
        let name = &self.name;
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let good = (1..=40).contains(&name.len())
            && name.chars().all(allowed)
            && !name.starts_with('-')
            && !name.ends_with('-');
        good.then_some(()).ok_or_else(|| Error::Name(name.clone()))
    }
}

/// The name's keeper, ready to run.
pub struct Service {
    config: Config,
    names: watch::Sender<BTreeSet<String>>,
}

/// What the rest of the box may know of it.
#[derive(Clone)]
pub struct Handle {
    names: watch::Receiver<BTreeSet<String>>,
}

impl Handle {
    /// The names under which the box may be opened, like `seedbox.local`: the wanted one, and those
    /// it took where another had that.
    pub fn names(&self) -> watch::Receiver<BTreeSet<String>> {
        self.names.clone()
    }
}

impl Service {
    /// Checks the name; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new(config: Config) -> Result<(Self, Handle), Error> {
        config.check()?;
        let wanted = format!("{}.local", config.name.to_ascii_lowercase());
        let (tell, names) = watch::channel(BTreeSet::from([wanted]));
        let service = Self {
            config,
            names: tell,
        };
        Ok((service, Handle { names }))
    }

    /// Answers for the name, and for the panel at this TCP port, until cancelled; then takes it
    /// back. A network that is not there or refuses is tried again.
    ///
    /// # Errors
    /// None today: a box without its name is still a box.
    pub async fn run(self, panel_port: u16, cancelled: CancellationToken) -> Result<(), Error> {
        loop {
            match self.announce(panel_port) {
                Ok((daemon, events)) => {
                    tokio::select! {
                        () = cancelled.cancelled() => {
                            take_back(&daemon).await;
                            return Ok(());
                        }
                        () = self.follow(&events) => tracing::warn!("the mDNS thread ended; it is started again"),
                    }
                }
                Err(e) => tracing::warn!("{e}"),
            }
            tokio::select! {
                () = cancelled.cancelled() => return Ok(()),
                () = sleep(RETRY) => {}
            }
        }
    }

    fn announce(&self, panel_port: u16) -> Result<(ServiceDaemon, Receiver<DaemonEvent>), Error> {
        let Config { name, port } = &self.config;
        let daemon = ServiceDaemon::new_with_port(*port)?;
        // A link-local IPv6 address opens in no browser, and A and AAAA could part in a conflict.
        daemon.disable_interface(IfKind::IPv6)?;
        daemon.set_ip_check_interval(ADDRESS_CHECK)?;
        let events = daemon.monitor()?;
        let host = format!("{name}.local.");
        let no_properties: &[(&str, &str)] = &[];
        let page = ServiceInfo::new(WEB_PAGE, name, &host, "", panel_port, no_properties)?;
        daemon.register(page.enable_addr_auto())?;
        Ok((daemon, events))
    }

    /// Learns the names that are taken in a conflict; ends when the library does.
    async fn follow(&self, events: &Receiver<DaemonEvent>) {
        while let Ok(event) = events.recv_async().await {
            let DaemonEvent::NameChange(change) = event else {
                continue;
            };
            if change.rr_type != RRType::A {
                continue;
            }
            let name = change.new_name.trim_end_matches('.').to_ascii_lowercase();
            let is_new = self
                .names
                .send_if_modified(|names| names.insert(name.clone()));
            if is_new {
                tracing::info!("another box has the name already; this one is {name}");
            }
        }
    }
}

/// Tells the network that the name is free again.
async fn take_back(daemon: &ServiceDaemon) {
    if let Ok(ended) = daemon.shutdown() {
        let _ = tokio::time::timeout(GOODBYE, ended.recv_async()).await;
    }
}

#[cfg(test)]
mod tests;

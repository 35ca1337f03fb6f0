//! The settings as people write them: the same names as flag, environment variable and TOML key.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde::Deserialize;
use toml::{Table, de::Error};

/// Every setting, as text. What is `None` or empty was not given.
#[derive(Args, Deserialize, Default, Debug, Clone)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Folder for the database and, unless `volumes` says otherwise, the data volume
    /// [default: seedbox-data].
    #[arg(long, env = "SEEDBOX_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// How much is logged: error, warn, info, debug or trace [default: info].
    #[arg(long, env = "SEEDBOX_LOG")]
    pub(crate) log: Option<String>,
    /// Where the owner's panel listens [default: 0.0.0.0:8080].
    #[arg(long, env = "SEEDBOX_ADMIN_LISTEN")]
    pub(crate) admin_listen: Option<String>,
    /// Where the public listener listens [default: 0.0.0.0:8081].
    #[arg(long, env = "SEEDBOX_PUBLIC_LISTEN")]
    pub(crate) public_listen: Option<String>,
    /// Connections of the public listener over all visitors [default: 4096].
    #[arg(long, env = "SEEDBOX_PUBLIC_CONNECTIONS")]
    pub(crate) public_connections: Option<usize>,
    /// Connections of the public listener that one visitor's address may hold [default: 64].
    #[arg(long, env = "SEEDBOX_PUBLIC_CONNECTIONS_PER_CLIENT")]
    pub(crate) public_connections_per_client: Option<usize>,
    /// Further names under which the panel may be opened.
    #[arg(long, env = "SEEDBOX_HOST_NAMES", value_delimiter = ',')]
    pub(crate) host_names: Vec<String>,
    /// Whether the panel's listener answers /metrics without a password [default: false].
    #[arg(long, env = "SEEDBOX_METRICS", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) metrics: Option<bool>,
    /// Whether the home network is told the box's name (mDNS) [default: true].
    #[arg(long, env = "SEEDBOX_MDNS", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) mdns: Option<bool>,
    /// That name, without `.local` [default: seedbox].
    #[arg(long, env = "SEEDBOX_LOCAL_NAME")]
    pub(crate) local_name: Option<String>,
    /// The claim code to use instead of a random one.
    #[arg(long, env = "SEEDBOX_CLAIM_CODE", hide_env_values = true)]
    pub(crate) claim_code: Option<String>,
    /// Ethereum RPC endpoints, http(s):// or ws(s)://, in order of preference.
    #[arg(
        long,
        env = "SEEDBOX_RPC",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(crate) rpc: Vec<String>,
    /// The file that says where the contracts are (`deployments/<chain id>.json`).
    #[arg(long, env = "SEEDBOX_DEPLOYMENT")]
    pub(crate) deployment: Option<PathBuf>,
    /// Who has to vouch for a block: rpc (any one endpoint), quorum (several endpoints) or
    /// finalized (Ethereum's validators); or unproved: nobody, for development chains such as
    /// Anvil, whose state roots are not Ethereum's [default: rpc].
    #[arg(long, env = "SEEDBOX_CHAIN_TRUST")]
    pub(crate) chain_trust: Option<String>,
    /// How many RPC endpoints have to say the same, for `chain_trust` = quorum.
    #[arg(long, env = "SEEDBOX_CHAIN_QUORUM")]
    pub(crate) chain_quorum: Option<u8>,
    /// Beacon nodes, http(s)://, in order of preference, for `chain_trust` = finalized.
    #[arg(
        long,
        env = "SEEDBOX_CHAIN_BEACON",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(crate) chain_beacon: Vec<String>,
    /// Root of the finalized beacon block that the light client begins with.
    #[arg(long, env = "SEEDBOX_CHAIN_CHECKPOINT")]
    pub(crate) chain_checkpoint: Option<String>,
    /// The file that describes the beacon chain, if it is no public one.
    #[arg(long, env = "SEEDBOX_CHAIN_NETWORK")]
    pub(crate) chain_network: Option<PathBuf>,
    /// Time between two looks at the chain [default: 4s].
    #[arg(long, env = "SEEDBOX_CHAIN_POLL")]
    pub(crate) chain_poll: Option<String>,
    /// Where peers connect [default: 0.0.0.0:4240].
    #[arg(long, env = "SEEDBOX_PEER_LISTEN")]
    pub(crate) peer_listen: Option<String>,
    /// Whether peers are found by the DHT [default: true].
    #[arg(long, env = "SEEDBOX_DHT", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) dht: Option<bool>,
    /// Announce URLs of trackers.
    #[arg(long, env = "SEEDBOX_TRACKERS", value_delimiter = ',')]
    pub(crate) trackers: Vec<String>,
    /// Peers tried for every torrent, as address:port.
    #[arg(long, env = "SEEDBOX_PEERS", value_delimiter = ',')]
    pub(crate) peers: Vec<String>,
    /// Private ranges that may be dialled, like 192.168.0.0/16 [default: none].
    #[arg(long, env = "SEEDBOX_LAN", value_delimiter = ',')]
    pub(crate) lan: Vec<String>,
    /// Folders of the data volumes [default: <data>/volume].
    #[arg(long, env = "SEEDBOX_VOLUMES", value_delimiter = ',')]
    pub(crate) volumes: Vec<PathBuf>,
    /// How much each volume may hold, like 50GB. If given, the panel cannot change it.
    #[arg(long, env = "SEEDBOX_QUOTA")]
    pub(crate) quota: Option<String>,
    /// Free space on each volume that is never eaten [default: 500MB].
    #[arg(long, env = "SEEDBOX_RESERVE")]
    pub(crate) reserve: Option<String>,
    /// The most that one protected model may take [default: 2GB].
    #[arg(long, env = "SEEDBOX_MODEL_LIMIT")]
    pub(crate) model_limit: Option<String>,
    /// Torrents announced at the same time [default: 200].
    #[arg(long, env = "SEEDBOX_MAX_LIVE")]
    pub(crate) max_live: Option<usize>,
    /// Whether the box relays what people say to each other [default: true].
    #[arg(long, env = "SEEDBOX_RELAY", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) relay: Option<bool>,
    /// Where clients reach the relay, like ws://203.0.113.5:8081/relay; https://… for WebTransport.
    #[arg(long, env = "SEEDBOX_RELAY_URLS", value_delimiter = ',')]
    pub(crate) relay_urls: Vec<String>,
    /// Boxes that are asked which boxes there are, as node ID@address:port.
    #[arg(long, env = "SEEDBOX_RELAY_BOXES", value_delimiter = ',')]
    pub(crate) relay_boxes: Vec<String>,
    /// A public key that all boxes of one operator name, 64 hexadecimal characters.
    #[arg(long, env = "SEEDBOX_RELAY_OPERATOR")]
    pub(crate) relay_operator: Option<String>,
    /// What the relay may send in a second [default: 2.5MB].
    #[arg(long, env = "SEEDBOX_RELAY_BANDWIDTH")]
    pub(crate) relay_bandwidth: Option<String>,
    /// What the relay may send in a month, like 500GB [default: no limit].
    #[arg(long, env = "SEEDBOX_RELAY_MONTH")]
    pub(crate) relay_month: Option<String>,
    /// Clients that the relay serves at the same time [default: 300].
    #[arg(long, env = "SEEDBOX_RELAY_SESSIONS")]
    pub(crate) relay_sessions: Option<usize>,
    /// Host only rooms whose members have at least this, like cybr:100 or land:1 [default: any room].
    #[arg(long, env = "SEEDBOX_RELAY_RULE")]
    pub(crate) relay_rule: Option<String>,
    /// Rooms that the relay hosts at the same time [default: 12].
    #[arg(long, env = "SEEDBOX_RELAY_ROOMS")]
    pub(crate) relay_rooms: Option<usize>,
    /// Room for sealed notes to members of rooms who are not there, like 8MB [default: 0, no mailbox].
    #[arg(long, env = "SEEDBOX_RELAY_MAILBOX")]
    pub(crate) relay_mailbox: Option<String>,
    /// Where WebTransport is listened for if relay_urls has one, UDP [default: 0.0.0.0:8081].
    #[arg(long, env = "SEEDBOX_RELAY_WEBTRANSPORT")]
    pub(crate) relay_webtransport: Option<String>,
    /// Where other boxes connect, UDP [default: 0.0.0.0:4241].
    #[arg(long, env = "SEEDBOX_MESH_LISTEN")]
    pub(crate) mesh_listen: Option<String>,
    /// Where other boxes reach this one, as address:port [default: none is told].
    #[arg(long, env = "SEEDBOX_MESH_ADDRESSES", value_delimiter = ',')]
    pub(crate) mesh_addresses: Vec<String>,
    /// Your own iroh relays, by which boxes without an open port are reached.
    #[arg(long, env = "SEEDBOX_MESH_RELAYS", value_delimiter = ',')]
    pub(crate) mesh_relays: Vec<String>,
    /// Whether the router is asked for an open port [default: true].
    #[arg(long, env = "SEEDBOX_MESH_PORT_MAPPING", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) mesh_port_mapping: Option<bool>,
    /// What replaces this machine's system, if the box may do that: rauc, or off [default: off].
    #[arg(long, env = "SEEDBOX_UPDATES")]
    pub(crate) updates: Option<String>,
    /// Folders where disks are mounted, in which updates are looked for [default: /media].
    #[arg(long, env = "SEEDBOX_UPDATE_FOLDERS", value_delimiter = ',')]
    pub(crate) update_folders: Vec<PathBuf>,
    /// GPIO number of the light's pin, on a Raspberry Pi [default: none].
    #[arg(long, env = "SEEDBOX_LED_PIN")]
    pub(crate) led_pin: Option<u8>,
    /// GPIO number of the pin that the button connects to ground [default: none].
    #[arg(long, env = "SEEDBOX_BUTTON_PIN")]
    pub(crate) button_pin: Option<u8>,
}

const MAX_FILE: u64 = 256 * 1024;
/// Of settings; what is longer may be a secret in the wrong place.
pub(crate) const LONGEST_NAME: usize = 32;

impl Settings {
    pub(crate) fn from_file(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let size = std::fs::metadata(path)
            .with_context(|| format!("cannot read the configuration {shown}"))?
            .len();
        if size > MAX_FILE {
            bail!("the configuration {shown} has {size} bytes; it cannot be right");
        }
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {shown}"))?;
        Self::read(&text).with_context(|| format!("the configuration {shown} has a mistake"))
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        text.parse::<Table>()
            .map_err(|error| unreadable(text, &error))?;
        toml::from_str(text).map_err(|error| mistake(text, &error))
    }

    /// What `self` does not say is taken from `other`.
    pub(crate) fn or(self, other: Settings) -> Settings {
        fn list<T>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
            if a.is_empty() { b } else { a }
        }
        Settings {
            data: self.data.or(other.data),
            log: self.log.or(other.log),
            admin_listen: self.admin_listen.or(other.admin_listen),
            public_listen: self.public_listen.or(other.public_listen),
            public_connections: self.public_connections.or(other.public_connections),
            public_connections_per_client: self
                .public_connections_per_client
                .or(other.public_connections_per_client),
            host_names: list(self.host_names, other.host_names),
            metrics: self.metrics.or(other.metrics),
            mdns: self.mdns.or(other.mdns),
            local_name: self.local_name.or(other.local_name),
            claim_code: self.claim_code.or(other.claim_code),
            rpc: list(self.rpc, other.rpc),
            deployment: self.deployment.or(other.deployment),
            chain_trust: self.chain_trust.or(other.chain_trust),
            chain_quorum: self.chain_quorum.or(other.chain_quorum),
            chain_beacon: list(self.chain_beacon, other.chain_beacon),
            chain_checkpoint: self.chain_checkpoint.or(other.chain_checkpoint),
            chain_network: self.chain_network.or(other.chain_network),
            chain_poll: self.chain_poll.or(other.chain_poll),
            peer_listen: self.peer_listen.or(other.peer_listen),
            dht: self.dht.or(other.dht),
            trackers: list(self.trackers, other.trackers),
            peers: list(self.peers, other.peers),
            lan: list(self.lan, other.lan),
            volumes: list(self.volumes, other.volumes),
            quota: self.quota.or(other.quota),
            reserve: self.reserve.or(other.reserve),
            model_limit: self.model_limit.or(other.model_limit),
            max_live: self.max_live.or(other.max_live),
            relay: self.relay.or(other.relay),
            relay_urls: list(self.relay_urls, other.relay_urls),
            relay_boxes: list(self.relay_boxes, other.relay_boxes),
            relay_operator: self.relay_operator.or(other.relay_operator),
            relay_bandwidth: self.relay_bandwidth.or(other.relay_bandwidth),
            relay_month: self.relay_month.or(other.relay_month),
            relay_sessions: self.relay_sessions.or(other.relay_sessions),
            relay_webtransport: self.relay_webtransport.or(other.relay_webtransport),
            relay_mailbox: self.relay_mailbox.or(other.relay_mailbox),
            relay_rule: self.relay_rule.or(other.relay_rule),
            relay_rooms: self.relay_rooms.or(other.relay_rooms),
            mesh_listen: self.mesh_listen.or(other.mesh_listen),
            mesh_addresses: list(self.mesh_addresses, other.mesh_addresses),
            mesh_relays: list(self.mesh_relays, other.mesh_relays),
            mesh_port_mapping: self.mesh_port_mapping.or(other.mesh_port_mapping),
            updates: self.updates.or(other.updates),
            update_folders: list(self.update_folders, other.update_folders),
            led_pin: self.led_pin.or(other.led_pin),
            button_pin: self.button_pin.or(other.button_pin),
        }
    }
}

/// Where a text is no TOML. Only the place is told: the line may hold a secret, and the parser's own
/// words would repeat it.
pub(crate) fn unreadable(text: &str, error: &Error) -> anyhow::Error {
    anyhow!(
        "line {} cannot be read; write every line like  name = \"text\"  with straight quotes, \
         each name once",
        line(text, error)
    )
}

/// Where a value is none that its name takes, or the name none of ours; as silent about the value.
fn mistake(text: &str, error: &Error) -> anyhow::Error {
    let line = line(text, error);
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let name = written.split('=').next().unwrap_or_default().trim();
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if name.is_empty() || !is_name || name.len() > LONGEST_NAME {
        return anyhow!("line {line} is not understood; the README lists all settings");
    }
    if error.message().starts_with("unknown field") {
        return anyhow!("line {line}: `{name}` is unknown; the README lists all settings");
    }
    match error.message().rsplit_once(", expected ") {
        Some((_, wanted)) => anyhow!("line {line}: `{name}` has to be {wanted}"),
        None => anyhow!("line {line}: `{name}` is not understood; the README says what it takes"),
    }
}

/// The line that a mistake is in, from 1.
fn line(text: &str, error: &Error) -> usize {
    let place = error.span().map_or(0, |span| span.start);
    let before = text.bytes().take(place);
    before.filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_its_line_and_repeats_no_value() {
        for (text, told) in [
            (
                "quota = \"1GB\"\nrpc = \"https://SECRET\"",
                "line 2: `rpc` has to be a sequence",
            ),
            ("claim_cod = \"SECRET\"", "line 1: `claim_cod` is unknown"),
            ("SECRET = 1", "line 1 is not understood"),
            ("rpc = [\"https://SECRET]", "line 1 cannot be read"),
            (
                "claim_code = \"SECRET\"\nclaim_code = \"SECRET\"",
                "line 2 cannot be read",
            ),
            ("led_pin = 300", "line 1: `led_pin` has to be u8"),
            (
                "dht = \"SECRET, expected nothing\"",
                "line 1: `dht` has to be a boolean",
            ),
            (
                "rpc = [\n  1,\n  \"SECRET\",\n]",
                "line 2 is not understood",
            ),
        ] {
            let error = Settings::read(text).unwrap_err();
            let shown = format!("{error:#} {error:?}");
            assert!(shown.contains(told), "{text}: {shown}");
            assert!(!shown.contains("SECRET"), "{text}: {shown}");
        }
    }
}

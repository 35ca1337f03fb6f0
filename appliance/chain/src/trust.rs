//! What the owner configures about whom to believe.

use std::{collections::BTreeSet, fmt, path::Path};

use seedbox_light_client::{Network, Root};

use crate::{Error, endpoint, endpoints};

/// Who has to vouch for a block before anything is proved against it.
#[derive(Debug, Clone, Default)]
pub enum TrustSetting {
    /// Nobody: events are taken as they are told. For development chains whose state roots are
    /// not Ethereum's, such as Anvil's.
    Unproved,
    /// Any one of the RPC endpoints, whose events must add up to the state that it proves.
    #[default]
    Rpc,
    /// Several of the RPC endpoints.
    Quorum {
        /// How many have to say the same.
        agree: u8,
    },
    /// Ethereum's validators.
    Finalized(LightClientSetting),
}

/// How the light client is to be run.
#[derive(Clone)]
pub struct LightClientSetting {
    /// Beacon nodes, `http(s)://`, in order of preference. They may hold API keys.
    pub(crate) beacon: Vec<String>,
    pub(crate) checkpoint: Root,
    pub(crate) network: Network,
}

impl fmt::Debug for LightClientSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LightClientSetting")
            .field("beacon", &format_args!("{} nodes", self.beacon.len()))
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

/// Bytes of a network's description that are read; a real one has 600.
const MAX_FILE: u64 = 64 * 1024;

impl TrustSetting {
    /// How many endpoints have to say the same of what nobody can prove.
    pub(crate) const fn voices(&self) -> u8 {
        match self {
            Self::Quorum { agree } => *agree,
            _ => 1,
        }
    }

    /// `agree` of the endpoints in `rpc` have to say the same.
    ///
    /// # Errors
    /// [`Error::Quorum`] if there are too few of them, or it would be no agreement.
    pub fn quorum(agree: u8, rpc: &[String]) -> Result<Self, Error> {
        // Two keys at one provider are one voice.
        let voices: BTreeSet<String> = rpc
            .iter()
            .filter_map(|address| endpoints::parse(address).ok())
            .map(|url| endpoint::name(&url))
            .collect();
        if agree < 2 || usize::from(agree) > voices.len() || voices.len() < rpc.len() {
            return Err(Error::Quorum {
                agree,
                endpoints: voices.len(),
            });
        }
        Ok(Self::Quorum { agree })
    }

    /// A light client of the beacon chain behind the execution chain `chain_id`, from the block
    /// with the root `checkpoint` on. A chain that is not known by its ID needs its description in
    /// a file.
    ///
    /// # Errors
    /// [`Error::Checkpoint`], [`Error::Network`], [`Error::Beacon`].
    pub fn finalized(
        beacon: Vec<String>,
        checkpoint: &str,
        chain_id: u64,
        network: Option<&Path>,
    ) -> Result<Self, Error> {
        let checkpoint = checkpoint.parse().map_err(|_| Error::Checkpoint)?;
        let unusable = |number, reason| Error::Beacon { number, reason };
        if beacon.is_empty() {
            return Err(unusable(1, "there is none"));
        }
        for (index, address) in beacon.iter().enumerate() {
            let url = endpoints::parse(address).map_err(|reason| unusable(index + 1, reason))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(unusable(index + 1, "its scheme is not http or https"));
            }
        }
        let network = match network {
            Some(path) => read_network(path)?,
            None => Network::of_chain(chain_id).ok_or(Error::UnknownNetwork { chain_id })?,
        };
        Ok(Self::Finalized(LightClientSetting {
            beacon,
            checkpoint,
            network,
        }))
    }
}

fn read_network(path: &Path) -> Result<Network, Error> {
    let failed = |reason: String| Error::Network {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path)
        .map_err(|e| failed(e.to_string()))?
        .len();
    if size > MAX_FILE {
        return Err(failed(format!("it has {size} bytes, more than {MAX_FILE}")));
    }
    let text = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
    Network::from_json(&text).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_of_different_endpoints() {
        let rpc = |addresses: &[&str]| {
            addresses
                .iter()
                .map(|a| (*a).to_owned())
                .collect::<Vec<_>>()
        };
        let three = rpc(&["https://a.example/k", "https://b.example", "ws://c.example"]);
        assert!(TrustSetting::quorum(2, &three).is_ok());
        assert!(TrustSetting::quorum(3, &three).is_ok());
        assert!(TrustSetting::quorum(4, &three).is_err());
        assert!(TrustSetting::quorum(1, &three).is_err());
        let twice = rpc(&["https://a.example/one", "https://a.example/two"]);
        assert!(TrustSetting::quorum(2, &twice).is_err());
    }

    #[test]
    fn a_light_client_needs_all_of_it() {
        let root = format!("0x{}", "12".repeat(32));
        let nodes = || vec!["https://user:secret@node.example/key".to_owned()];
        let setting = TrustSetting::finalized(nodes(), &root, 1, None).unwrap();
        let shown = format!("{setting:?}");
        assert!(
            shown.contains("1 nodes") && !shown.contains("secret"),
            "{shown}"
        );
        let error = |beacon, root: &str, chain, file: Option<&str>| {
            TrustSetting::finalized(beacon, root, chain, file.map(Path::new))
                .unwrap_err()
                .to_string()
        };
        assert!(error(nodes(), "0x12", 1, None).contains("chain_checkpoint"));
        assert!(error(nodes(), &root, 31_337, None).contains("chain_network"));
        assert!(error(Vec::new(), &root, 1, None).contains("chain_beacon"));
        let socket = error(vec!["ws://node.example/secret".into()], &root, 1, None);
        assert!(
            socket.contains("number 1") && !socket.contains("secret"),
            "{socket}"
        );
        let file = error(nodes(), &root, 1, Some("/nonexistent.json"));
        assert!(file.contains("/nonexistent.json"), "{file}");
    }
}

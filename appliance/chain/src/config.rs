//! What the owner configures about the chain, and the file that says where the contracts are.

use std::{fmt, path::Path, time::Duration};

use alloy::transports::http::reqwest::Url;
use seedbox_core::WalletAddress;
use seedbox_store::chain::Contract;
use serde::Deserialize;

use crate::{Error, TrustSetting, endpoints};

/// Settings of the chain service. All of it may be missing: a box without a chain still runs.
#[derive(Clone)]
pub struct Config {
    /// JSON-RPC endpoints, `http(s)://` or `ws(s)://`, in order of preference. They may hold API
    /// keys and never appear in a log.
    pub rpc: Vec<String>,
    /// Where the contracts are; without it no chain is followed.
    pub deployment: Option<Deployment>,
    /// Who has to vouch for a block.
    pub trust: TrustSetting,
    /// Time between two looks at the head.
    pub poll_interval: Duration,
    /// Longest wait for the answer to one request.
    pub request_timeout: Duration,
    /// Age at which ownership no longer counts as known.
    pub max_ownership_age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rpc: Vec::new(),
            deployment: None,
            trust: TrustSetting::Rpc,
            poll_interval: Duration::from_secs(4),
            request_timeout: Duration::from_secs(15),
            max_ownership_age: Duration::from_secs(3600),
        }
    }
}

impl Config {
    /// Whether all endpoints are addresses.
    ///
    /// # Errors
    /// [`Error::Endpoint`], which does not show it.
    pub fn check(&self) -> Result<(), Error> {
        self.urls().map(drop)
    }

    pub(crate) fn urls(&self) -> Result<Vec<Url>, Error> {
        let numbered = (1..).zip(&self.rpc);
        numbered
            .map(|(number, address)| {
                endpoints::parse(address).map_err(|reason| Error::Endpoint { number, reason })
            })
            .collect()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("rpc", &format_args!("{} endpoints", self.rpc.len()))
            .field("deployment", &self.deployment)
            .field("trust", &self.trust)
            .field("poll_interval", &self.poll_interval)
            .field("request_timeout", &self.request_timeout)
            .field("max_ownership_age", &self.max_ownership_age)
            .finish()
    }
}

/// Where the contracts are, as written by their deployment script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// EIP-155 chain ID.
    pub chain_id: u64,
    /// Height at which reading starts; no event of the contracts is older.
    pub block: u64,
    /// The land contract (ERC-721).
    pub land: WalletAddress,
    /// The model contract (ERC-721).
    pub model: WalletAddress,
    /// The placement contract.
    pub placement: WalletAddress,
    /// The standard gate (AccessPass). Without it no pass can be proved, and every gate is a
    /// stranger's.
    #[serde(default)]
    pub access_pass: Option<WalletAddress>,
    /// The currency (ERC-20 with votes). Without it no vote by CYBR can be weighed.
    #[serde(default)]
    pub cybr: Option<WalletAddress>,
}

/// Bytes of a deployment file that are read; a real one has 300.
const MAX_FILE: u64 = 64 * 1024;

impl Deployment {
    /// Reads a deployment file: JSON with `chainId`, `block`, `land`, `model`, `placement`, and
    /// `accessPass` and `cybr`, which may be missing.
    ///
    /// # Errors
    /// [`Error::Deployment`] if the file cannot be read or is not such JSON.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Deployment {
            path: path.to_owned(),
            reason,
        };
        let size = std::fs::metadata(path)
            .map_err(|e| failed(e.to_string()))?
            .len();
        if size > MAX_FILE {
            return Err(failed(format!("it has {size} bytes, more than {MAX_FILE}")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| failed(e.to_string()))
    }

    /// Where a contract is.
    pub(crate) fn address(&self, contract: Contract) -> WalletAddress {
        match contract {
            Contract::Land => self.land,
            Contract::Model => self.model,
            Contract::Placement => self.placement,
        }
    }

    /// One line that differs whenever another state has to be read.
    pub(crate) fn source(&self) -> String {
        let Self {
            chain_id,
            block,
            land,
            model,
            placement,
            // What is read does not depend on it.
            access_pass: _,
            cybr: _,
        } = self;
        format!("{chain_id} from {block}: {land} {model} {placement}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Deployment, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Deployment::read(file.path())
    }

    #[test]
    fn reads_what_the_deployment_script_writes() {
        let deployment = read(
            r#"{"block":3,"chainId":31337,
                "cybr":"0x5FbDB2315678afecb367f032d93F642f64180aa3",
                "land":"0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512",
                "model":"0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0",
                "placement":"0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9",
                "accessPass":"0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9"}"#,
        )
        .unwrap();
        assert_eq!((deployment.chain_id, deployment.block), (31337, 3));
        let access_pass = deployment.access_pass.unwrap().to_string();
        assert!(access_pass.starts_with("0xDc64"), "{access_pass}");
        assert!(deployment.land.to_string().starts_with("0xe7f1"));
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let missing = read(r#"{"chainId":1,"block":0}"#).unwrap_err().to_string();
        assert!(missing.contains("land"), "{missing}");
        let nowhere = Deployment::read(Path::new("/nonexistent.json")).unwrap_err();
        assert!(nowhere.to_string().contains("/nonexistent.json"));
        let mistyped = r#"{"chainId":1,"block":0,"model":"0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0",
            "placement":"0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9",
            "land":"0xE7f1725E7734CE288F8367e1Bb143E90bb3F0512"}"#;
        assert!(read(mistyped).unwrap_err().to_string().contains("EIP-55"));
    }

    #[test]
    fn does_not_show_endpoints() {
        let config = Config {
            rpc: vec!["https://node.example/v3/secret".into()],
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("secret"));
    }
}

//! The box as the relay's clients and other boxes know it.

use std::{net::SocketAddr, time::UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use seedbox_relay_proto::Descriptor;
use serde_json::Value;

use super::Seedbox;

impl Seedbox {
    /// All boxes that it knows, itself among them.
    ///
    /// # Errors
    /// It does not answer, or tells something else than descriptors.
    pub fn relay_descriptors(&self) -> Result<Vec<Descriptor>> {
        self.read_descriptors("/v1/relays")
    }

    /// Itself.
    ///
    /// # Errors
    /// It does not relay, or cannot be reached by other boxes.
    pub fn relay_descriptor(&self) -> Result<Descriptor> {
        let own = self.read_descriptors("/v1/relay")?.pop();
        own.context("no descriptor")
    }

    fn read_descriptors(&self, path: &str) -> Result<Vec<Descriptor>> {
        let answer: Value = self.public().get(path)?;
        let texts = answer["descriptors"].as_array().context("no list")?;
        let now = UNIX_EPOCH.elapsed()?.as_secs();
        let read = |text: &Value| {
            let bytes = BASE64_STANDARD.decode(text.as_str().context("no text")?)?;
            Ok(Descriptor::read(&bytes, now)?)
        };
        texts.iter().map(read).collect()
    }

    /// It knows so many boxes.
    ///
    /// # Errors
    /// It does not.
    pub fn knows_boxes(&self, number: usize) -> Result<()> {
        let known = self.relay_descriptors()?.len();
        ensure!(known >= number, "{known} known");
        Ok(())
    }

    /// Where anybody may ask it.
    ///
    /// # Errors
    /// Never, unless the box announced nonsense.
    pub fn public_address(&self) -> Result<SocketAddr> {
        let base = self.public().base();
        Ok(base.trim_start_matches("http://").parse()?)
    }
}

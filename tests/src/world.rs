//! The world around a box: a chain with our contracts, a node that proves what is on it, a
//! tracker, an independent publisher, and two people: the owner, whose wallet the box is told of,
//! and a neighbour.

use std::{path::Path, time::Duration};

use anyhow::Result;

use crate::{
    anvil::Anvil,
    models::Published,
    node::Node,
    publisher::Publisher,
    seedbox::{Seedbox, Settings},
    tracker::Tracker,
};

/// Time within which the publisher's client must have hashed what it is to seed.
const HASHING_LIMIT: Duration = Duration::from_secs(120);

/// Everything around a box.
pub struct World {
    /// Whom the boxes ask about the chain.
    pub node: Node,
    /// The chain.
    pub anvil: Anvil,
    /// The tracker that the publisher and the boxes use.
    pub tracker: Tracker,
    /// Who makes the models.
    pub publisher: Publisher,
}

impl World {
    /// Starts all of it.
    ///
    /// # Errors
    /// A program is missing: `make setup` installs them.
    pub fn start() -> Result<Self> {
        let tracker = Tracker::start()?;
        let publisher = Publisher::start(&tracker)?;
        let anvil = Anvil::start()?;
        Ok(Self {
            node: Node::before(&anvil.url())?,
            anvil,
            tracker,
            publisher,
        })
    }

    /// The wallet of the box's owner.
    pub fn owner(&self) -> &str {
        self.anvil.account(5)
    }

    /// Somebody else's wallet.
    pub fn neighbour(&self) -> &str {
        self.anvil.account(6)
    }

    /// A box that follows this chain and finds peers by this tracker.
    ///
    /// # Errors
    /// No folder can be made for it.
    pub fn settings(&self) -> Result<Settings> {
        Ok(Settings::new()?
            .set("rpc", self.node.rpc_url())
            .set("deployment", self.anvil.deployment().display().to_string())
            .set("trackers", self.tracker.url()))
    }

    /// Starts a box, claims it and links the owner's wallet.
    ///
    /// # Errors
    /// The box did not start or refused.
    pub fn owners_box(&self, settings: &Settings) -> Result<Seedbox> {
        let seedbox = settings.start()?;
        seedbox.claim()?;
        seedbox.link_wallet(self.owner())?;
        Ok(seedbox)
    }

    /// A second box, a neighbour's, that holds these models and gives them at once and as fast as
    /// it can: Transmission lets newcomers in only every ten seconds.
    ///
    /// # Errors
    /// It did not start, or did not get them.
    pub fn neighbours_box(&self, models: &[Published]) -> Result<Seedbox> {
        let mut seedbox = self.settings()?.set("quota", "2GB").start()?;
        seedbox.claim()?;
        for model in models {
            seedbox.accept(&model.magnet())?;
        }
        for model in models {
            seedbox.wait_secured(&model.info_hash, "accepted", HASHING_LIMIT)?;
        }
        Ok(seedbox)
    }

    /// Publishes a file as a torrent and on chain; gives it with its token ID.
    ///
    /// # Errors
    /// The chain or Transmission failed.
    pub fn publish(&self, file: &Path, name: &str) -> Result<(Published, u64)> {
        let published = self.publisher.publish(file, name)?;
        let model = self.anvil.publish(self.neighbour(), &published)?;
        Ok((published, model))
    }

    /// Publishes `size` random bytes as a torrent and on chain; gives it with its token ID.
    ///
    /// # Errors
    /// The chain or Transmission failed.
    pub fn publish_random(&self, name: &str, size: u64) -> Result<(Published, u64)> {
        // The name decides the content, so that two models never share an info hash.
        let seed = name.bytes().fold(size, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let published = self.publisher.publish_random(name, size, seed)?;
        let model = self.anvil.publish(self.neighbour(), &published)?;
        Ok((published, model))
    }

    /// Waits until the publisher seeds everything published so far.
    ///
    /// # Errors
    /// It was not in time.
    pub fn wait_seeding(&self) -> Result<()> {
        self.publisher.wait_seeding(&self.tracker, HASHING_LIMIT)
    }
}

//! What is protected and what may be evicted. The only maker of [`Evictable`], so that no other
//! code can even express the eviction of something protected.

use crate::{InfoHash, Item, Owned, UnixTime};

/// Why an item is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// It stands on land of a linked wallet.
    OwnedLand,
    /// The owner asked to keep it.
    Accepted,
    /// The box does not know for certain what the wallets own, so nothing may go.
    OwnershipUncertain,
}

/// An item that must not be evicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Protected {
    /// The item.
    pub item: Item,
    /// Why.
    pub protection: Protection,
}

/// An item of the community cache. It can only come from [`classify`].
#[derive(Debug, Clone, PartialEq)]
pub struct Evictable(Item);

impl Evictable {
    /// The item that may be evicted.
    pub fn item(&self) -> &Item {
        &self.0
    }

    /// Which torrent may be evicted.
    pub fn info_hash(&self) -> InfoHash {
        self.0.info_hash
    }
}

/// An inventory, split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Classified {
    /// Not to be touched.
    pub protected: Vec<Protected>,
    /// May be evicted to make room.
    pub evictable: Vec<Evictable>,
}

/// Splits an inventory by what the wallets own. Unknown or stale ownership (older than `max_age`
/// seconds) protects everything: a dead RPC never un-protects anything.
pub fn classify(
    inventory: impl IntoIterator<Item = Item>,
    owned: &Owned,
    now: UnixTime,
    max_age: u64,
) -> Classified {
    let models = owned.models();
    let certain = owned.is_certain(now, max_age);
    let mut classified = Classified::default();
    for item in inventory {
        let protection = if models.contains_key(&item.info_hash) {
            Some(Protection::OwnedLand)
        } else if item.accepted {
            Some(Protection::Accepted)
        } else if !certain {
            Some(Protection::OwnershipUncertain)
        } else {
            None
        };
        match protection {
            Some(protection) => classified.protected.push(Protected { item, protection }),
            None => classified.evictable.push(Evictable(item)),
        }
    }
    classified
}

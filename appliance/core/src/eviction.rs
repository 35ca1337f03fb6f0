//! Which community data goes when room is needed, and what may come in at all.
//!
//! The rule is GreedyDual-Size-Frequency: the victim is the item with the lowest
//! `L + requests · cost / size^β`, where `L` is the score of the last victim, so that what was
//! asked for long ago ages out. `cost` is what the network would lose: an item with few other
//! seeds is dear. Only [`Evictable`] items can be named here, and only
//! [`classify`](crate::classify) makes those.

use crate::{Classified, Evictable, Item, Protection, RefusalReason};

/// Weight of the size in the score: 1 favours many small items, 0 ignores the size. The square
/// root keeps large models from being flushed by any small one.
const SIZE_EXPONENT: f64 = 0.5;

/// Community data may take one part in this many of the quota per torrent.
const CACHE_SHARE: u64 = 4;

/// A plan that would leave more than one part in this many of the quota empty looks for victims
/// of a closer fit.
const WASTE_SHARE: u64 = 25;

/// Worth up to this many times as much counts as missed no more: how many seeds were seen last is
/// a rough figure.
const ALIKE: f64 = 4.0;

/// How much the network would miss an item, whatever its size and age.
fn worth(item: &Item) -> f64 {
    let demand = &item.demand;
    (demand.requests.max(1) as f64) / (1.0 + f64::from(demand.other_seeds))
}

/// The eviction score of an item; the lowest goes first.
pub fn score(item: &Item) -> f64 {
    let mebibytes = (item.reserved.max(1) as f64) / 1_048_576.0;
    item.demand.inflation + worth(item) / mebibytes.powf(SIZE_EXPONENT)
}

/// What must be deleted to make room.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Torrents to delete, least missed first.
    pub victims: Vec<Evictable>,
    /// Bytes that frees.
    pub freed: u64,
    /// The new eviction clock `L`; `None` if nothing is evicted.
    pub inflation: Option<f64>,
}

/// Chooses what to evict to free at least `need` bytes, or `None` if that much is not evictable.
///
/// The lowest scores go. Only where that would free more than `spare` bytes too many, a closer fit
/// is taken if there is one among what the network would miss about as much: a cache half empty because
/// one large torrent left serves nobody.
pub fn plan(evictable: &[Evictable], need: u64, spare: u64) -> Option<Plan> {
    if need == 0 {
        return Some(Plan::default());
    }
    let mut ranked: Vec<Ranked> = evictable.iter().map(|e| (score(e.item()), e)).collect();
    ranked.sort_by(|a, b| {
        a.0.total_cmp(&b.0)
            .then_with(|| a.1.info_hash().cmp(&b.1.info_hash()))
    });
    let lowest = gather(&ranked, need, u64::MAX)?;
    let most = need.saturating_add(spare);
    if lowest.freed <= most {
        return Some(lowest);
    }
    let dearest = lowest
        .victims
        .iter()
        .map(|victim| worth(victim.item()))
        .fold(0.0, f64::max);
    ranked.retain(|(_, e)| worth(e.item()) <= ALIKE * dearest);
    gather(&ranked, need, most).or(Some(lowest))
}

type Ranked<'a> = (f64, &'a Evictable);

/// Takes from the front what frees `need` bytes and no more than `most`. No victim is named that
/// is not needed: those that the others make superfluous are spared, dearest first.
fn gather(ranked: &[Ranked], need: u64, most: u64) -> Option<Plan> {
    let mut freed = 0u64;
    let mut victims: Vec<Ranked> = Vec::new();
    for entry in ranked {
        if freed >= need {
            break;
        }
        let with_it = freed.saturating_add(entry.1.item().reserved);
        if with_it <= most {
            freed = with_it;
            victims.push(*entry);
        }
    }
    if freed < need {
        return None;
    }
    for i in (0..victims.len()).rev() {
        let reserved = victims[i].1.item().reserved;
        if freed - reserved >= need {
            freed -= reserved;
            victims.remove(i);
        }
    }
    Some(Plan {
        inflation: victims.last().map(|(score, _)| *score),
        victims: victims.into_iter().map(|(_, e)| e.clone()).collect(),
        freed,
    })
}

/// The room on one volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes the owner gives.
    pub quota: u64,
    /// Bytes reserved now.
    pub reserved: u64,
    /// Bytes the disk can still give before its free-space reserve is touched.
    pub disk_available: u64,
}

impl Room {
    /// Bytes that may still be reserved without evicting.
    pub fn free(&self) -> u64 {
        self.quota
            .saturating_sub(self.reserved)
            .min(self.disk_available)
    }

    /// Bytes that an eviction may leave empty before a closer fit is looked for.
    pub fn spare(&self) -> u64 {
        self.quota / WASTE_SHARE
    }
}

/// What wants to come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To be protected; `limit` caps one model's bytes.
    Protected {
        /// Bytes it needs.
        size: u64,
        /// Cap for one model in bytes.
        limit: u64,
    },
    /// For the community cache.
    Community {
        /// Bytes it needs.
        size: u64,
    },
}

/// Decides whether `ask` may come in and what must go first. Space is thus found *before* it is
/// used; nothing is admitted on the hope that room will appear.
///
/// # Errors
/// The reason for the refusal, in the owner's words.
pub fn admit(ask: Ask, room: Room, inventory: &Classified) -> Result<Plan, RefusalReason> {
    let size = match ask {
        Ask::Protected { size, limit } if size > limit => {
            return Err(RefusalReason::TooLargeForModel { size, limit });
        }
        Ask::Community { size } if size > room.quota / CACHE_SHARE => {
            let limit = room.quota / CACHE_SHARE;
            return Err(RefusalReason::TooLargeForCache { size, limit });
        }
        Ask::Protected { size, .. } | Ask::Community { size } => size,
    };
    let free = room.free();
    if size <= free {
        return Ok(Plan::default());
    }
    let need = size - free;
    plan(&inventory.evictable, need, room.spare()).ok_or_else(|| refusal(size, room, inventory))
}

fn refusal(needed: u64, room: Room, inventory: &Classified) -> RefusalReason {
    let free = room.free();
    let evictable = inventory.evictable.iter().map(|e| e.item().reserved).sum();
    let uncertain = inventory
        .protected
        .iter()
        .any(|p| p.protection == Protection::OwnershipUncertain);
    if uncertain {
        RefusalReason::OwnershipUncertain { needed, free }
    } else if room.disk_available < room.quota.saturating_sub(room.reserved) {
        RefusalReason::DiskFull {
            needed,
            available: room.disk_available,
        }
    } else {
        RefusalReason::QuotaFull {
            needed,
            free,
            evictable,
        }
    }
}

#[cfg(test)]
mod tests;

//! How the service is doing, in the owner's words. Pure: what is known goes in, a health and a
//! sentence come out.

use std::time::Duration;

use seedbox_core::{AsOf, ChainStatus, EndpointStatus, Health, Trust, TrustStatus, UnixTime};

use crate::view::View;

/// What the words depend on besides the view.
pub(crate) struct Situation<'a> {
    /// The configured chain, if there is one to follow.
    pub(crate) chain_id: Option<u64>,
    pub(crate) endpoints: &'a [EndpointStatus],
    pub(crate) trust: &'a TrustStatus,
    pub(crate) now: UnixTime,
    /// Age from which a confirmation is old.
    pub(crate) stale_after: Duration,
    /// Age from which ownership no longer counts as known.
    pub(crate) max_ownership_age: Duration,
}

impl Situation<'_> {
    fn is_stale(&self, as_of: AsOf, rereading: bool) -> bool {
        let age = self.now.seconds_since(as_of.observed_at);
        rereading || self.chain_id.is_none() || age > self.stale_after.as_secs()
    }
}

/// Seconds from which the age of the newest block is worth a word.
const OLD_BLOCK: u64 = 600;

/// The status to be shown for a view.
pub(crate) fn status(view: &View, situation: &Situation<'_>) -> ChainStatus {
    let mut told = match (situation.chain_id, view.as_of) {
        (None, as_of) => (Health::Attention, unconfigured(as_of, situation.now)),
        (Some(chain), None) => first_reading(chain, view, situation.endpoints),
        (Some(chain), Some(as_of)) => following(chain, as_of, view, situation),
    };
    if situation.chain_id.is_some() {
        heed_trust(&mut told, situation.trust);
    }
    let (health, sentence) = told;
    ChainStatus {
        health,
        sentence,
        chain_id: situation.chain_id,
        as_of: view.as_of,
        stale: view
            .as_of
            .is_some_and(|as_of| situation.is_stale(as_of, view.rereading)),
        head: view.head,
        parcels: view.grid.parcels.len() as u64,
        models: view.grid.models.len() as u64,
        placements: view
            .grid
            .parcels
            .values()
            .map(|p| p.placements.len() as u64)
            .sum(),
        reorgs: view.reorgs,
        endpoints: situation.endpoints.to_vec(),
        trust: situation.trust.clone(),
        proved: view.proved.as_ref().map(|proved| proved.shown()),
        corroborated: view.vouched,
    }
}

/// A level of trust that the owner asked for and does not get is a fault of the chain service.
fn heed_trust((health, sentence): &mut (Health, String), trust: &TrustStatus) {
    // One endpoint's word is asked of those whose faults are told already.
    let ordinary = trust.level == Trust::Rpc;
    if !ordinary && trust.health > *health {
        *health = trust.health;
        sentence.push(' ');
        sentence.push_str(&trust.sentence);
    }
}

fn unconfigured(as_of: Option<AsOf>, now: UnixTime) -> String {
    match as_of {
        None => "No chain is configured.".into(),
        Some(as_of) => format!(
            "No chain is configured; serving block {} as seen {} ago.",
            as_of.block.number,
            age(now, as_of.observed_at)
        ),
    }
}

fn first_reading(chain: u64, view: &View, endpoints: &[EndpointStatus]) -> (Health, String) {
    if let Some(faults) = faults_if_none_works(endpoints) {
        let sentence = format!("Chain {chain} has not been read yet: {faults}.");
        return (Health::Failing, sentence);
    }
    let sentence = match view.head {
        Some(head) => {
            let at = view.position.unwrap_or(0);
            format!("Reading chain {chain}: block {at} of {head}.")
        }
        None => format!("Connecting to chain {chain}."),
    };
    (Health::Starting, sentence)
}

fn following(chain: u64, as_of: AsOf, view: &View, now: &Situation<'_>) -> (Health, String) {
    let block = as_of.block.number;
    let since = age(now.now, as_of.observed_at);
    let seconds = now.now.seconds_since(as_of.observed_at);
    let stale = seconds > now.stale_after.as_secs();
    let uncertain = if seconds > now.max_ownership_age.as_secs() {
        " Nothing is deleted until it answers."
    } else {
        ""
    };
    let waiting = !stale && now.endpoints.iter().any(|e| e.active);
    if let Some(faults) = faults_if_none_works(now.endpoints)
        && !waiting
    {
        let health = if stale {
            Health::Failing
        } else {
            Health::Attention
        };
        let sentence = format!(
            "The chain has not answered for {since}; serving block {block}.{uncertain} {faults}."
        );
        return (health, sentence);
    }
    let reading = match view.head {
        Some(head) => format!("block {} of {head}", view.position.unwrap_or(0)),
        None => "connecting".into(),
    };
    if view.rereading {
        let sentence = format!(
            "Chain {chain} was replaced and is read again: {reading}; serving block {block} as \
             seen {since} ago."
        );
        return (Health::Attention, sentence);
    }
    if stale {
        let sentence = format!(
            "Catching up with chain {chain}: {reading}; serving block {block}, {since} old."
        );
        return (Health::Starting, sentence);
    }
    let block_age = now.now.seconds_since(as_of.block.timestamp);
    let idle = if block_age > OLD_BLOCK {
        format!(" The block itself is {} old.", words(block_age))
    } else {
        String::new()
    };
    let through = match now.endpoints {
        [preferred, ..] if !preferred.active => now.endpoints.iter().find(|e| e.active),
        _ => None,
    };
    match through {
        None => (
            Health::Well,
            format!("Following chain {chain} at block {block}, confirmed {since} ago.{idle}"),
        ),
        Some(through) => (
            Health::Attention,
            format!(
                "Following chain {chain} at block {block}, confirmed {since} ago through {}: {}.\
                 {idle}",
                through.name,
                faults(now.endpoints)
            ),
        ),
    }
}

/// What is wrong with the endpoints, if none is without fault.
fn faults_if_none_works(endpoints: &[EndpointStatus]) -> Option<String> {
    let none_works = endpoints.iter().all(|e| e.error.is_some());
    none_works.then(|| faults(endpoints))
}

fn faults(endpoints: &[EndpointStatus]) -> String {
    let faults: Vec<_> = endpoints
        .iter()
        .filter_map(|e| Some(format!("{} {}", e.name, e.error.as_ref()?)))
        .collect();
    faults.join("; ")
}

fn age(now: UnixTime, then: UnixTime) -> String {
    words(now.seconds_since(then))
}

/// A time span as people say it.
pub(crate) fn words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;

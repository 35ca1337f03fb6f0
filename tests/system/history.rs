//! A world under a history by chance: whatever happens and however the chain forks, the box shows
//! what the chain has.

use anyhow::{Result, ensure};
use system_tests::{
    anvil::Anvil,
    history::{History, Manner},
    land,
    node::Node,
    seedbox::Settings,
    witness::Witness,
};

const PARCELS: usize = 2_000;
const CALLS: usize = 300;
const FORKS: usize = 10;
/// A block of a fork takes longer than others.
const STATES: &str = "150";

#[test]
fn a_world_is_proved_at_every_block_of_its_history() -> Result<()> {
    let anvil = Anvil::start_with(&["--prune-history", STATES])?;
    let node = Node::before(&anvil.url())?;
    let accounts: Vec<String> = (1..10).map(|at| anvil.account(at).to_owned()).collect();
    let shares = land::shares(PARCELS, 1, |parcel| {
        Some(accounts[(land::chance(parcel) % 9) as usize].clone())
    });
    anvil.mint_all(&shares, 3)?;
    let held: Vec<(usize, Vec<u64>)> = shares
        .iter()
        .filter_map(|(owner, ids)| {
            let at = accounts.iter().position(|account| account == owner)?;
            Some((at + 1, ids.clone()))
        })
        .collect();
    let settings = Settings::new()?
        .set("rpc", node.rpc_url())
        .set("deployment", anvil.deployment().display().to_string())
        .set("chain_poll", "50ms");
    let mut seedbox = settings.start()?;
    seedbox.claim()?;

    let mut history = History::new(&anvil, &held, 7)?;
    let mut witness = Witness::default();
    witness.compare(&seedbox, &node, &anvil, &history)?;
    while history.calls() < CALLS || history.forks() < FORKS {
        let manner = if history.calls() < CALLS / 3 {
            Manner::Sparing
        } else {
            Manner::Free
        };
        if history.calls() > 20 && history.forks() * 30 < history.calls() {
            history.fork(manner, 3)?;
        } else {
            history.block(manner, 12)?;
        }
        witness.compare(&seedbox, &node, &anvil, &history)?;
    }
    witness.rehash(&node, &anvil)?;
    ensure!(witness.plain > 20, "{witness:?}");
    println!("{witness:?} {:?}", history.tally());
    seedbox.ensure_sound()
}

//! What happens in a world by chance, from a seed: parcels and models are minted, sold, approved
//! and given operators, models are published, placed, moved and removed, and the chain forks.
//!
//! The chain itself says what came of it: after each block the state is taken from its logs, after
//! a fork from before it.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::RangeInclusive,
};

use alloy::{primitives::Address, rpc::types::Log};
use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::anvil::{Anvil, Order};

mod draw;
mod people;

use self::{draw::Drawing, people::People};
pub use self::{draw::Manner, people::CONTRACTS};

/// Blocks that a fork replaces at most.
const DEEPEST: u64 = 64;

/// A history under way.
pub struct History<'a> {
    anvil: &'a Anvil,
    accounts: Vec<String>,
    random: StdRng,
    /// The state after each of the newest blocks, the newest last.
    past: VecDeque<(u64, People)>,
    spoiled: [bool; CONTRACTS],
    sent: usize,
    forks: usize,
    tally: BTreeMap<&'static str, usize>,
}

impl<'a> History<'a> {
    /// Goes on from the chain's newest block, in which `parcels` belong to the chain's accounts.
    /// From now on blocks come by hand.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn new(anvil: &'a Anvil, parcels: &[(usize, Vec<u64>)], seed: u64) -> Result<Self> {
        anvil.mine_by_hand()?;
        let accounts: Vec<String> = (0..10).map(|at| anvil.account(at).to_owned()).collect();
        let addresses: Vec<Address> = accounts
            .iter()
            .map(|account| account.parse())
            .collect::<Result<_, _>>()?;
        let people = People::new(addresses, parcels);
        Ok(Self {
            past: VecDeque::from([(anvil.height()?, people)]),
            anvil,
            accounts,
            random: StdRng::seed_from_u64(seed),
            spoiled: [false; CONTRACTS],
            sent: 0,
            forks: 0,
            tally: BTreeMap::new(),
        })
    }

    /// Calls so far that ended in a block, whether or not a fork took them back.
    pub fn calls(&self) -> usize {
        self.sent
    }

    /// Forks so far.
    pub fn forks(&self) -> usize {
        self.forks
    }

    /// How often each thing happened.
    pub fn tally(&self) -> &BTreeMap<&'static str, usize> {
        &self.tally
    }

    /// Whether a word of a contract's storage may have been zero once: then anvil's storage root
    /// of it is not Ethereum's. In the order Land, Model, Placement.
    pub fn spoiled(&self) -> [bool; CONTRACTS] {
        self.spoiled
    }

    /// One block with up to `calls` calls.
    ///
    /// # Errors
    /// The chain failed.
    pub fn block(&mut self, manner: Manner, calls: usize) -> Result<()> {
        let orders = self.draw(&mut Drawing::new(manner), calls)?;
        self.anvil.send(&orders)?;
        let before = self.newest()?.0;
        self.anvil.mine_all()?;
        self.absorb(before + 1..=self.anvil.height()?)
    }

    /// The newest blocks are replaced: by empty ones, by others with up to `calls` calls each, or
    /// by a branch of another length. Gives how many were.
    ///
    /// # Errors
    /// The chain failed.
    pub fn fork(&mut self, manner: Manner, calls: usize) -> Result<u64> {
        let longest = DEEPEST.min(self.past.len() as u64 - 1);
        ensure!(longest > 0, "there is nothing to be forked yet");
        // Most forks are short.
        let longest = if self.random.random_ratio(1, 3) {
            longest
        } else {
            longest.min(6)
        };
        let depth = self.random.random_range(1..=longest);
        let top = self.newest()?.0;
        let common = top - depth;
        self.past.retain(|(height, _)| *height <= common);
        self.forks += 1;
        match self.random.random_range(0..3) {
            0 => self.anvil.reorganise(depth)?,
            1 => self.replace(manner, depth, calls)?,
            _ => {
                self.anvil.roll_back(depth)?;
                for _ in 0..self.random.random_range(1..=3) {
                    self.block(manner, calls)?;
                }
                return Ok(depth);
            }
        }
        self.absorb(common + 1..=top)?;
        Ok(depth)
    }

    /// The newest `depth` blocks are replaced by others with up to `calls` calls each.
    ///
    /// # Errors
    /// The chain failed, or is not remembered so far back.
    pub fn fork_with(&mut self, manner: Manner, depth: usize, calls: usize) -> Result<()> {
        let depth = depth as u64;
        ensure!(depth < self.past.len() as u64, "too deep a fork");
        let common = self.newest()?.0 - depth;
        self.past.retain(|(height, _)| *height <= common);
        self.forks += 1;
        self.replace(manner, depth, calls)?;
        self.absorb(common + 1..=common + depth)
    }

    /// All of it is chosen before any of it happens.
    fn replace(&mut self, manner: Manner, depth: u64, calls: usize) -> Result<()> {
        let mut drawing = Drawing::new(manner);
        let blocks: Vec<Vec<Order>> = (0..depth)
            .map(|_| self.draw(&mut drawing, calls))
            .collect::<Result<_>>()?;
        self.anvil.reorganise_with(&blocks)
    }

    fn newest(&self) -> Result<&(u64, People)> {
        self.past.back().context("there is no block")
    }

    fn draw(&mut self, drawing: &mut Drawing, calls: usize) -> Result<Vec<Order>> {
        let (_, people) = self.past.back().context("there is no block")?;
        let mut orders = Vec::new();
        for _ in 0..calls {
            let Some(deed) = drawing.deed(&mut self.random, people) else {
                continue;
            };
            let contracts = [
                self.anvil.land(),
                self.anvil.model(),
                self.anvil.placement(),
            ];
            for (spoiled, now) in self.spoiled.iter_mut().zip(deed.spoils) {
                *spoiled |= now;
            }
            *self.tally.entry(deed.name).or_default() += 1;
            let from = &self.accounts[deed.by];
            orders.push(Order::raw(from, contracts[deed.of], &deed.data));
        }
        Ok(orders)
    }

    /// Takes the state after new blocks from their logs.
    fn absorb(&mut self, blocks: RangeInclusive<u64>) -> Result<()> {
        let logs: Vec<Log> = self.anvil.logs(blocks.clone())?;
        let mut people = self.newest()?.1.clone();
        let contracts = [
            self.anvil.land().parse::<Address>()?,
            self.anvil.model().parse()?,
            self.anvil.placement().parse()?,
        ];
        self.sent += self.anvil.transactions(blocks.clone())?;
        for height in blocks {
            for log in logs.iter().filter(|log| log.block_number == Some(height)) {
                let of = contracts
                    .iter()
                    .position(|contract| *contract == log.address());
                people.take(of.context("a log of another contract")?, log)?;
            }
            self.past.push_back((height, people.clone()));
        }
        while self.past.len() as u64 > DEEPEST + 1 {
            self.past.pop_front();
        }
        Ok(())
    }
}

//! A chain made up for the tests: blocks of encoded events, forks, and endpoints that fail or lie.

use std::{
    cell::{Cell, RefCell},
    ops::RangeInclusive,
};

use alloy::{
    primitives::{Address, B256, Log as PrimitiveLog, LogData, U256, keccak256},
    rpc::types::Log,
    sol_types::SolEvent,
};
use seedbox_core::{BlockRef, Model, Pose, UnixTime, WalletAddress};

use crate::{
    Deployment,
    contracts::{IModel, IPlacement, Transfer},
    endpoint_error::EndpointError,
    evidence::Evidence,
    projection::{Event, Projection},
    source::{Header, Source},
};

/// The deployment that the made-up chain has.
pub(crate) fn deployment() -> Deployment {
    Deployment {
        chain_id: 31337,
        block: 1,
        land: wallet(0xa1),
        model: wallet(0xa2),
        placement: wallet(0xa3),
        access_pass: Some(wallet(0xa4)),
        cybr: None,
    }
}

pub(crate) fn wallet(byte: u8) -> WalletAddress {
    WalletAddress([byte; 20])
}

#[derive(Clone)]
struct Block {
    header: Header,
    logs: Vec<Log>,
}

/// One chain as one endpoint tells it.
#[derive(Clone)]
pub(crate) struct MadeUpChain {
    blocks: Vec<Block>,
    fork: u64,
    /// The most blocks that one range of logs may have.
    pub(crate) widest_range: Cell<u64>,
    /// Logs that are told besides the true ones.
    pub(crate) lies: RefCell<Vec<Log>>,
    /// Logs that are not told, by the number of their block.
    pub(crate) left_out: Cell<Option<u64>>,
    /// Whether its proofs are wrong.
    pub(crate) fails_to_prove: Cell<bool>,
    /// Whether it gives proofs.
    pub(crate) proves: Cell<bool>,
    /// Questions asked.
    pub(crate) asked: Cell<u64>,
}

impl MadeUpChain {
    /// A chain with a first block; chains of different `fork` have no block in common.
    pub(crate) fn new(fork: u64) -> Self {
        let mut chain = Self {
            blocks: Vec::new(),
            fork,
            widest_range: Cell::new(u64::MAX),
            lies: RefCell::default(),
            left_out: Cell::new(None),
            fails_to_prove: Cell::new(false),
            proves: Cell::new(true),
            asked: Cell::new(0),
        };
        chain.mine(&[]);
        chain
    }

    pub(crate) fn mine(&mut self, events: &[Event]) {
        let number = self.blocks.len() as u64;
        let parent = self.blocks.last().map_or([0; 32], |b| b.header.block.hash);
        let hash =
            keccak256([&parent[..], &number.to_be_bytes(), &self.fork.to_be_bytes()].concat());
        let block = BlockRef {
            number,
            hash: hash.0,
            timestamp: UnixTime(1_700_000_000 + number),
        };
        let logs = events
            .iter()
            .enumerate()
            .map(|(index, event)| log(&block, index, event));
        self.blocks.push(Block {
            header: Header { block, parent },
            logs: logs.collect(),
        });
    }

    /// Takes back the newest blocks; what is mined from now on is another fork.
    pub(crate) fn reorganise(&mut self, depth: usize) {
        self.blocks
            .truncate(self.blocks.len().saturating_sub(depth).max(1));
        self.fork += 1;
    }

    pub(crate) fn tip(&self) -> BlockRef {
        self.blocks.last().unwrap().header.block
    }

    fn tells(&self, block: &Block) -> bool {
        self.left_out.get() != Some(block.header.block.number)
    }

    fn count(&self) {
        self.asked.set(self.asked.get() + 1);
    }
}

impl Source for MadeUpChain {
    async fn verify(&self) -> Result<(), EndpointError> {
        Ok(())
    }

    async fn head(&self) -> Result<Header, EndpointError> {
        self.count();
        Ok(self.blocks.last().unwrap().header)
    }

    async fn header(&self, number: u64) -> Result<Option<Header>, EndpointError> {
        self.count();
        Ok(self
            .blocks
            .get(usize::try_from(number).unwrap())
            .map(|b| b.header))
    }

    async fn headers(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Header>, EndpointError> {
        self.count();
        let inside = |b: &&Block| numbers.contains(&b.header.block.number);
        Ok(self
            .blocks
            .iter()
            .filter(inside)
            .map(|b| b.header)
            .collect())
    }

    async fn logs(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Log>, EndpointError> {
        self.count();
        if numbers.end() - numbers.start() >= self.widest_range.get() {
            return Err(EndpointError::Refused(
                "query returned too many results".into(),
            ));
        }
        let inside = |b: &&Block| self.tells(b) && numbers.contains(&b.header.block.number);
        let mut logs: Vec<_> = self
            .blocks
            .iter()
            .filter(inside)
            .flat_map(|b| b.logs.clone())
            .collect();
        logs.extend(self.lies.borrow().iter().cloned());
        Ok(logs)
    }

    async fn logs_of(&self, blocks: &[BlockRef]) -> Result<Vec<Log>, EndpointError> {
        self.count();
        let asked = |b: &&Block| self.tells(b) && blocks.contains(&b.header.block);
        let mut logs: Vec<_> = self
            .blocks
            .iter()
            .filter(asked)
            .flat_map(|b| b.logs.clone())
            .collect();
        logs.extend(self.lies.borrow().iter().cloned());
        Ok(logs)
    }

    async fn evidence(&self, block: &BlockRef) -> Result<Evidence, EndpointError> {
        self.count();
        if self.fails_to_prove.get() {
            return Err(EndpointError::Disproved("nonsense"));
        }
        if !self.proves.get() {
            return Err(EndpointError::NoProofs);
        }
        let mut state = Projection::default();
        let upto = self
            .blocks
            .iter()
            .take_while(|b| b.header.block.number <= block.number);
        for log in upto.flat_map(|b| &b.logs) {
            let _ = state.replay(&deployment(), log, &mut Vec::new()); // what no contract can have told
        }
        Ok(Evidence {
            block: *block,
            header: Vec::new(),
            state_root: B256::ZERO,
            accounts: Default::default(),
            roots: state.storage().roots(),
        })
    }
}

/// A log as a node would tell it.
pub(crate) fn log(block: &BlockRef, index: usize, event: &Event) -> Log {
    let (contract, data) = encode(event);
    Log {
        inner: PrimitiveLog {
            address: Address::from(contract.0),
            data,
        },
        block_hash: Some(block.hash.into()),
        block_number: Some(block.number),
        log_index: Some(index as u64),
        ..Log::default()
    }
}

fn encode(event: &Event) -> (WalletAddress, LogData) {
    let Deployment {
        land,
        model,
        placement,
        ..
    } = deployment();
    match event {
        Event::LandTransferred { parcel, from, to } => {
            (land, transfer(U256::from(parcel.token_id()), *from, *to))
        }
        Event::ModelTransferred(id, to) => (model, transfer(U256::from(*id), None, *to)),
        Event::ModelPublished(published) => (model, publication(published)),
        Event::GateChanged(id, gate) => {
            let event = IModel::GateChanged {
                modelId: U256::from(*id),
                gate: address(*gate),
            };
            (model, event.encode_log_data())
        }
        Event::Placed(parcel, standing) => {
            let event = IPlacement::Placed {
                placementId: U256::from(standing.id),
                parcelId: U256::from(parcel.token_id()),
                modelId: U256::from(standing.model),
                pose: pose(&standing.pose),
            };
            (placement, event.encode_log_data())
        }
        Event::Moved(id, to) => {
            let event = IPlacement::Moved {
                placementId: U256::from(*id),
                pose: pose(to),
            };
            (placement, event.encode_log_data())
        }
        Event::Removed(id) => {
            let event = IPlacement::Removed {
                placementId: U256::from(*id),
            };
            (placement, event.encode_log_data())
        }
    }
}

fn transfer(token: U256, from: Option<WalletAddress>, to: Option<WalletAddress>) -> LogData {
    let event = Transfer {
        from: address(from),
        to: address(to),
        tokenId: token,
    };
    event.encode_log_data()
}

fn publication(model: &Model) -> LogData {
    let event = IModel::ModelPublished {
        modelId: U256::from(model.id),
        creator: Address::ZERO,
        infoHash: model.info_hash.0.into(),
        contentHash: model.content_hash.0.into(),
        size: model.size,
        gate: address(model.gate),
        name: model.name.clone(),
        sources: model.sources.clone(),
    };
    event.encode_log_data()
}

fn address(account: Option<WalletAddress>) -> Address {
    account.map_or(Address::ZERO, |account| Address::from(account.0))
}

fn pose(pose: &Pose) -> IPlacement::Pose {
    let [qx, qy, qz, qw] = pose.rotation;
    let (x, y, z, scale) = (pose.x, pose.y, pose.z, pose.scale);
    IPlacement::Pose {
        x,
        y,
        z,
        qx,
        qy,
        qz,
        qw,
        scale,
    }
}

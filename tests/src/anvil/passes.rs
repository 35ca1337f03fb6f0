//! What people do at gates: sell, buy and give passes, and put up gates of their own. Time passes
//! on the chain alone.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Anvil, call, create, number};
use crate::abi::Argument;

/// What a pass is for.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// A model, by its token ID.
    Model(u64),
    /// A parcel, by its token ID.
    Parcel(u64),
}

impl Subject {
    fn argument(self) -> Argument {
        let (first, id) = match self {
            Self::Model(id) => (0, id),
            Self::Parcel(id) => (0x80, id),
        };
        let mut word = [0; 32];
        word[0] = first;
        word[24..].copy_from_slice(&id.to_be_bytes());
        Argument::Word(word)
    }
}

impl Anvil {
    /// Address of the standard gate.
    pub fn access_pass(&self) -> &str {
        &self.contracts.access_pass.address
    }

    /// A subject's owner offers passes for `period` seconds.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn offer(&self, owner: &str, subject: Subject, price: u64, period: u64) -> Result<()> {
        let offer = Argument::Tuple(vec![Argument::number(price), Argument::number(period)]);
        self.transact(
            owner,
            &self.contracts.access_pass,
            "setOffer(uint256,(uint128,uint64))",
            &[subject.argument(), offer],
        )
        .map(drop)
    }

    /// Somebody buys a pass of one period for somebody, paid by the first account, which has all
    /// CYBR; gives when the pass ends.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn buy(&self, subject: Subject, user: &str, price: u64) -> Result<u64> {
        let payer = self.account(0);
        let gate = &self.contracts.access_pass;
        let most = Argument::number(price);
        let allowance = [Argument::address(&gate.address), most.clone()];
        let cybr = &self.contracts.cybr;
        self.transact(payer, cybr, "approve(address,uint256)", &allowance)?;
        let arguments = [
            subject.argument(),
            Argument::address(user),
            Argument::number(1),
            most,
        ];
        let signature = "buy(uint256,address,uint32,uint256)";
        let receipt = self.transact(payer, gate, signature, &arguments)?;
        let logs = receipt["logs"].as_array().context("no logs")?;
        let gate = gate.address.to_lowercase();
        let extended = logs.iter().find(|log| log["address"] == gate.as_str());
        let data = extended.context("no PassExtended")?["data"].as_str();
        // The cost, and then the expiry.
        number(&json!(format!("0x{}", &data.context("no data")?[2 + 64..])))
    }

    /// A subject's owner gives a pass that ends at a time.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn give(&self, owner: &str, subject: Subject, user: &str, expiry: u64) -> Result<()> {
        let arguments = [
            subject.argument(),
            Argument::address(user),
            Argument::number(expiry),
        ];
        let signature = "give(uint256,address,uint64)";
        let gate = &self.contracts.access_pass;
        self.transact(owner, gate, signature, &arguments).map(drop)
    }

    /// Puts up one of the gates that a stranger might write; gives its address.
    ///
    /// # Errors
    /// The artefact is missing: `make contracts` builds it.
    pub fn strangers_gate(&self, name: &'static str) -> Result<String> {
        let pass = [Argument::address(self.access_pass())];
        let arguments = if name == "ReentrantGate" {
            &pass[..]
        } else {
            &[]
        };
        let gate = create(&self.rpc, self.account(0), "HostileGates", name, arguments)?;
        Ok(gate.address)
    }

    /// Makes a block so many seconds later.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn pass_time(&self, seconds: u64) -> Result<()> {
        call(&self.rpc, "evm_increaseTime", &json!([seconds]))?;
        self.mine(1)
    }

    /// Timestamp of the newest block.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn time(&self) -> Result<u64> {
        let block: Value = self.block(self.height()?)?;
        number(&block["timestamp"])
    }
}

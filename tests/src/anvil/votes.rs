//! What voters do: they take the weight of their CYBR, and sign votes with their wallets.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Anvil, CHAIN_ID, call};
use crate::abi::Argument;

impl Anvil {
    /// An account takes the votes of its own CYBR.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn delegate_to_self(&self, account: &str) -> Result<()> {
        let delegate = [Argument::address(account)];
        let cybr = &self.contracts.cybr;
        self.transact(account, cybr, "delegate(address)", &delegate)
            .map(drop)
    }

    /// A vote that one of the chain's accounts signed, as boxes take it.
    ///
    /// # Errors
    /// The chain has no such account.
    pub fn vote(&self, voter: &str, proposal: &str, block: u64, choice: u8) -> Result<Value> {
        let field = |name, kind| json!({"name": name, "type": kind});
        let typed = json!({
            "domain": {"name": "Cosmos relay", "version": "1", "chainId": CHAIN_ID},
            "primaryType": "Vote",
            "types": {
                "EIP712Domain": [
                    field("name", "string"), field("version", "string"), field("chainId", "uint256"),
                ],
                "Vote": [
                    field("proposal", "bytes32"), field("choice", "uint8"),
                    field("block", "uint64"), field("voter", "address"),
                ],
            },
            "message": {
                "proposal": proposal, "choice": choice, "block": block.to_string(), "voter": voter,
            },
        });
        let signature = call(&self.rpc, "eth_signTypedData_v4", &json!([voter, typed]))?;
        let signature = signature.as_str().context("no signature")?;
        Ok(json!({
            "proposal": proposal, "choice": choice, "voter": voter, "signature": signature,
        }))
    }
}

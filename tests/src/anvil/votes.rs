//! What people sign with their wallets: votes, after taking the weight of their CYBR, and delegations to
//! keys of the relay.

use anyhow::{Context, Result};
use seedbox_relay_proto::{Delegation, RoomId};
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
        let fields = [
            ("proposal", "bytes32"),
            ("choice", "uint8"),
            ("block", "uint64"),
            ("voter", "address"),
        ];
        let message = json!({
            "proposal": proposal, "choice": choice, "block": block.to_string(), "voter": voter,
        });
        let signature = self.sign(voter, "Vote", &fields, &message)?;
        Ok(json!({
            "proposal": proposal, "choice": choice, "voter": voter, "signature": signature,
        }))
    }

    /// One of the chain's accounts lets a client key speak for it in a room until then (Unix seconds).
    ///
    /// # Errors
    /// The chain has no such account.
    pub fn let_speak(
        &self,
        wallet: &str,
        client: &[u8; 32],
        room: RoomId,
        expires: u64,
    ) -> Result<Delegation> {
        let fields = [
            ("clientKey", "bytes32"),
            ("room", "bytes32"),
            ("expires", "uint64"),
        ];
        let message = json!({
            "clientKey": format!("0x{}", hex::encode(client)),
            "room": format!("0x{}{:032}", hex::encode(room.0), 0),
            "expires": expires.to_string(),
        });
        let signature = self.sign(wallet, "Delegation", &fields, &message)?;
        let mut delegation = Delegation {
            expires,
            ..Delegation::NONE
        };
        hex::decode_to_slice(&wallet[2..], &mut delegation.wallet)?;
        hex::decode_to_slice(&signature[2..], &mut delegation.signature)?;
        Ok(delegation)
    }

    /// A signature by EIP-712.
    fn sign(
        &self,
        signer: &str,
        name: &str,
        fields: &[(&str, &str)],
        message: &Value,
    ) -> Result<String> {
        let field = |name: &str, kind: &str| json!({"name": name, "type": kind});
        let fields: Vec<Value> = fields
            .iter()
            .map(|(name, kind)| field(name, kind))
            .collect();
        let typed = json!({
            "domain": {"name": "Cosmos relay", "version": "1", "chainId": CHAIN_ID},
            "primaryType": name,
            "types": {
                "EIP712Domain": [
                    field("name", "string"), field("version", "string"), field("chainId", "uint256"),
                ],
                name: fields,
            },
            "message": message,
        });
        let signature = call(&self.rpc, "eth_signTypedData_v4", &json!([signer, typed]))?;
        let signature = signature.as_str().context("no signature")?;
        Ok(signature.to_owned())
    }
}

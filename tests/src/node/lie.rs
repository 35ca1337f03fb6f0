//! What a node may say that is not so, and how its answers change with it.

use alloy::primitives::{Address, B256, U64, keccak256};
use serde_json::{Value, json};

/// One way to deceive, or to be of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lie {
    /// Leaves out all logs of one block.
    OmitLogsOf(u64),
    /// Leaves out every log whose block number and index in the block add up to a multiple of
    /// this.
    OmitEveryLog(u64),
    /// In every ERC-721 `Transfer` of one contract, names somebody else as the new owner.
    FlipOwner {
        /// The contract, `0x` and 40 digits.
        contract: String,
        /// Who is to own everything, likewise.
        owner: String,
    },
    /// Knows no block after this one.
    OldHead(u64),
    /// Gives account proofs with another storage root.
    WrongStorageRoot,
    /// Gives account proofs the last node of which is altered.
    WrongProofNode,
    /// Says that it is on the chain with this ID.
    WrongChainId(u64),
    /// Breaks off in the middle of each answer.
    Truncated,
    /// Answers everything with 100 MB of spaces.
    Huge,
    /// Answers nothing, until it lies no more.
    Hang,
    /// From this block on, has a chain of its own: hashes and parents fit, the state roots are
    /// made up.
    ForgedBlock(u64),
    /// Has no `eth_getProof`.
    NoProofs,
    /// Says in every storage proof that this is stored.
    WrongWord(u64),
    /// Gives storage proofs the last node of which is altered.
    WrongStorageNode,
    /// Says that every call answers this word.
    WrongCallAnswer(u64),
}

impl Lie {
    /// What it says instead of answering a question at all: a JSON-RPC error.
    pub(super) fn refusal(&self, method: &str) -> Option<Value> {
        let refused = *self == Self::NoProofs && method == "eth_getProof";
        refused.then(|| json!({"code": -32601, "message": format!("{method} is not available")}))
    }

    /// Changes the true answer to a question.
    pub(super) fn distort(&self, method: &str, answer: &mut Value) {
        match (self, method, answer) {
            (Self::WrongChainId(id), "eth_chainId", answer) => *answer = json!(U64::from(*id)),
            (Self::WrongStorageRoot, "eth_getProof", answer) => {
                answer["storageHash"] = json!(keccak256("another root"));
            }
            (Self::WrongProofNode, "eth_getProof", answer) => {
                alter_last_node(&mut answer["accountProof"]);
            }
            (Self::WrongWord(word), "eth_getProof", answer) => {
                for told in answer["storageProof"].as_array_mut().into_iter().flatten() {
                    told["value"] = json!(U64::from(*word));
                }
            }
            (Self::WrongStorageNode, "eth_getProof", answer) => {
                for told in answer["storageProof"].as_array_mut().into_iter().flatten() {
                    alter_last_node(&mut told["proof"]);
                }
            }
            (Self::WrongCallAnswer(word), "eth_call", answer) => {
                *answer = json!(format!("0x{word:064x}"));
            }
            (Self::OmitLogsOf(block), "eth_getLogs", Value::Array(logs)) => {
                logs.retain(|log| number(&log["blockNumber"]) != *block);
            }
            (Self::OmitEveryLog(nth), "eth_getLogs", Value::Array(logs)) => logs.retain(|log| {
                let place = number(&log["blockNumber"]) + number(&log["logIndex"]);
                !place.is_multiple_of(*nth)
            }),
            (Self::FlipOwner { contract, owner }, "eth_getLogs", Value::Array(logs)) => {
                for log in logs {
                    flip_owner(log, contract, owner);
                }
            }
            _ => {}
        }
    }
}

fn alter_last_node(nodes: &mut Value) {
    let nodes = nodes.as_array_mut();
    if let Some(Value::String(node)) = nodes.and_then(|nodes| nodes.last_mut()) {
        let other = if node.ends_with('0') { "1" } else { "0" };
        node.replace_range(node.len() - 1.., other);
    }
}

fn flip_owner(log: &mut Value, contract: &str, owner: &str) {
    let transfer = json!(keccak256("Transfer(address,address,uint256)"));
    let emitter = log["address"].as_str().unwrap_or_default();
    if emitter.eq_ignore_ascii_case(contract)
        && log["topics"][0] == transfer
        && let Ok(owner) = owner.parse::<Address>()
    {
        log["topics"][2] = json!(B256::left_padding_from(owner.as_slice()));
    }
}

fn number(value: &Value) -> u64 {
    serde_json::from_value(value.clone()).map_or(0, |number: U64| number.to())
}

//! The header of an execution payload, in the shapes that it has had since Capella.

use ruint::aliases::U256;
use serde::{Deserialize, Serialize};

use crate::{
    Bytes, Root,
    merkle::{root_of, root_of_bytes, root_of_number},
};

/// The most bytes of `extra_data`.
pub(crate) const MAX_EXTRA_DATA: usize = 32;

/// `ExecutionPayloadHeader` of Capella, or of Deneb and later where it tells of blob gas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionHeader {
    /// Hash of the block before.
    pub parent_hash: Root,
    /// Who gets the fees.
    pub fee_recipient: Bytes<20>,
    /// Root of the state after this block.
    pub state_root: Root,
    /// Root of its receipts.
    pub receipts_root: Root,
    /// Bloom filter of its logs.
    pub logs_bloom: Bytes<256>,
    /// The beacon chain's randomness.
    pub prev_randao: Root,
    /// Height.
    #[serde(with = "crate::json::quoted")]
    pub block_number: u64,
    /// Gas it may use.
    #[serde(with = "crate::json::quoted")]
    pub gas_limit: u64,
    /// Gas it used.
    #[serde(with = "crate::json::quoted")]
    pub gas_used: u64,
    /// Unix seconds.
    #[serde(with = "crate::json::quoted")]
    pub timestamp: u64,
    /// Up to 32 bytes of anything.
    #[serde(with = "crate::json::hexadecimal")]
    pub extra_data: Vec<u8>,
    /// EIP-1559 base fee in wei.
    #[serde(with = "crate::json::quoted")]
    pub base_fee_per_gas: U256,
    /// Its hash.
    pub block_hash: Root,
    /// SSZ root of its transactions.
    pub transactions_root: Root,
    /// SSZ root of its withdrawals.
    pub withdrawals_root: Root,
    /// Blob gas used; from Deneb on.
    #[serde(default, with = "crate::json::quoted_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_gas_used: Option<u64>,
    /// Excess blob gas; from Deneb on.
    #[serde(default, with = "crate::json::quoted_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_blob_gas: Option<u64>,
}

impl ExecutionHeader {
    /// Whether it has all fields of Deneb (`true`) or those of Capella alone (`false`); `None` for
    /// a mixture.
    pub(crate) fn has_blob_gas(&self) -> Option<bool> {
        match (self.blob_gas_used, self.excess_blob_gas) {
            (Some(_), Some(_)) => Some(true),
            (None, None) => Some(false),
            _ => None,
        }
    }

    /// Its hash tree root in the shape with or without blob gas.
    pub(crate) fn root(&self, with_blob_gas: bool) -> Root {
        let mut address = Root::ZERO;
        address.0[..20].copy_from_slice(&self.fee_recipient.0);
        let extra_data = tree_hash::mix_in_length(
            &tree_hash::merkle_root(&self.extra_data, 1),
            self.extra_data.len(),
        );
        let mut fields = vec![
            self.parent_hash,
            address,
            self.state_root,
            self.receipts_root,
            root_of_bytes(&self.logs_bloom.0),
            self.prev_randao,
            root_of_number(self.block_number),
            root_of_number(self.gas_limit),
            root_of_number(self.gas_used),
            root_of_number(self.timestamp),
            Bytes(extra_data.0),
            Bytes(self.base_fee_per_gas.to_le_bytes()),
            self.block_hash,
            self.transactions_root,
            self.withdrawals_root,
        ];
        if with_blob_gas {
            fields.push(root_of_number(self.blob_gas_used.unwrap_or_default()));
            fields.push(root_of_number(self.excess_blob_gas.unwrap_or_default()));
        }
        root_of(&fields)
    }

    /// Whether every field is zero.
    pub(crate) fn is_empty(&self) -> bool {
        *self
            == Self {
                blob_gas_used: self.blob_gas_used.map(|_| 0),
                excess_blob_gas: self.excess_blob_gas.map(|_| 0),
                ..Self::default()
            }
    }
}

impl Default for ExecutionHeader {
    fn default() -> Self {
        Self {
            parent_hash: Root::ZERO,
            fee_recipient: Bytes::ZERO,
            state_root: Root::ZERO,
            receipts_root: Root::ZERO,
            logs_bloom: Bytes::ZERO,
            prev_randao: Root::ZERO,
            block_number: 0,
            gas_limit: 0,
            gas_used: 0,
            timestamp: 0,
            extra_data: Vec::new(),
            base_fee_per_gas: U256::ZERO,
            block_hash: Root::ZERO,
            transactions_root: Root::ZERO,
            withdrawals_root: Root::ZERO,
            blob_gas_used: None,
            excess_blob_gas: None,
        }
    }
}

//! Merkle branches by generalized index (consensus specifications, `ssz/merkle-proofs.md`).

use sha2::{Digest, Sha256};

use crate::{Bytes, Root};

/// SHA-256 of two nodes.
pub(crate) fn hash(left: &Root, right: &Root) -> Root {
    let mut hasher = Sha256::new();
    hasher.update(left.0);
    hasher.update(right.0);
    Bytes(hasher.finalize().into())
}

/// Root of a container from the roots of its fields, or of a vector of roots.
pub(crate) fn root_of(fields: &[Root]) -> Root {
    let bytes: Vec<u8> = fields.iter().flat_map(|field| field.0).collect();
    Bytes(tree_hash::merkle_root(&bytes, fields.len()).0)
}

/// Root of bytes packed into chunks of 32.
pub(crate) fn root_of_bytes(bytes: &[u8]) -> Root {
    Bytes(tree_hash::merkle_root(bytes, 0).0)
}

/// Root of a number.
pub(crate) fn root_of_number(number: u64) -> Root {
    let mut root = Root::ZERO;
    root.0[..8].copy_from_slice(&number.to_le_bytes());
    root
}

/// `is_valid_normalized_merkle_branch`: the branch ends in the siblings from `leaf` at
/// `generalized_index` up to `root`; what is longer than that begins with zeros, as in data of an
/// older fork that was carried over into a newer one's shape.
pub(crate) fn is_valid_branch(
    leaf: &Root,
    branch: &[Root],
    generalized_index: u64,
    root: &Root,
) -> bool {
    let depth = generalized_index.ilog2() as usize;
    let Some(extra) = branch.len().checked_sub(depth) else {
        return false;
    };
    let (padding, siblings) = branch.split_at(extra);
    if padding.iter().any(|node| *node != Root::ZERO) {
        return false;
    }
    let mut node = *leaf;
    for (level, sibling) in siblings.iter().enumerate() {
        node = if generalized_index >> level & 1 == 1 {
            hash(sibling, &node)
        } else {
            hash(&node, sibling)
        };
    }
    node == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_may_be_padded_with_zeros_alone() {
        let [leaf, sibling, aunt] = [1, 2, 3].map(|byte| Bytes([byte; 32]));
        let root = hash(&aunt, &hash(&leaf, &sibling));
        let valid = |branch: &[Root]| is_valid_branch(&leaf, branch, 6, &root);
        assert!(valid(&[sibling, aunt]));
        assert!(valid(&[Root::ZERO, sibling, aunt]));
        assert!(!valid(&[aunt, sibling, aunt]));
        assert!(!valid(&[aunt, sibling]));
        assert!(!valid(&[sibling]));
        assert!(!valid(&[]));
        assert!(!is_valid_branch(&leaf, &[sibling, aunt], 7, &root));
    }
}

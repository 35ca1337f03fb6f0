//! A Merkle Patricia trie (Yellow Paper, appendix D) that keeps its past: a change copies the
//! nodes on its way and shares the rest, so that every block's state stays at hand, and a root
//! costs no more than what changed since the last.

use std::sync::{Arc, OnceLock};

use alloy::{
    primitives::{B256, Bytes, keccak256},
    trie::{
        EMPTY_ROOT_HASH, Nibbles, TrieMask,
        nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode},
    },
};

/// Bytes from which a node stands for itself; a shorter one is part of its parent.
const OWN_NODE: usize = 32;

/// A trie whose keys are hashed, so all of one length. A clone costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    top: Option<Arc<Node>>,
}

/// A leaf, or a branch with the extension above it.
#[derive(Debug)]
struct Node {
    path: Nibbles,
    below: Below,
    reference: OnceLock<RlpNode>,
}

#[derive(Debug)]
enum Below {
    Value(Vec<u8>),
    Children(Children),
}

type Children = [Option<Arc<Node>>; 16];

impl Trie {
    /// Sets what the hash of `key` leads to; an empty value is none.
    pub(super) fn set(&mut self, key: &[u8], value: Vec<u8>) {
        let path = Nibbles::unpack(keccak256(key));
        self.top = match &self.top {
            Some(top) if value.is_empty() => top.without(&path),
            None if value.is_empty() => None,
            top => Some(Node::with(top.as_ref(), path, value)),
        };
    }

    /// Keccak-256 of the topmost node.
    pub(super) fn root(&self) -> B256 {
        let Some(top) = &self.top else {
            return EMPTY_ROOT_HASH;
        };
        let reference = top.reference();
        let hash = reference.as_hash();
        hash.unwrap_or_else(|| keccak256(&top.encoded()[0]))
    }

    /// What the hash of `key` leads to, if anything, and the nodes on the way (EIP-1186).
    pub(super) fn prove(&self, key: &[u8]) -> (Option<&[u8]>, Vec<Bytes>) {
        let mut rest = Nibbles::unpack(keccak256(key));
        let mut nodes: Vec<Bytes> = Vec::new();
        let mut next = self.top.as_deref();
        while let Some(node) = next {
            let shared = node.path.common_prefix_length(&rest);
            let passed = shared == node.path.len();
            let mut encoded = node.encoded();
            if !passed {
                encoded.truncate(1);
            }
            let stands = |nodes: &[Bytes], node: &[u8]| nodes.is_empty() || node.len() >= OWN_NODE;
            for node in encoded {
                if stands(&nodes, &node) {
                    nodes.push(node.into());
                }
            }
            next = match &node.below {
                Below::Value(value) if passed => return (Some(value), nodes),
                Below::Children(children) if passed => {
                    let child = &children[nibble(&rest, shared)];
                    rest = rest.slice(shared + 1..);
                    child.as_deref()
                }
                _ => None,
            };
        }
        (None, nodes)
    }
}

impl Node {
    fn new(path: Nibbles, below: Below) -> Self {
        Self {
            path,
            below,
            reference: OnceLock::new(),
        }
    }

    /// The same below another path.
    fn moved(&self, path: Nibbles) -> Arc<Self> {
        let below = match &self.below {
            Below::Value(value) => Below::Value(value.clone()),
            Below::Children(children) => Below::Children(children.clone()),
        };
        Arc::new(Self::new(path, below))
    }

    fn with(node: Option<&Arc<Self>>, path: Nibbles, value: Vec<u8>) -> Arc<Self> {
        let Some(node) = node else {
            return Arc::new(Self::new(path, Below::Value(value)));
        };
        let shared = node.path.common_prefix_length(&path);
        let mut children = match &node.below {
            Below::Value(_) if shared == path.len() => {
                return Arc::new(Self::new(path, Below::Value(value)));
            }
            Below::Children(children) if shared == node.path.len() => children.clone(),
            _ => {
                let mut children = Children::default();
                let lower = node.moved(node.path.slice(shared + 1..));
                children[nibble(&node.path, shared)] = Some(lower);
                children
            }
        };
        let child = &mut children[nibble(&path, shared)];
        *child = Some(Self::with(child.as_ref(), path.slice(shared + 1..), value));
        Arc::new(Self::new(path.slice(..shared), Below::Children(children)))
    }

    fn without(self: &Arc<Self>, path: &Nibbles) -> Option<Arc<Self>> {
        let shared = self.path.common_prefix_length(path);
        if shared < self.path.len() {
            return Some(self.clone());
        }
        let Below::Children(children) = &self.below else {
            return None;
        };
        let at = nibble(path, shared);
        let Some(child) = &children[at] else {
            return Some(self.clone());
        };
        let mut children = children.clone();
        children[at] = child.without(&path.slice(shared + 1..));
        let mut left = (0u8..)
            .zip(&children)
            .filter_map(|(at, child)| Some((at, child.as_ref()?)));
        match (left.next(), left.next()) {
            // A branch has at least two children.
            (Some((at, only)), None) => {
                let step = self.path.join(&Nibbles::from_nibbles([at]));
                Some(only.moved(step.join(&only.path)))
            }
            _ => Some(Arc::new(Self::new(self.path, Below::Children(children)))),
        }
    }

    /// The node's RLP; of a branch with an extension above it that of both, the upper first.
    fn encoded(&self) -> Vec<Vec<u8>> {
        let mut lower = Vec::new();
        let children = match &self.below {
            Below::Value(value) => {
                LeafNodeRef::new(&self.path, value).rlp(&mut lower);
                return vec![lower];
            }
            Below::Children(children) => children,
        };
        let mut mask = TrieMask::default();
        let mut stack = Vec::new();
        for (at, child) in (0u8..).zip(children) {
            if let Some(child) = child {
                mask.set_bit(at);
                stack.push(child.reference().clone());
            }
        }
        let branch = BranchNodeRef::new(&stack, mask).rlp(&mut lower);
        if self.path.is_empty() {
            return vec![lower];
        }
        let mut upper = Vec::new();
        ExtensionNodeRef::new(&self.path, &branch).rlp(&mut upper);
        vec![upper, lower]
    }

    /// What a parent holds of this node.
    fn reference(&self) -> &RlpNode {
        self.reference
            .get_or_init(|| RlpNode::from_rlp(&self.encoded()[0]))
    }
}

fn nibble(path: &Nibbles, at: usize) -> usize {
    path.get(at).map_or(0, usize::from)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy::trie::{HashBuilder, proof::verify_proof};
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    /// The root by another program.
    fn root(entries: &BTreeMap<B256, Vec<u8>>) -> B256 {
        let mut builder = HashBuilder::default();
        for (path, value) in entries {
            builder.add_leaf(Nibbles::unpack(path), value);
        }
        builder.root()
    }

    #[test]
    fn has_the_root_of_what_is_in_it_and_proves_it() {
        let mut random = StdRng::seed_from_u64(7);
        let (mut trie, mut entries) = (Trie::default(), BTreeMap::new());
        let mut past = Vec::new();
        for step in 0..3000u32 {
            let key = random.random_range(0..700u32).to_be_bytes();
            // Short values, so that some nodes are part of their parents.
            let value = match random.random_range(0..3u8) {
                0 => Vec::new(),
                kind => vec![kind; usize::from(kind) * 10],
            };
            trie.set(&key, value.clone());
            match value.is_empty() {
                true => entries.remove(&keccak256(key)),
                false => entries.insert(keccak256(key), value),
            };
            if step % 50 == 0 {
                past.push((trie.clone(), entries.clone()));
            }
        }
        past.push((Trie::default(), BTreeMap::new()));
        for (trie, entries) in past {
            assert_eq!(trie.root(), root(&entries));
            for key in (0..750u32).step_by(5).map(u32::to_be_bytes) {
                let (value, nodes) = trie.prove(&key);
                let path = keccak256(key);
                assert_eq!(value, entries.get(&path).map(Vec::as_slice));
                let value = value.map(<[u8]>::to_vec);
                verify_proof(trie.root(), Nibbles::unpack(path), value, &nodes).unwrap();
            }
        }
    }

    #[test]
    fn forgets_what_is_taken_out() {
        let mut trie = Trie::default();
        for key in 0..100u32 {
            trie.set(&key.to_be_bytes(), vec![1]);
        }
        for key in 0..100u32 {
            trie.set(&key.to_be_bytes(), Vec::new());
        }
        assert_eq!(trie.root(), EMPTY_ROOT_HASH);
        assert_eq!(trie.prove(b"any"), (None, Vec::new()));
    }
}

//! A chain of keys that goes forward only: what was used or passed cannot be opened again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Malformed,
    sealed::{open_once, seal_once},
};

/// Steps that a receiver follows at once.
pub const STEPS: u64 = 1_024;
/// Bytes before what is sealed: kind, epoch, index.
const HEADER: usize = 13;

type Secret = Zeroizing<[u8; 32]>;

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Secret {
    let mut out = Zeroizing::new([0; 32]);
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        for part in parts {
            mac.update(part);
        }
        out.copy_from_slice(&mac.finalize().into_bytes());
    }
    out
}

/// One of a sender's chains, at the sender or at a receiver.
#[derive(Clone)]
pub struct Chain {
    /// Indices between two steps.
    stride: u64,
    /// The next index.
    index: u64,
    /// The chain key of the step that `index` is in.
    key: Secret,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain at {}", self.index)
    }
}

impl Chain {
    /// A chain at an index, with the chain key of its step. `stride` is 64 for poses and 1 else.
    pub fn new(stride: u64, index: u64, key: [u8; 32]) -> Self {
        Self {
            stride: stride.max(1),
            index,
            key: key.into(),
        }
    }

    /// The next index.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The chain key as it stands: what a KEY gives away.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The chain key of the step that an index is in; not backwards and not too far.
    fn key_for(&self, index: u64) -> Result<Secret, Malformed> {
        let steps = (index / self.stride)
            .checked_sub(self.index / self.stride)
            .filter(|steps| *steps <= STEPS)
            .ok_or(Malformed)?;
        let mut key = self.key.clone();
        for _ in 0..steps {
            key = hmac(&key, &[&[2]]);
        }
        Ok(key)
    }

    fn move_to(&mut self, index: u64) -> Result<(), Malformed> {
        if index > self.index {
            self.key = self.key_for(index)?;
            self.index = index;
        }
        Ok(())
    }

    /// Goes on to the next step, so that nothing said before can be opened with [`Chain::key`].
    pub fn step(&mut self) -> Result<(), Malformed> {
        self.move_to(self.index.next_multiple_of(self.stride))
    }

    /// Seals the next: header, then ciphertext and tag.
    pub fn seal(
        &mut self,
        kind: u8,
        epoch: u32,
        sender: &[u8; 32],
        plain: &[&[u8]],
    ) -> Result<Vec<u8>, Malformed> {
        let index = self.index;
        let length: usize = plain.iter().map(|part| part.len()).sum();
        let mut sealed = Vec::with_capacity(HEADER + length + 16);
        sealed.push(kind);
        sealed.extend(epoch.to_le_bytes());
        sealed.extend(index.to_le_bytes());
        let associated = associated(&sealed, sender)?;
        for part in plain {
            sealed.extend_from_slice(part);
        }
        let key = hmac(&self.key, &[&[1], &index.to_le_bytes()]);
        seal_once(&key, &associated, &mut sealed, HEADER)?;
        self.move_to(index.checked_add(1).ok_or(Malformed)?)?;
        Ok(sealed)
    }

    /// Opens what was sealed at an index that is not below the next one. The chain moves only if
    /// the tag is right.
    pub fn open(
        &mut self,
        index: u64,
        sender: &[u8; 32],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Malformed> {
        if index < self.index {
            return Err(Malformed);
        }
        let step = self.key_for(index)?;
        let key = hmac(&step, &[&[1], &index.to_le_bytes()]);
        let associated = associated(sealed, sender)?;
        let plain = open_once(&key, &associated, &sealed[HEADER..])?;
        // The step's key is at hand; the last move is one more step at most.
        self.key = step;
        self.index = index;
        self.move_to(index.checked_add(1).ok_or(Malformed)?)?;
        Ok(plain)
    }

    /// Takes over another chain if that is further on.
    pub fn forward(&mut self, other: Self) {
        if other.index > self.index {
            *self = other;
        }
    }
}

fn associated(sealed: &[u8], sender: &[u8; 32]) -> Result<[u8; HEADER + 32], Malformed> {
    let header = sealed.get(..HEADER).ok_or(Malformed)?;
    let mut bytes = [0; HEADER + 32];
    bytes[..HEADER].copy_from_slice(header);
    bytes[HEADER..].copy_from_slice(sender);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: [u8; 32] = [7; 32];

    #[test]
    fn an_index_opens_once_and_never_backwards() {
        for stride in [1, 64] {
            let mut sender = Chain::new(stride, 0, [1; 32]);
            let mut receiver = sender.clone();
            let sealed: Vec<_> = (0_u8..200)
                .map(|n| sender.seal(4, 1, &SENDER, &[&[n]]).unwrap())
                .collect();
            for index in [0_u8, 1, 5, 70, 130, 199] {
                let bytes = &sealed[usize::from(index)];
                let at = u64::from(index);
                let mut flipped = bytes.clone();
                flipped[20 % bytes.len()] ^= 1;
                assert!(receiver.open(at, &SENDER, &flipped).is_err());
                assert!(receiver.open(at, &[8; 32], bytes).is_err());
                assert_eq!(receiver.open(at, &SENDER, bytes).unwrap(), [index]);
                assert!(receiver.open(at, &SENDER, bytes).is_err());
            }
            assert!(receiver.open(3, &SENDER, &sealed[3]).is_err());
        }
    }

    #[test]
    fn who_joins_cannot_go_back_and_nobody_is_led_far_away() {
        let mut sender = Chain::new(64, 0, [1; 32]);
        let old = sender.seal(3, 1, &SENDER, &[b"old"]).unwrap();
        sender.step().unwrap();
        assert_eq!(sender.index(), 64);
        let mut late = Chain::new(64, sender.index(), *sender.key());
        assert!(late.open(0, &SENDER, &old).is_err());
        let new = sender.seal(3, 1, &SENDER, &[b"new"]).unwrap();
        assert_eq!(late.open(64, &SENDER, &new).unwrap(), b"new");
        assert!(late.key_for(64 * 1_025).is_ok());
        assert!(late.key_for(64 * 1_026).is_err());
        assert!(late.open(u64::MAX, &SENDER, &new).is_err());
    }
}

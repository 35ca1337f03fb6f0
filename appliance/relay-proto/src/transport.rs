//! An open session's two directions. Cells are sealed and opened where they lie: a box does this to
//! every frame that passes, so nothing is copied and nothing is allocated for it.

use bytes::BytesMut;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::{Malformed, frame::TAG};

/// A key and how often it was used.
struct Direction {
    key: LessSafeKey,
    used: u64,
}

impl Direction {
    fn new(key: &[u8; 32]) -> Result<Self, Malformed> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Malformed)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            used: 0,
        })
    }

    /// Noise revision 34, section 12.3: four zero bytes, then the counter.
    fn nonce(&mut self) -> Result<Nonce, Malformed> {
        let next = self.used.checked_add(1).ok_or(Malformed)?;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.used.to_le_bytes());
        self.used = next;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

/// The two keys that a handshake left.
pub struct Transport {
    sending: Direction,
    receiving: Direction,
    hash: [u8; 32],
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    pub(crate) fn new(
        sending: &[u8; 32],
        receiving: &[u8; 32],
        hash: [u8; 32],
    ) -> Result<Self, Malformed> {
        Ok(Self {
            sending: Direction::new(sending)?,
            receiving: Direction::new(receiving)?,
            hash,
        })
    }

    /// The handshake hash: unique to the session, the same at both ends.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Encrypts a cell in place and appends the tag.
    pub fn seal(&mut self, cell: &mut BytesMut) -> Result<(), Malformed> {
        let nonce = self.sending.nonce()?;
        let tag = self
            .sending
            .key
            .seal_in_place_separate_tag(nonce, Aad::empty(), cell)
            .map_err(|_| Malformed)?;
        cell.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Decrypts the next frame in place and cuts the tag off. After an error the session is over.
    pub fn open(&mut self, frame: &mut BytesMut) -> Result<(), Malformed> {
        let nonce = self.receiving.nonce()?;
        let length = frame.len().checked_sub(TAG).ok_or(Malformed)?;
        self.receiving
            .key
            .open_in_place(nonce, Aad::empty(), frame)
            .map_err(|_| Malformed)?;
        frame.truncate(length);
        Ok(())
    }
}

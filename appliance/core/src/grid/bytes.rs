//! Taking little-endian fields off strangers' bytes, and what can be wrong with those.

use super::{Epoch, FORMAT_VERSION};

/// Why bytes are not what they were read as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They begin with another format's mark.
    #[error("these bytes are no {0}: they begin with something else")]
    Foreign(&'static str),
    /// A newer box wrote them.
    #[error("format version {0} is not known here, only {FORMAT_VERSION}: update this program")]
    Version(u16),
    /// They end too early.
    #[error("the bytes end in the middle of {0}")]
    CutShort(&'static str),
    /// There is more than there should be.
    #[error("{0} bytes too many at the end")]
    TooLong(usize),
    /// A field has a value that no box writes.
    #[error("{0}")]
    Wrong(&'static str),
}

/// Bytes that were not read yet.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads the mark, the version and the reserved field with which every format begins.
    pub(super) fn open(
        bytes: &'a [u8],
        magic: [u8; 4],
        name: &'static str,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        if reader.array::<4>(name)? != magic {
            return Err(DecodeError::Foreign(name));
        }
        match reader.u16("the version")? {
            FORMAT_VERSION => {}
            other => return Err(DecodeError::Version(other)),
        }
        match reader.u16("the reserved field")? {
            0 => Ok(reader),
            _ => Err(DecodeError::Wrong("the reserved field is not zero")),
        }
    }

    /// Reads a part that was taken off already.
    pub(super) fn over(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(super) fn take(
        &mut self,
        count: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(DecodeError::CutShort(what))?;
        self.0 = rest;
        Ok(taken)
    }

    /// `count` records of `N` bytes each; makes no room before they are known to be there.
    pub(super) fn records<const N: usize>(
        &mut self,
        count: usize,
        what: &'static str,
    ) -> Result<&'a [[u8; N]], DecodeError> {
        let bytes = count.checked_mul(N).ok_or(DecodeError::CutShort(what))?;
        let (records, _) = self.take(bytes, what)?.as_chunks();
        Ok(records)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or(DecodeError::CutShort(what))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array(what).map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(super) fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        self.array(what).map(i16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        self.array(what).map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A 32-bit number of things, as a size in memory.
    pub(super) fn count(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        usize::try_from(self.u32(what)?).map_err(|_| DecodeError::CutShort(what))
    }

    pub(super) fn epoch(&mut self) -> Result<Epoch, DecodeError> {
        Ok(Epoch {
            number: self.u64("the epoch")?,
            hash: self.array("the epoch")?,
        })
    }

    /// At most `limit` bytes of UTF-8 after their length in 16 bits.
    pub(super) fn text(&mut self, limit: usize, what: &'static str) -> Result<String, DecodeError> {
        let length = usize::from(self.u16(what)?);
        if length > limit {
            return Err(DecodeError::Wrong("a text is longer than its limit"));
        }
        let text = self.take(length, what)?.to_vec();
        String::from_utf8(text).map_err(|_| DecodeError::Wrong("a text is not UTF-8"))
    }

    pub(super) fn finish(self) -> Result<(), DecodeError> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(DecodeError::TooLong(more)),
        }
    }
}

/// What every format begins with.
pub(super) fn begin(magic: [u8; 4]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

pub(super) fn put_epoch(bytes: &mut Vec<u8>, epoch: &Epoch) {
    bytes.extend(epoch.number.to_le_bytes());
    bytes.extend(epoch.hash);
}

/// A number of things that its limit keeps below 2^32.
pub(super) fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

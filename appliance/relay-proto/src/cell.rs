//! A cell while it is being filled: records one after the other, and padding at the end.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Malformed, Transport,
    frame::{TAG, cell_length, largest_cell},
    record::{HEADER, Record},
};

/// Bytes that a [`Record::Data`] has before its frame.
const DATA: usize = HEADER + 4;

/// What goes into the next frame. Empty ones cost nothing.
#[derive(Debug)]
pub struct Cell {
    bytes: BytesMut,
    depth: u8,
    /// Nothing may be added any more.
    full: bool,
    /// It holds a frame of a circuit, which fills a class without padding.
    is_data: bool,
    /// To be sent even if it is empty.
    wanted: bool,
}

impl Cell {
    /// An empty cell of a session at this depth.
    pub fn new(depth: u8) -> Self {
        Self {
            bytes: BytesMut::new(),
            depth,
            full: false,
            wanted: false,
            is_data: false,
        }
    }

    /// A cell that holds a frame of a circuit, and nothing else.
    pub(crate) fn data(depth: u8, circuit: u32, frame: &[u8]) -> Self {
        let mut bytes = BytesMut::with_capacity(DATA + frame.len() + TAG);
        bytes.put_u8(0x12);
        bytes.put_u16_le(u16::try_from(frame.len() + 4).unwrap_or(u16::MAX));
        bytes.put_u32_le(circuit);
        bytes.put_slice(frame);
        Self {
            bytes,
            depth,
            full: true,
            wanted: true,
            is_data: true,
        }
    }

    /// Bytes of records that still fit, headers included.
    pub fn room(&self) -> usize {
        if self.full {
            return 0;
        }
        largest_cell(self.depth) - self.bytes.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// It shall be sent, if need be without a record.
    pub(crate) const fn want(&mut self) {
        self.wanted = true;
    }

    /// Nothing more goes into it.
    pub(crate) const fn seal_off(&mut self) {
        self.full = true;
    }

    /// Adds a record; `false` if it does not fit.
    pub fn push(&mut self, record: &Record<'_>) -> bool {
        if record.length() > self.room() {
            return false;
        }
        self.bytes.reserve(record.length());
        record.write(&mut self.bytes);
        true
    }

    /// Pads, encrypts. `None` if there is nothing to send.
    pub fn seal(mut self, transport: &mut Transport) -> Result<Option<Bytes>, Malformed> {
        if self.bytes.is_empty() && !self.wanted {
            return Ok(None);
        }
        if !self.is_data {
            let length = cell_length(self.bytes.len(), self.depth).ok_or(Malformed)?;
            self.bytes.reserve(length + TAG - self.bytes.len());
            self.bytes.resize(length, 0);
        }
        transport.seal(&mut self.bytes)?;
        Ok(Some(self.bytes.freeze()))
    }
}

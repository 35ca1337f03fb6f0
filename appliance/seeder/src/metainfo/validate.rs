//! Reads an info dictionary (BEP 3, BEP 47, the v1 part of BEP 52) into a [`Metainfo`], or says
//! why not.

use seedbox_core::InfoHash;
use sha1::{Digest, Sha1};

use super::{
    MAX_FILES, MAX_INFO_BYTES, MAX_PIECE_LENGTH, MAX_PIECES, MAX_TORRENT_BYTES, MIN_PIECE_LENGTH,
    MetainfoError, bencode::Value, names,
};

const HASH_BYTES: usize = 20;

/// What the caller has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of content, padding included.
    pub max_total: u64,
}

/// One file of a torrent, in torrent order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path inside the torrent; for a torrent of one file its name. Checked, yet a stranger's
    /// words: data is stored by the file's index, never under this path.
    pub path: Vec<String>,
    /// Length in bytes; zero is allowed.
    pub len: u64,
    /// Whether it only fills up a piece with zeros (BEP 47); nobody needs it on disk.
    pub padding: bool,
}

/// A v1 torrent that passed every check. Cannot be changed or made otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metainfo {
    info_hash: InfoHash,
    info: Vec<u8>,
    name: String,
    piece_length: u32,
    pieces: Vec<[u8; HASH_BYTES]>,
    files: Vec<File>,
    total: u64,
    private: bool,
}

impl Metainfo {
    /// Checks an info dictionary as peers send it (BEP 9).
    ///
    /// # Errors
    /// [`MetainfoError`] if its SHA-1 is not `expected`, or if anything in it could do harm.
    pub fn from_info_bytes(
        expected: InfoHash,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Self, MetainfoError> {
        refuse_larger_than(MAX_INFO_BYTES, bytes)?;
        let actual = InfoHash(Sha1::digest(bytes).into());
        if actual != expected {
            return Err(MetainfoError::WrongHash { expected, actual });
        }
        Self::read(actual, Value::parse(bytes)?, limits)
    }

    /// Checks the info dictionary of a torrent file. Everything else in the file is ignored: the
    /// trackers, web seeds and nodes that a stranger put there are never contacted.
    ///
    /// # Errors
    /// [`MetainfoError`] if the file is malformed, or if anything in `info` could do harm.
    pub fn from_torrent_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, MetainfoError> {
        refuse_larger_than(MAX_TORRENT_BYTES, bytes)?;
        let info = Value::parse(bytes)?
            .get(b"info")
            .ok_or(MetainfoError::Field {
                name: "info",
                expected: "a dictionary",
            })?;
        refuse_larger_than(MAX_INFO_BYTES, info.raw())?;
        Self::read(InfoHash(Sha1::digest(info.raw()).into()), info, limits)
    }

    fn read(info_hash: InfoHash, info: Value<'_>, limits: &Limits) -> Result<Self, MetainfoError> {
        if info.dictionary().is_none() {
            return Err(MetainfoError::Field {
                name: "info",
                expected: "a dictionary",
            });
        }
        let pieces = piece_hashes(info)?;
        let name = names::component(required(info, "name", "text", Value::bytes)?)?;
        let piece_length = piece_length(info)?;
        let files = files(info, name)?;
        let total = total(&files, limits)?;
        check_piece_count(pieces.len() as u64, total, piece_length)?;
        names::distinct(files.iter().filter(|f| !f.padding).map(|f| &f.path))?;
        Ok(Metainfo {
            info_hash,
            info: info.raw().to_vec(),
            name: names::display_text(name),
            piece_length,
            pieces: pieces.to_vec(),
            files,
            total,
            private: private(info)?,
        })
    }

    /// SHA-1 of [`Metainfo::info_bytes`].
    pub fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// The info dictionary, byte for byte as it came: what BEP 9 gives to peers.
    pub fn info_bytes(&self) -> &[u8] {
        &self.info
    }

    /// A torrent file of the info dictionary alone.
    pub fn torrent_bytes(&self) -> Vec<u8> {
        [b"d4:info", self.info.as_slice(), b"e"].concat()
    }

    /// Name for display: one line, at most 255 characters, nothing hidden in it. Never a path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of every piece but the last.
    pub fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// SHA-1 of each piece; at least 1 and at most [`MAX_PIECES`].
    pub fn piece_hashes(&self) -> &[[u8; HASH_BYTES]] {
        &self.pieces
    }

    /// Bytes of the piece at `index`, fewer for the last; `None` past the last.
    pub fn piece_size(&self, index: u32) -> Option<u32> {
        let start = u64::from(index) * u64::from(self.piece_length);
        let left = self.total.checked_sub(start).filter(|left| *left > 0)?;
        u32::try_from(left.min(u64::from(self.piece_length))).ok()
    }

    /// The files in torrent order, padding included.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Bytes of all files, padding included.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether peers may come from its trackers alone (BEP 27).
    pub fn private(&self) -> bool {
        self.private
    }
}

fn refuse_larger_than(limit: usize, bytes: &[u8]) -> Result<(), MetainfoError> {
    if bytes.len() > limit {
        return Err(MetainfoError::TooLarge {
            size: bytes.len(),
            limit,
        });
    }
    Ok(())
}

fn required<'a, T>(
    dictionary: Value<'a>,
    name: &'static str,
    expected: &'static str,
    read: impl Fn(Value<'a>) -> Option<T>,
) -> Result<T, MetainfoError> {
    dictionary
        .get(name.as_bytes())
        .and_then(read)
        .ok_or(MetainfoError::Field { name, expected })
}

fn piece_hashes(info: Value<'_>) -> Result<&[[u8; HASH_BYTES]], MetainfoError> {
    let v2 = info.get(b"meta version").and_then(Value::integer) == Some(2);
    if v2 && info.get(b"pieces").is_none() {
        return Err(MetainfoError::V2Only);
    }
    let bytes = required(info, "pieces", "a string of hashes", Value::bytes)?;
    match bytes.as_chunks() {
        (hashes, []) => Ok(hashes),
        _ => Err(MetainfoError::TornPieces(bytes.len())),
    }
}

fn piece_length(info: Value<'_>) -> Result<u32, MetainfoError> {
    let given = required(info, "piece length", "a number", Value::integer)?;
    u32::try_from(given)
        .ok()
        .filter(|length| (MIN_PIECE_LENGTH..=MAX_PIECE_LENGTH).contains(length))
        .filter(|length| length % MIN_PIECE_LENGTH == 0)
        .ok_or(MetainfoError::PieceLength(given))
}

fn private(info: Value<'_>) -> Result<bool, MetainfoError> {
    match info.get(b"private").map(Value::integer) {
        None | Some(Some(0)) => Ok(false),
        Some(Some(1)) => Ok(true),
        Some(_) => Err(MetainfoError::Field {
            name: "private",
            expected: "0 or 1",
        }),
    }
}

fn files(info: Value<'_>, name: &str) -> Result<Vec<File>, MetainfoError> {
    match (info.get(b"length"), info.get(b"files")) {
        (Some(_), None) => Ok(vec![file(info, vec![name.to_owned()])?]),
        (None, Some(list)) => {
            let list = list.list().ok_or(MetainfoError::Field {
                name: "files",
                expected: "a list",
            })?;
            let mut files = Vec::new();
            for entry in list {
                if files.len() == MAX_FILES {
                    return Err(MetainfoError::TooManyFiles);
                }
                let path = required(entry, "path", "a list of names", Some)?;
                files.push(file(entry, names::path(path)?)?);
            }
            Ok(files)
        }
        (Some(_), Some(_)) => Err(MetainfoError::Layout("both")),
        (None, None) => Err(MetainfoError::Layout("neither")),
    }
}

fn file(entry: Value<'_>, path: Vec<String>) -> Result<File, MetainfoError> {
    let read_length = |value: Value<'_>| u64::try_from(value.integer()?).ok();
    let attributes = match entry.get(b"attr") {
        None => &[],
        Some(_) => required(entry, "attr", "text", Value::bytes)?,
    };
    if attributes.contains(&b'l') || entry.get(b"symlink path").is_some() {
        return Err(MetainfoError::SymbolicLink);
    }
    Ok(File {
        path,
        len: required(entry, "length", "a length in bytes", read_length)?,
        padding: attributes.contains(&b'p'),
    })
}

fn total(files: &[File], limits: &Limits) -> Result<u64, MetainfoError> {
    if files.iter().all(|file| file.padding || file.len == 0) {
        return Err(MetainfoError::Empty);
    }
    files
        .iter()
        .try_fold(0u64, |sum, file| sum.checked_add(file.len))
        .filter(|total| *total <= limits.max_total)
        .ok_or(MetainfoError::TooMuchContent {
            limit: limits.max_total,
        })
}

fn check_piece_count(given: u64, total: u64, piece_length: u32) -> Result<(), MetainfoError> {
    let needed = total.div_ceil(u64::from(piece_length));
    if needed > u64::from(MAX_PIECES) {
        return Err(MetainfoError::TooManyPieces(needed));
    }
    if given != needed {
        return Err(MetainfoError::PieceCount { given, needed });
    }
    Ok(())
}

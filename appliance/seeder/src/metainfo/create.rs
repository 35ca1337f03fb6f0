//! Makes torrents (BEP 3) from content, the same bytes for the same content on every box.

use std::io::{self, Read};

use seedbox_core::{ContentHash, InfoHash};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::{
    Limits, MAX_PIECE_LENGTH, MIN_PIECE_LENGTH, Metainfo, MetainfoError,
    bencode::{write_bytes, write_integer},
};

/// The piece length is the smallest power of two that keeps to this many pieces.
const TARGET_PIECES: u64 = 2_000;
/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// What a torrent is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// One file of this many bytes.
    SingleFile(u64),
    /// A folder: paths with lengths in bytes, in strictly ascending order of their paths compared
    /// component by component (as `Vec<String>` compares).
    Folder(Vec<(Vec<String>, u64)>),
}

/// A torrent made by [`create`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The torrent; it passed the same checks as a stranger's.
    pub metainfo: Metainfo,
    /// SHA-256 of the files concatenated in torrent order.
    pub content_hash: ContentHash,
}

/// Why a torrent cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The content could not be read.
    #[error("the content could not be read: {0}")]
    Read(#[from] io::Error),
    /// The content is not what was listed: it changed meanwhile, or the list is wrong.
    #[error("the content does not have the {listed} bytes that its files are listed with")]
    Length {
        /// Bytes listed.
        listed: u64,
    },
    /// Files not in strictly ascending order.
    #[error("the files are not listed in the order of their paths, or one is listed twice")]
    Order,
    /// The torrent would be refused by other boxes.
    #[error("the torrent would be refused: {0}")]
    Refused(#[from] MetainfoError),
}

/// Makes a torrent called `name` of `content`, which is all files concatenated in their order.
/// Reads `content` once to its end and holds no more of it than 64 KiB; blocks while reading.
///
/// # Errors
/// [`CreateError`] if the content cannot be read, is not as listed, or is nothing that
/// [`Metainfo`] accepts: empty, too many files, a bad name.
pub fn create(name: &str, layout: &Layout, content: impl Read) -> Result<Created, CreateError> {
    let (total, shape) = describe(layout)?;
    let piece_length = piece_length(total);
    // Refused before hours are spent on hashing: everything but the hashes is known by now.
    let count = usize::try_from(total.div_ceil(u64::from(piece_length))).unwrap_or(usize::MAX);
    let draft = vec![0; 20 * count.min(super::MAX_PIECES as usize + 1)];
    validate(&info(&shape, name, piece_length, &draft), total)?;

    let (pieces, content_hash) = hash(content, total, piece_length)?;
    let metainfo = validate(&info(&shape, name, piece_length, &pieces), total)?;
    Ok(Created {
        metainfo,
        content_hash,
    })
}

/// The total length and the entry that comes first in the info dictionary, `files` or `length`.
fn describe(layout: &Layout) -> Result<(u64, Vec<u8>), CreateError> {
    let mut entry = Vec::new();
    let total = match layout {
        Layout::SingleFile(len) => {
            write_bytes(&mut entry, b"length");
            write_integer(&mut entry, *len);
            *len
        }
        Layout::Folder(files) => {
            if !files.is_sorted_by(|(before, _), (after, _)| before < after) {
                return Err(CreateError::Order);
            }
            write_bytes(&mut entry, b"files");
            entry.push(b'l');
            for (path, len) in files {
                entry.push(b'd');
                write_bytes(&mut entry, b"length");
                write_integer(&mut entry, *len);
                write_bytes(&mut entry, b"path");
                entry.push(b'l');
                for component in path {
                    write_bytes(&mut entry, component.as_bytes());
                }
                entry.extend_from_slice(b"ee");
            }
            entry.push(b'e');
            files
                .iter()
                .try_fold(0u64, |sum, (_, len)| sum.checked_add(*len))
                .ok_or(MetainfoError::TooMuchContent { limit: u64::MAX })?
        }
    };
    Ok((total, entry))
}

fn info(shape: &[u8], name: &str, piece_length: u32, pieces: &[u8]) -> Vec<u8> {
    let mut info = b"d".to_vec();
    info.extend_from_slice(shape);
    write_bytes(&mut info, b"name");
    write_bytes(&mut info, name.as_bytes());
    write_bytes(&mut info, b"piece length");
    write_integer(&mut info, u64::from(piece_length));
    write_bytes(&mut info, b"pieces");
    write_bytes(&mut info, pieces);
    info.push(b'e');
    info
}

fn validate(info: &[u8], total: u64) -> Result<Metainfo, MetainfoError> {
    let info_hash = InfoHash(Sha1::digest(info).into());
    Metainfo::from_info_bytes(info_hash, info, &Limits { max_total: total })
}

fn piece_length(total: u64) -> u32 {
    let mut length = MIN_PIECE_LENGTH;
    while length < MAX_PIECE_LENGTH && total.div_ceil(u64::from(length)) > TARGET_PIECES {
        length *= 2;
    }
    length
}

/// Reads `content` to its end and returns the SHA-1 of each piece and the SHA-256 of the whole.
fn hash(
    mut content: impl Read,
    total: u64,
    piece_length: u32,
) -> Result<(Vec<u8>, ContentHash), CreateError> {
    let wrong_length = || CreateError::Length { listed: total };
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut pieces = Vec::new();
    let mut whole = Sha256::new();
    let mut left = total;
    while left > 0 {
        let mut piece = Sha1::new();
        let mut piece_left = left.min(u64::from(piece_length));
        left -= piece_left;
        while piece_left > 0 {
            let wanted = usize::try_from(piece_left).map_or(BUFFER_BYTES, |n| n.min(BUFFER_BYTES));
            let chunk = read_some(&mut content, &mut buffer, wanted)?;
            if chunk.is_empty() {
                return Err(wrong_length());
            }
            piece_left -= chunk.len() as u64;
            piece.update(chunk);
            whole.update(chunk);
        }
        pieces.extend_from_slice(&piece.finalize());
    }
    if !read_some(&mut content, &mut buffer, 1)?.is_empty() {
        return Err(wrong_length());
    }
    Ok((pieces, ContentHash(whole.finalize().into())))
}

/// Reads between 1 and `wanted` bytes, or none at the end; retries when a signal interrupts.
fn read_some<'b>(
    content: &mut impl Read,
    buffer: &'b mut [u8],
    wanted: usize,
) -> io::Result<&'b [u8]> {
    let buffer = buffer.get_mut(..wanted).unwrap_or_default();
    loop {
        match content.read(buffer) {
            Ok(count) => return Ok(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

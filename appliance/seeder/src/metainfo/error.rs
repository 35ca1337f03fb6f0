//! Why metainfo is refused, in words for the owner of the box: each reads on after "the metadata
//! was refused: ".

use seedbox_core::InfoHash;

use super::{
    MAX_FILES, MAX_PIECE_LENGTH, MAX_PIECES, MIN_PIECE_LENGTH,
    bencode::BencodeError,
    names::{MAX_PATH_COMPONENTS, NameProblem},
};

/// Why metainfo is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetainfoError {
    /// More bytes than are worth reading.
    #[error("it has {size} bytes; at most {limit} are read")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// Bytes that are read.
        limit: usize,
    },
    /// Not the torrent that was asked for.
    #[error("it belongs to another torrent: {expected} was asked for, this is {actual}")]
    WrongHash {
        /// Asked for.
        expected: InfoHash,
        /// SHA-1 of what came.
        actual: InfoHash,
    },
    /// Malformed bencode.
    #[error(transparent)]
    Bencode(#[from] BencodeError),
    /// A field is missing or of the wrong kind.
    #[error("its field \"{name}\" is missing or is not {expected}")]
    Field {
        /// The field's key.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// BitTorrent v2 without a v1 part (BEP 52).
    #[error("it is a BitTorrent v2 torrent; the box needs a v1 or hybrid one")]
    V2Only,
    /// Piece length out of range.
    #[error(
        "its piece length is {0} bytes; multiples of {MIN_PIECE_LENGTH} up to {MAX_PIECE_LENGTH} are accepted"
    )]
    PieceLength(i64),
    /// Half a hash at the end of `pieces`.
    #[error("its piece hashes have {0} bytes, which is not a multiple of 20")]
    TornPieces(usize),
    /// Not as many hashes as the content has pieces.
    #[error("it has {given} piece hashes, but its content has {needed} pieces")]
    PieceCount {
        /// Hashes.
        given: u64,
        /// Pieces.
        needed: u64,
    },
    /// More than [`MAX_PIECES`].
    #[error("it has {0} pieces; at most {MAX_PIECES} are accepted")]
    TooManyPieces(u64),
    /// Neither or both of `length` (one file) and `files` (a folder).
    #[error("it must describe either one file or a list of files; this describes {0}")]
    Layout(&'static str),
    /// More than [`MAX_FILES`].
    #[error("it has more than {MAX_FILES} files")]
    TooManyFiles,
    /// All files are empty.
    #[error("its files have no content")]
    Empty,
    /// More content than the caller has room for, or than 64 bits can count.
    #[error("it claims more content than the {limit} bytes that are accepted")]
    TooMuchContent {
        /// Bytes accepted.
        limit: u64,
    },
    /// A name that could do harm.
    #[error("the name \"{name}\" is not allowed: {problem}")]
    Name {
        /// The name, escaped and cut to 64 characters.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// Folders nested too deep.
    #[error("a path has more than {MAX_PATH_COMPONENTS} levels")]
    PathTooDeep,
    /// Two files at one path, or a file where another has its folder.
    #[error("two of its files claim the path \"{path}\"")]
    PathCollision {
        /// The path, escaped and cut to 64 characters.
        path: String,
    },
    /// A link may lead anywhere (BEP 47).
    #[error("it contains a symbolic link")]
    SymbolicLink,
}

//! Damage on disk: a dying card changes bytes and nothing tells; a stray program leaves a trace.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use anyhow::{Context, Result, ensure};

/// Whether the file system shows that a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// The file's time of change is new.
    Visible,
    /// All times are as before.
    None,
}

/// Flips one byte in every tenth piece of a file that is the whole content of a torrent; gives
/// how many pieces are damaged now.
///
/// # Errors
/// The file or the `.torrent` cannot be read.
pub fn damage_a_tenth(file: &Path, torrent: &Path, trace: Trace) -> Result<u64> {
    let piece = piece_length(torrent)?;
    let handle = File::options().read(true).write(true).open(file)?;
    let found = handle.metadata()?;
    let mut damaged = 0;
    let mut offset = piece / 2;
    while offset < found.len() {
        let mut byte = [0];
        handle.read_exact_at(&mut byte, offset)?;
        handle.write_all_at(&[!byte[0]], offset)?;
        damaged += 1;
        offset += piece * 10;
    }
    if trace == Trace::None {
        handle.set_times(fs::FileTimes::new().set_modified(found.modified()?))?;
    }
    ensure!(
        damaged > 0,
        "{} is shorter than half a piece",
        file.display()
    );
    Ok(damaged)
}

/// The `piece length` of a `.torrent` file (BEP 3).
fn piece_length(torrent: &Path) -> Result<u64> {
    let bytes = fs::read(torrent)?;
    let key = b"12:piece lengthi";
    let start = bytes.windows(key.len()).position(|window| window == key);
    let digits = &bytes[start.context("no piece length")? + key.len()..];
    let digits: Vec<u8> = digits
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .collect();
    Ok(String::from_utf8(digits)?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_pieces_differ() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (file, torrent) = (folder.path().join("file"), folder.path().join("torrent"));
        fs::write(&torrent, b"d4:infod12:piece lengthi1024e4:name1:xee")?;
        fs::write(&file, vec![7; 100 * 1024])?;
        let before = fs::metadata(&file)?.modified()?;
        assert_eq!(damage_a_tenth(&file, &torrent, Trace::None)?, 10);
        assert_eq!(
            fs::read(&file)?.iter().filter(|byte| **byte != 7).count(),
            10
        );
        assert_eq!(fs::metadata(&file)?.modified()?, before);
        Ok(())
    }
}

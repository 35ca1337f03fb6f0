//! Names that strangers chose: which may be part of a path, and how any may be shown.
//!
//! The box stores files by their index and never by these names. Engines that read the same
//! metainfo do build paths from them, so a name that could lead out of its folder is refused.

use super::{MetainfoError, bencode::Value};

/// A name longer than this does not fit on common file systems, in bytes.
pub const MAX_NAME_BYTES: usize = 255;
/// Nesting of folders inside one torrent.
pub const MAX_PATH_COMPONENTS: usize = 32;
/// Characters of a name that are shown.
pub const MAX_DISPLAY_CHARACTERS: usize = 255;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a name may not be part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Engines guess an encoding for such names, and two may guess differently.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("it is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// Empty, `.`, `..` or something that looks like them once invisible characters are gone.
    #[error("it names a folder itself, or nothing")]
    Relative,
    /// `/` or `\`.
    #[error("it contains a path separator")]
    Separator,
    /// NUL or another control character.
    #[error("it contains a control character")]
    Control,
    /// Some decoders swallow U+FEFF, which turns a harmless name into `..`.
    #[error("it contains a byte order mark")]
    ByteOrderMark,
}

/// Checks one name and returns it as text.
pub(super) fn component(bytes: &[u8]) -> Result<&str, MetainfoError> {
    let refuse = |problem| {
        let shown = String::from_utf8_lossy(bytes);
        Err(MetainfoError::Name {
            name: shown
                .chars()
                .take(64)
                .flat_map(char::escape_debug)
                .collect(),
            problem,
        })
    };
    let Ok(name) = std::str::from_utf8(bytes) else {
        return refuse(NameProblem::NotUtf8);
    };
    if name.len() > MAX_NAME_BYTES {
        refuse(NameProblem::TooLong)
    } else if name.contains(['/', '\\']) {
        refuse(NameProblem::Separator)
    } else if name.contains(BYTE_ORDER_MARK) {
        refuse(NameProblem::ByteOrderMark)
    } else if name.contains(char::is_control) {
        refuse(NameProblem::Control)
    } else if name.chars().all(is_void) {
        refuse(NameProblem::Relative)
    } else {
        Ok(name)
    }
}

/// Checks the `path` of one file: a list of names.
pub(super) fn path(value: Value<'_>) -> Result<Vec<String>, MetainfoError> {
    let not_a_path = MetainfoError::Field {
        name: "path",
        expected: "a list of names",
    };
    let mut path = Vec::new();
    for element in value.list().ok_or_else(|| not_a_path.clone())? {
        if path.len() == MAX_PATH_COMPONENTS {
            return Err(MetainfoError::PathTooDeep);
        }
        let bytes = element.bytes().ok_or_else(|| not_a_path.clone())?;
        path.push(component(bytes)?.to_owned());
    }
    if path.is_empty() {
        return Err(not_a_path);
    }
    Ok(path)
}

/// Checks that no two paths are equal and that none is also the folder of another.
pub(super) fn distinct<'a>(
    paths: impl Iterator<Item = &'a Vec<String>>,
) -> Result<(), MetainfoError> {
    let mut sorted: Vec<&Vec<String>> = paths.collect();
    sorted.sort_unstable();
    // In this order whatever lies inside a path comes directly after it.
    for pair in sorted.windows(2) {
        if let [first, second] = pair
            && second.starts_with(first)
        {
            let path = first.join("/");
            return Err(MetainfoError::PathCollision {
                path: path.chars().take(64).flat_map(char::escape_debug).collect(),
            });
        }
    }
    Ok(())
}

/// Makes a stranger's text fit to be shown: one line, at most [`MAX_DISPLAY_CHARACTERS`], without
/// control characters and without those that reorder or hide text.
pub(crate) fn display_text(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_deceptive(*c))
        .take(MAX_DISPLAY_CHARACTERS)
        .collect();
    shown.trim().to_owned()
}

/// Whether a name of only such characters is as good as none.
fn is_void(c: char) -> bool {
    c == '.' || c.is_whitespace() || is_deceptive(c) || matches!(c, '\u{200c}' | '\u{200d}')
}

/// Control characters, bidirectional overrides and marks, and characters without a shape. The two
/// joiners U+200C and U+200D stay: scripts and emoji need them.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | BYTE_ORDER_MARK | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

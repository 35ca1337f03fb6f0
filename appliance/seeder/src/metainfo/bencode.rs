//! A strict reader of bencode (BEP 3) for bytes that strangers send, and a writer for our own.
//!
//! Strict means that every value has exactly one spelling: what is accepted here is, byte for
//! byte, what a writer would produce. Numbers have no leading zeros, dictionary keys are sorted
//! and unique, nothing follows the value. Torrents in the wild that break this are rare, and a
//! duplicate key is a classic way to show two parsers two different torrents, so they are refused.
//!
//! The reader allocates nothing: [`Value::parse`] checks the whole input once, and every value is
//! a slice of it.

/// Containers may be nested this deep; a hybrid torrent's file tree is the deepest honest one.
pub const MAX_DEPTH: usize = 32;

/// Where and why an input is not strict bencode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not valid bencode at byte {at}: {problem}")]
pub struct BencodeError {
    /// Offset from the start of the input in bytes.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with bencode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The input ends inside a value.
    #[error("it ends too early")]
    Truncated,
    /// A byte that no value can have at this place.
    #[error("unexpected byte {0:#04x}")]
    Unexpected(u8),
    /// `i-0e`, `i03e`, `03:abc` or no digits at all.
    #[error("a number is not in its shortest form")]
    Number,
    /// An integer beyond 64 signed bits, or a string length beyond the address space.
    #[error("a number is too large")]
    NumberTooLarge,
    /// A string claims more bytes than the input has left.
    #[error("a string claims {claimed} bytes, only {left} are left")]
    StringTooLong {
        /// Bytes claimed.
        claimed: usize,
        /// Bytes left.
        left: usize,
    },
    /// Containers nested deeper than [`MAX_DEPTH`].
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A dictionary key that is not greater than the one before it.
    #[error("dictionary keys are not sorted, or one occurs twice")]
    KeyOrder,
    /// Bytes after the end of the value.
    #[error("something follows the end of the value")]
    Trailing,
}

/// One checked value: the slice of the input that spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    raw: &'a [u8],
}

impl<'a> Value<'a> {
    /// Checks that `input` is exactly one value.
    ///
    /// # Errors
    /// [`BencodeError`] with the first place where it is not.
    pub fn parse(input: &'a [u8]) -> Result<Self, BencodeError> {
        let end = Scanner { input }.value(0, MAX_DEPTH)?;
        if end != input.len() {
            return Err(BencodeError {
                at: end,
                problem: Problem::Trailing,
            });
        }
        Ok(Value { raw: input })
    }

    /// The bytes that spell this value: for `info` those that the info hash is taken of.
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The content if it is a byte string.
    pub fn bytes(self) -> Option<&'a [u8]> {
        if !self.raw.first()?.is_ascii_digit() {
            return None;
        }
        let colon = self.raw.iter().position(|byte| *byte == b':')?;
        self.raw.get(colon + 1..)
    }

    /// The number if it is an integer.
    pub fn integer(self) -> Option<i64> {
        let digits = self.raw.strip_prefix(b"i")?.strip_suffix(b"e")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The elements if it is a list.
    pub fn list(self) -> Option<Elements<'a>> {
        let rest = self.raw.strip_prefix(b"l")?;
        Some(Elements { rest })
    }

    /// The entries in ascending order of their keys if it is a dictionary.
    pub fn dictionary(self) -> Option<Entries<'a>> {
        let rest = self.raw.strip_prefix(b"d")?;
        Some(Entries {
            elements: Elements { rest },
        })
    }

    /// The value under `key` if it is a dictionary that has it.
    pub fn get(self, key: &[u8]) -> Option<Value<'a>> {
        self.dictionary()?
            .find(|(candidate, _)| *candidate == key)
            .map(|(_, value)| value)
    }
}

/// The elements of a list.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if matches!(self.rest.first(), None | Some(b'e')) {
            return None;
        }
        // Checked when the whole was parsed, so this cannot fail.
        let end = Scanner { input: self.rest }.value(0, MAX_DEPTH).ok()?;
        let (raw, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(Value { raw })
    }
}

/// The entries of a dictionary.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    elements: Elements<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.elements.next()?.bytes()?;
        Some((key, self.elements.next()?))
    }
}

/// Finds where values end. Every method takes the offset of a value's first byte and returns the
/// offset after its last.
struct Scanner<'a> {
    input: &'a [u8],
}

impl Scanner<'_> {
    fn value(&self, at: usize, depth: usize) -> Result<usize, BencodeError> {
        match self.byte(at)? {
            b'i' => self.integer(at),
            b'0'..=b'9' => Ok(self.string(at)?.1),
            b'l' | b'd' if depth == 0 => error(at, Problem::TooDeep),
            b'l' => self.list(at + 1, depth - 1),
            b'd' => self.dictionary(at + 1, depth - 1),
            other => error(at, Problem::Unexpected(other)),
        }
    }

    fn integer(&self, at: usize) -> Result<usize, BencodeError> {
        let negative = self.byte(at + 1)? == b'-';
        let start = at + 1 + usize::from(negative);
        let end = self.digits(start, b'e')?;
        let digits = self.input.get(at + 1..end).unwrap_or_default();
        if digits == b"-0" {
            return error(at, Problem::Number);
        }
        let fits = std::str::from_utf8(digits).is_ok_and(|text| text.parse::<i64>().is_ok());
        if !fits {
            return error(at, Problem::NumberTooLarge);
        }
        Ok(end + 1)
    }

    /// Returns where the content starts, too.
    fn string(&self, at: usize) -> Result<(usize, usize), BencodeError> {
        let colon = self.digits(at, b':')?;
        let claimed = self
            .input
            .get(at..colon)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|text| text.parse::<usize>().ok());
        let Some(claimed) = claimed else {
            return error(at, Problem::NumberTooLarge);
        };
        let start = colon + 1;
        let left = self.input.len() - start;
        if claimed > left {
            return error(at, Problem::StringTooLong { claimed, left });
        }
        Ok((start, start + claimed))
    }

    fn list(&self, mut at: usize, depth: usize) -> Result<usize, BencodeError> {
        while self.byte(at)? != b'e' {
            at = self.value(at, depth)?;
        }
        Ok(at + 1)
    }

    fn dictionary(&self, mut at: usize, depth: usize) -> Result<usize, BencodeError> {
        let mut previous: Option<&[u8]> = None;
        loop {
            match self.byte(at)? {
                b'e' => return Ok(at + 1),
                b'0'..=b'9' => {}
                other => return error(at, Problem::Unexpected(other)),
            }
            let (start, end) = self.string(at)?;
            let key = self.input.get(start..end);
            if previous.is_some() && key <= previous {
                return error(at, Problem::KeyOrder);
            }
            previous = key;
            at = self.value(end, depth)?;
        }
    }

    /// Skips digits in their shortest form up to `terminator` and returns where that is.
    fn digits(&self, start: usize, terminator: u8) -> Result<usize, BencodeError> {
        let mut end = start;
        while self.byte(end)?.is_ascii_digit() {
            end += 1;
        }
        let found = self.byte(end)?;
        if found != terminator {
            return error(end, Problem::Unexpected(found));
        }
        let leading_zero = end - start > 1 && self.byte(start)? == b'0';
        if end == start || leading_zero {
            return error(start, Problem::Number);
        }
        Ok(end)
    }

    fn byte(&self, at: usize) -> Result<u8, BencodeError> {
        self.input.get(at).copied().ok_or(BencodeError {
            at,
            problem: Problem::Truncated,
        })
    }
}

fn error<T>(at: usize, problem: Problem) -> Result<T, BencodeError> {
    Err(BencodeError { at, problem })
}

/// Appends a byte string.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(bytes);
}

/// Appends an integer.
pub fn write_integer(out: &mut Vec<u8>, number: u64) {
    out.push(b'i');
    out.extend_from_slice(number.to_string().as_bytes());
    out.push(b'e');
}

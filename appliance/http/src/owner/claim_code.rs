//! The claim code: 16 characters of Crockford's base32, 80 random bits, made to be read off a
//! screen and typed. <https://www.crockford.com/base32.html>

use std::str::FromStr;

use subtle::ConstantTimeEq;

use super::random;
use crate::Error;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 16;

/// A claim code in its canonical form.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ClaimCode(String);

impl ClaimCode {
    /// A new code from the operating system's random numbers.
    pub(crate) fn generate() -> Result<Self, Error> {
        let bits = random::<LENGTH>()?;
        let characters = bits.map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
        Ok(ClaimCode(characters.iter().collect()))
    }

    /// The 16 characters.
    pub(crate) fn characters(&self) -> &str {
        &self.0
    }

    /// The code as people read it: `XXXX-XXXX-XXXX-XXXX`.
    pub(crate) fn grouped(&self) -> String {
        let mut text = String::with_capacity(LENGTH + 3);
        for (i, c) in self.0.chars().enumerate() {
            if i > 0 && i % 4 == 0 {
                text.push('-');
            }
            text.push(c);
        }
        text
    }

    /// Whether somebody typed this code. Takes the same time for every wrong code.
    pub(crate) fn matches(&self, typed: &str) -> bool {
        typed
            .parse::<ClaimCode>()
            .is_ok_and(|typed| self.0.as_bytes().ct_eq(typed.0.as_bytes()).into())
    }
}

impl FromStr for ClaimCode {
    type Err = Error;

    /// Reads a typed code: case, dashes and spaces do not matter; I and L are 1, O is 0.
    fn from_str(typed: &str) -> Result<Self, Error> {
        let mut code = String::with_capacity(LENGTH);
        for c in typed.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
            let c = match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                c => c,
            };
            let known = u8::try_from(c).is_ok_and(|c| ALPHABET.contains(&c));
            if !known || code.len() == LENGTH {
                return Err(Error::ClaimCode);
            }
            code.push(c);
        }
        if code.len() == LENGTH {
            Ok(ClaimCode(code))
        } else {
            Err(Error::ClaimCode)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        let code: ClaimCode = "01AB-CDEF-GHJK-1MNP".parse().unwrap();
        assert_eq!(code.grouped(), "01AB-CDEF-GHJK-1MNP");
        for typed in [
            "01ABCDEFGHJK1MNP",
            " oiab cdef ghjk lmnp\n",
            "Ol-ABCDEFGHJK-IMNP",
        ] {
            assert!(code.matches(typed), "{typed}");
        }
        for typed in [
            "",
            "01AB-CDEF-GHJK-1MNQ",
            "01AB-CDEF-GHJK-1MN",
            "01AB-CDEF-GHJK-1MNPP",
            "U1AB-CDEF-GHJK-1MNP",
            "é1AB-CDEF-GHJK-1MNP",
        ] {
            assert!(!code.matches(typed), "{typed}");
        }
    }

    #[test]
    fn every_new_code_is_another_and_readable() {
        let (a, b) = (
            ClaimCode::generate().unwrap(),
            ClaimCode::generate().unwrap(),
        );
        assert!(a != b);
        assert!(a.matches(&a.grouped().to_lowercase()));
        assert!(!a.matches(&b.grouped()));
    }
}

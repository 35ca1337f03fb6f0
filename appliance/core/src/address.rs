//! An Ethereum account address with its EIP-55 checksum, so that a mistyped wallet is caught
//! before the box secures the wrong land.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// A 20-byte Ethereum account address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WalletAddress(pub [u8; 20]);

/// Why a text is not a wallet address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `0x` and 40 hexadecimal digits.
    #[error("\"{0}\" is not a wallet address: expected 0x followed by 40 hexadecimal digits")]
    Malformed(String),
    /// Mixed case whose EIP-55 checksum does not fit: a digit was mistyped.
    #[error("the wallet address {0} has a typing error: its capital letters do not match (EIP-55)")]
    Checksum(String),
    /// The zero address owns everything that was burnt, nobody's wallet.
    #[error("the zero address is nobody's wallet")]
    Zero,
}

impl FromStr for WalletAddress {
    type Err = AddressError;

    /// Reads `0x` and 40 hexadecimal digits; if they are in mixed case the EIP-55 checksum counts.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(text.chars().take(64).collect());
        let digits = text.strip_prefix("0x").ok_or_else(malformed)?;
        let bytes: [u8; 20] = hex::decode(digits)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(malformed)?;
        let address = WalletAddress(bytes);
        let mixed = digits.bytes().any(|c| c.is_ascii_uppercase())
            && digits.bytes().any(|c| c.is_ascii_lowercase());
        if bytes == [0; 20] {
            return Err(AddressError::Zero);
        }
        if mixed && address.to_string() != text {
            return Err(AddressError::Checksum(text.to_owned()));
        }
        Ok(address)
    }
}

impl fmt::Display for WalletAddress {
    /// Writes the EIP-55 mixed-case form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hex::encode(self.0);
        let hash = Keccak256::digest(digits.as_bytes());
        f.write_str("0x")?;
        for (i, c) in digits.chars().enumerate() {
            let nibble = (hash[i / 2] >> (if i % 2 == 0 { 4 } else { 0 })) & 0xf;
            let c = if nibble >= 8 {
                c.to_ascii_uppercase()
            } else {
                c
            };
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for WalletAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for WalletAddress {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<WalletAddress> for String {
    fn from(address: WalletAddress) -> String {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The examples of EIP-55.
    const CHECKSUMMED: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn round_trips_the_examples_of_eip_55() {
        for text in CHECKSUMMED {
            assert_eq!(text.parse::<WalletAddress>().unwrap().to_string(), text);
            assert_eq!(
                text.to_lowercase()
                    .parse::<WalletAddress>()
                    .unwrap()
                    .to_string(),
                text
            );
        }
    }

    #[test]
    fn catches_a_mistyped_address() {
        let wrong = CHECKSUMMED[0].replace("5aAe", "5AAe");
        assert_eq!(
            wrong.parse::<WalletAddress>(),
            Err(AddressError::Checksum(wrong))
        );
        for bad in ["", "0x12", "vitalik.eth", &"5".repeat(40)] {
            assert!(matches!(
                bad.parse::<WalletAddress>(),
                Err(AddressError::Malformed(_))
            ));
        }
        assert_eq!(
            format!("0x{}", "0".repeat(40)).parse::<WalletAddress>(),
            Err(AddressError::Zero)
        );
    }
}

//! Versions of the system and their order.

use std::{fmt, str::FromStr};

/// A version as of Semantic Versioning 2.0.0. Unlike there, what follows a `+` counts too: images
/// of one release of the box that differ in their date are told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(semver::Version);

impl FromStr for Version {
    type Err = semver::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_is_greater() {
        let rising = [
            "0.1.0-rc.1",
            "0.1.0",
            "0.1.0+20261101",
            "0.1.0+20261127",
            "0.2.0",
            "0.10.0",
        ];
        let parsed: Vec<Version> = rising.iter().map(|text| text.parse().unwrap()).collect();
        assert!(parsed.is_sorted_by(|a, b| a < b));
        assert!("last tuesday".parse::<Version>().is_err());
    }
}

//! SHA-1 and SHA-256 as librqbit asks for them.

use sha2::Digest;

pub trait ISha1 {
    fn new() -> Self;
    fn update(&mut self, buf: &[u8]);
    fn finish(self) -> [u8; 20];
}

/// SHA-256 hash trait for BEP 52 (BitTorrent v2) support.
pub trait ISha256 {
    fn new() -> Self;
    fn update(&mut self, buf: &[u8]);
    fn finish(self) -> [u8; 32];

    fn finish_id32(self) -> [u8; 32]
    where
        Self: Sized,
    {
        self.finish()
    }
}

pub struct Sha1(sha1::Sha1);

impl ISha1 for Sha1 {
    fn new() -> Self {
        Self(sha1::Sha1::new())
    }

    fn update(&mut self, buf: &[u8]) {
        self.0.update(buf);
    }

    fn finish(self) -> [u8; 20] {
        self.0.finalize().into()
    }
}

pub struct Sha256(sha2::Sha256);

impl ISha256 for Sha256 {
    fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    fn update(&mut self, buf: &[u8]) {
        self.0.update(buf);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

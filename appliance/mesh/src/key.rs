//! The node key: made once, kept in the data folder for the owner's eyes alone. Who holds it is
//! this box to every other.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use zeroize::Zeroizing;

use crate::{Error, NodeId};

/// Bytes of the seed of an Ed25519 key (RFC 8032).
const LENGTH: usize = 32;

/// The private half of a [`NodeId`].
#[derive(Clone)]
pub struct NodeKey(Zeroizing<[u8; LENGTH]>);

impl NodeKey {
    /// From 32 random bytes.
    pub fn new(seed: [u8; LENGTH]) -> Self {
        Self(seed.into())
    }

    /// Reads the key in `path`, or makes one there that only the owner of the file can read. Blocks
    /// for some file operations.
    ///
    /// # Errors
    /// [`Error::Key`] if the file cannot be read or written, [`Error::NotAKey`] if it holds
    /// something else.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Key {
            path: path.to_owned(),
            source,
        };
        match fs::File::open(path) {
            Ok(file) => {
                let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
                let limit = LENGTH as u64 + 1;
                file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
                let seed = <[u8; LENGTH]>::try_from(bytes.as_slice());
                seed.map(Self::new).map_err(|_| Error::NotAKey {
                    path: path.to_owned(),
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate().map_err(failed)?;
                key.write(path).map_err(failed)?;
                Ok(key)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// A new one.
    fn generate() -> io::Result<Self> {
        let mut seed = Zeroizing::new([0; LENGTH]);
        let filled = rustix::rand::getrandom(&mut *seed, rustix::rand::GetRandomFlags::empty())?;
        if filled != LENGTH {
            return Err(io::Error::other("the system gave too little randomness"));
        }
        Ok(Self(seed))
    }

    /// All or nothing: half a key after a power cut would be another name.
    fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("tmp");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&self.0[..])?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// The box's name.
    pub fn id(&self) -> NodeId {
        NodeId(*self.secret().public().as_bytes())
    }

    /// Signs by Ed25519. The caller puts a label in front that tells what for.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret().sign(message).to_bytes()
    }

    /// Another secret of 32 bytes that follows from this one: HKDF-SHA256 (RFC 5869) with the label as
    /// info. So one secret has to be kept.
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new([0; 32]);
        // 32 bytes are never too long for SHA-256.
        let _ = hkdf::Hkdf::<sha2::Sha256>::new(None, &self.0[..])
            .expand(label.as_bytes(), &mut *secret);
        secret
    }

    pub(crate) fn secret(&self) -> iroh::SecretKey {
        iroh::SecretKey::from_bytes(&self.0)
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        // Left by a power cut.
        fs::write(path.with_extension("tmp"), b"half").unwrap();
        let made = NodeKey::load_or_create(&path).unwrap();
        let read = NodeKey::load_or_create(&path).unwrap();
        assert_eq!(made.id(), read.id());
        assert_eq!(made.derive("a"), read.derive("a"));
        assert_ne!(made.derive("a"), made.derive("b"));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{made:?}").contains("secret"));

        for wrong in [&b""[..], &[7; 31], &[7; 33]] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(
                NodeKey::load_or_create(&path),
                Err(Error::NotAKey { .. })
            ));
        }
    }
}

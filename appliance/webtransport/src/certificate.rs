//! The box's own certificates. Browsers take one by its hash if it is of ECDSA on P-256 and valid for
//! at most two weeks, so there is a new one every six days, and always the next one too: who learned
//! both hashes can come for another six days at least.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::Error;

/// Seconds that a certificate is used.
const PERIOD: u64 = 6 * 86_400;
/// Seconds before and after that in which it is valid, because clocks differ and hashes are learned early.
const BEFORE: u64 = 86_400;
const AFTER: u64 = PERIOD;

/// SHA-256 of a certificate.
pub type Fingerprint = [u8; 32];

/// A key and its certificate.
pub(crate) struct Certificate {
    pub(crate) chain: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// The certificate for a period, from its file or new.
    ///
    /// # Errors
    /// [`Error::Folder`] or [`Error::Certificate`].
    pub(crate) fn of(folder: &Path, period: u64) -> Result<Self, Error> {
        let path = path(folder, period);
        match read(&path) {
            Some(kept) => Ok(kept),
            None => make(&path, period),
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Sha256::digest(&self.chain).into()
    }
}

/// The period in which a certificate is used, at a time in Unix seconds.
pub(crate) const fn period(now: u64) -> u64 {
    now / PERIOD
}

/// When a period ends, Unix seconds.
pub(crate) const fn end(period: u64) -> u64 {
    (period + 1) * PERIOD
}

fn path(folder: &Path, period: u64) -> PathBuf {
    folder.join(format!("{period}.pem"))
}

/// `None` if there is none, or if the file is damaged: then a new one is made.
fn read(path: &Path) -> Option<Certificate> {
    let text = fs::read(path).ok()?;
    let chain = CertificateDer::from_pem_slice(&text).ok()?;
    let key = PrivateKeyDer::from_pem_slice(&text).ok()?;
    Some(Certificate { chain, key })
}

fn make(path: &Path, period: u64) -> Result<Certificate, Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["seedbox".to_owned()])?;
    params.not_before = date(end(period) - PERIOD - BEFORE);
    params.not_after = date(end(period) + AFTER);
    let certificate = params.self_signed(&key)?;
    let text = format!("{}{}", key.serialize_pem(), certificate.pem());
    write(path, text.as_bytes()).map_err(|source| Error::Folder {
        path: path.to_owned(),
        source,
    })?;
    Ok(Certificate {
        chain: certificate.der().clone(),
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    })
}

/// Whole or not at all, and for nobody else's eyes.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, path)
}

fn date(unix: u64) -> OffsetDateTime {
    let seconds = i64::try_from(unix).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Makes the folder and deletes what is of an earlier period.
///
/// # Errors
/// [`Error::Folder`].
pub(crate) fn tidy(folder: &Path, now: u64) -> Result<(), Error> {
    let failed = |source| Error::Folder {
        path: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let is_old =
            stem.is_some_and(|stem| stem.parse::<u64>().is_ok_and(|number| number < period(now)));
        if is_old {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_stays_for_its_period() {
        let folder = tempfile::tempdir().unwrap();
        let (now, folder) = (1_700_000_000, folder.path());
        tidy(folder, now).unwrap();
        let first = Certificate::of(folder, period(now)).unwrap().fingerprint();
        let again = Certificate::of(folder, period(now)).unwrap().fingerprint();
        assert_eq!(first, again);
        let next = Certificate::of(folder, period(now) + 1).unwrap();
        assert_ne!(first, next.fingerprint());

        tidy(folder, end(period(now))).unwrap();
        let kept = Certificate::of(folder, period(now) + 1).unwrap();
        assert_eq!(kept.fingerprint(), next.fingerprint());
        assert!(!path(folder, period(now)).exists());
        fs::write(path(folder, period(now) + 1), "damaged").unwrap();
        Certificate::of(folder, period(now) + 1).unwrap();
    }

    #[test]
    fn browsers_take_two_weeks_and_no_more() {
        const { assert!(BEFORE + PERIOD + AFTER <= 14 * 86_400) };
    }
}

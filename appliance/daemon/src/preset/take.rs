//! The box's own share of the preset, taken at its first start. The file goes when all of it is
//! in the database, so that a power cut in between loses nothing.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Context;
use seedbox_store::Store;

use super::Preset;

/// Its name in the data folder.
pub(crate) const FILE: &str = "preset.toml";
const QUOTA: &str = "preset.quota";
const HOSTNAME: &str = "preset.hostname";

/// What the services are to be started with.
pub(crate) struct Taken {
    /// The code to be given to a box that nobody owns.
    pub(crate) claim_code: Option<String>,
    /// What a new volume may hold at first, bytes.
    pub(crate) quota: Option<u64>,
    /// The machine's name, which is the box's in the home network too.
    pub(crate) hostname: Option<String>,
    file: Option<PathBuf>,
}

impl Taken {
    /// Reads the file, if there is one, and links its wallets. A file with a mistake is no reason
    /// not to start: it is said and left.
    pub(crate) async fn read(data: &Path, store: &Store) -> anyhow::Result<Self> {
        let file = data.join(FILE);
        let preset = match fs::read_to_string(&file) {
            Ok(text) => match Preset::parse(&text) {
                Ok(preset) => Some(preset),
                Err(e) => {
                    log::error!("{} is not applied: {e:#}", file.display());
                    None
                }
            },
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => {
                log::error!("{} is not applied: {e}", file.display());
                None
            }
        };
        let Some(preset) = preset else {
            return Ok(Self {
                claim_code: None,
                quota: store.setting(QUOTA).await?,
                hostname: store.setting(HOSTNAME).await?,
                file: None,
            });
        };
        for wallet in &preset.wallets {
            store.link_wallet(*wallet).await?;
        }
        if let Some((_, bytes)) = &preset.quota {
            store.set_setting(QUOTA, bytes).await?;
        }
        if let Some(hostname) = &preset.hostname {
            store.set_setting(HOSTNAME, hostname).await?;
        }
        Ok(Self {
            claim_code: preset.claim_code,
            quota: store.setting(QUOTA).await?,
            hostname: store.setting(HOSTNAME).await?,
            file: Some(file),
        })
    }

    /// To be called once the claim code is in the database as well.
    pub(crate) fn done(self) -> anyhow::Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        fs::remove_file(&file)
            .with_context(|| format!("cannot remove {}, which was applied", file.display()))?;
        log::info!("what was preset on the card is applied");
        Ok(())
    }
}

//! Settings made in the panel and small counters that outlive a restart.

use rusqlite::OptionalExtension;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Store};

impl Store {
    /// A setting by its name, `None` if it was never made.
    pub async fn setting<T>(&self, name: &'static str) -> Result<Option<T>, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.call(move |db| {
            let text: Option<String> = db
                .query_row(
                    "SELECT value FROM settings WHERE name = ?1",
                    [name],
                    |row| row.get(0),
                )
                .optional()?;
            text.map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|e| Error::Damaged {
                    place: "settings.value",
                    detail: e.to_string(),
                })
        })
        .await
    }

    /// Makes or changes a setting.
    pub async fn set_setting<T>(&self, name: &'static str, value: &T) -> Result<(), Error>
    where
        T: Serialize + Sync,
    {
        let text = serde_json::to_string(value).map_err(|e| Error::Damaged {
            place: "settings.value",
            detail: e.to_string(),
        })?;
        self.call(move |db| {
            let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            db.execute(sql, (name, text))?;
            Ok(())
        })
        .await
    }
}

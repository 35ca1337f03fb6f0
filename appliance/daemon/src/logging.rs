//! Where log lines go: the journal under systemd, standard error elsewhere.

use log::LevelFilter;

/// Starts logging. Peer and client addresses must never be logged: librqbit names them from its
/// warnings downwards, so only its errors pass.
pub(crate) fn start(level: LevelFilter) {
    let journal = systemd_journal_logger::connected_to_journal()
        .then(systemd_journal_logger::JournalLog::new)
        .and_then(Result::ok);
    if let Some(journal) = journal
        && log::set_boxed_logger(Box::new(Filtered {
            inner: journal,
            level,
        }))
        .is_ok()
    {
        log::set_max_level(level);
        return;
    }
    let stderr = env_logger::Builder::new()
        .filter_level(LevelFilter::Trace)
        .format_timestamp_secs()
        .format_target(false)
        .build();
    if log::set_boxed_logger(Box::new(Filtered {
        inner: stderr,
        level,
    }))
    .is_ok()
    {
        log::set_max_level(level);
    }
}

/// What the mesh is made of: its errors name addresses of other boxes.
const MESH: [&str; 4] = ["iroh", "noq", "netwatch", "portmapper"];

struct Filtered<L> {
    inner: L,
    level: LevelFilter,
}

impl<L: log::Log> log::Log for Filtered<L> {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("seedbox");
        let limit = if ours {
            self.level
        } else if MESH.iter().any(|name| metadata.target().starts_with(name)) {
            LevelFilter::Off
        } else {
            self.level.min(LevelFilter::Error)
        };
        metadata.level() <= limit
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.inner.log(record);
        }
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

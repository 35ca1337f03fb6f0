//! Sealed notes for members who are not there, in the box's database.

use bytes::Bytes;
use seedbox_relay_proto::{Code, RoomId, server::Session};
use seedbox_store::Store;

/// Where notes lie; without room there is no mailbox.
pub(crate) struct Mailbox {
    store: Store,
    most: u64,
}

/// What the mailbox did for a session.
pub(crate) enum Mail {
    Kept(Result<u64, Code>),
    Fetched(Vec<(u64, u64, Bytes)>, u64, bool),
    NotFetched(Code),
}

impl Mail {
    /// Takes it to who asked.
    pub(crate) fn deliver(self, session: &mut Session) {
        match self {
            Self::Kept(kept) => session.kept(kept),
            Self::Fetched(notes, last, more) => session.fetched(notes, last, more),
            Self::NotFetched(code) => session.not_fetched(code),
        }
    }
}

impl Mailbox {
    pub(crate) const fn new(store: Store, most: u64) -> Self {
        Self { store, most }
    }

    pub(crate) async fn keep(&self, room: RoomId, sealed: Bytes) -> Mail {
        if self.most == 0 {
            return Mail::Kept(Err(Code::Role));
        }
        let now = seedbox_clock::now().0;
        let kept = self
            .store
            .keep_note(room.0, sealed.into(), self.most, now)
            .await;
        Mail::Kept(match kept {
            Ok(number) => number.ok_or(Code::Full),
            Err(error) => Err(broken(&error)),
        })
    }

    pub(crate) async fn fetch(&self, room: RoomId, after: u64) -> Mail {
        if self.most == 0 {
            return Mail::NotFetched(Code::Role);
        }
        match self.store.notes(room.0, after).await {
            Ok((notes, more)) => {
                let last = notes.last().map_or(after, |note| note.number);
                let notes = notes.into_iter();
                let notes = notes.map(|note| (note.number, note.kept, note.sealed.into()));
                Mail::Fetched(notes.collect(), last, more)
            }
            Err(error) => Mail::NotFetched(broken(&error)),
        }
    }

    /// Notes whose time is over are deleted.
    pub(crate) async fn clean(&self) -> Result<(), seedbox_store::Error> {
        self.store.forget_notes(seedbox_clock::now().0).await
    }
}

fn broken(error: &seedbox_store::Error) -> Code {
    tracing::warn!("the relay's mailbox cannot use the database: {error}");
    Code::Busy
}

//! One endpoint's word: whichever answers first in the order of preference.

use std::time::Duration;

use seedbox_core::{Health, Trust, TrustStatus, UnixTime};

use crate::{
    endpoint_error::EndpointError,
    headers::{
        HeaderError, HeaderSource, VouchedHeader,
        asked::Asked,
        witness::{Seen, Witness},
    },
};

/// Polls of the chain between two questions: the reader asks the same endpoints anyway.
const PACE: u32 = 3;

/// See [`Trust::Rpc`].
pub(crate) struct Rpc<W> {
    asked: Asked<W>,
    pace: Duration,
}

impl<W: Witness> Rpc<W> {
    pub(crate) fn new(witnesses: Vec<W>, poll_interval: Duration) -> Self {
        Self {
            asked: Asked::new(witnesses),
            pace: poll_interval * PACE,
        }
    }
}

/// A block as the witnesses tell it.
pub(crate) fn vouched(seen: &Seen, trust: Trust) -> VouchedHeader {
    VouchedHeader {
        block: seen.block,
        state_root: seen.state_root,
        trust,
        slot: None,
    }
}

impl<W: Witness> HeaderSource for Rpc<W> {
    async fn newest(&mut self, _: UnixTime) -> Result<VouchedHeader, HeaderError> {
        let mut last = EndpointError::Unreachable("no endpoint is configured".into());
        for index in 0..self.asked.len() {
            match self.asked.get(index).head().await {
                Ok(head) => {
                    let header = vouched(&head, Trust::Rpc);
                    self.asked.note(index, Ok(()));
                    self.asked.only(index);
                    (self.asked.header, self.asked.failure) = (Some(header), None);
                    return Ok(header);
                }
                Err(error) => {
                    last = error.clone();
                    self.asked.note(index, Err(error));
                }
            }
        }
        self.asked.failure = Some(last.to_string());
        Err(last.into())
    }

    fn status(&self, _: UnixTime) -> TrustStatus {
        let (health, sentence) = match (&self.asked.header, &self.asked.failure) {
            (None, None) => (Health::Starting, "No block has been told of yet.".into()),
            (_, Some(failure)) => (Health::Failing, format!("No endpoint answers: {failure}.")),
            (Some(header), None) => (
                Health::Well,
                format!("Block {} is {}.", header.block.number, header.trust),
            ),
        };
        TrustStatus {
            level: Trust::Rpc,
            health,
            sentence,
            block: self.asked.header.map(|header| header.shown()),
            checkpoint: None,
            endpoints: self.asked.status(),
        }
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}

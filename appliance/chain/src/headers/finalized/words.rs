//! How the light client is doing, in the owner's words. Pure: what is known goes in, a health and a
//! sentence come out.

use seedbox_core::Health;
use seedbox_light_client::{Root, WEAK_SUBJECTIVITY_AGE};

use crate::{headers::VouchedHeader, status::words};

/// Epochs after which it is worth a word that nothing became final: it takes two to three.
const LATE_EPOCHS: u64 = 8;

/// What the words depend on.
pub(super) struct Situation<'a> {
    pub(super) header: Option<&'a VouchedHeader>,
    /// Seconds since the newest final block's slot.
    pub(super) age: Option<u64>,
    /// Seconds in an epoch.
    pub(super) epoch: u64,
    pub(super) checkpoint: Root,
    pub(super) bridged: u64,
    pub(super) failure: Option<&'a str>,
    pub(super) too_old: bool,
}

pub(super) fn sentence(now: &Situation<'_>) -> (Health, String) {
    let (Some(header), Some(age)) = (now.header, now.age) else {
        let checkpoint = short(now.checkpoint);
        return match now.failure {
            None => (
                Health::Starting,
                format!("The light client begins at checkpoint {checkpoint}."),
            ),
            Some(failure) => (
                Health::Failing,
                format!("The light client cannot begin at checkpoint {checkpoint}: {failure}."),
            ),
        };
    };
    let known = format!(
        "Block {} is {}; it is {} old.",
        header.block.number,
        header.trust,
        words(age)
    );
    if let Some(failure) = now.failure {
        let health = if now.too_old || age > WEAK_SUBJECTIVITY_AGE {
            Health::Failing
        } else {
            Health::Attention
        };
        return (
            health,
            format!("{known} Nothing newer is believed: {failure}."),
        );
    }
    if now.bridged > WEAK_SUBJECTIVITY_AGE {
        let text = format!(
            "{known} But the box had to go on from a block that was {} old, longer than \
             validators are bound by what they signed. Set `chain_checkpoint` to a newer block \
             root from a source that you trust.",
            words(now.bridged)
        );
        return (Health::Attention, text);
    }
    if age > LATE_EPOCHS * now.epoch {
        let text = format!("{known} Nothing newer has become final on Ethereum since.");
        return (Health::Attention, text);
    }
    (Health::Well, known)
}

/// The ends of a root, enough to know it by.
fn short(root: Root) -> String {
    let text = root.to_string();
    format!("{}…{}", &text[..10], &text[text.len() - 6..])
}

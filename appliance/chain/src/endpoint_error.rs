//! What can go wrong with one endpoint, in words that are safe to show: URLs hold API keys, and
//! libraries and servers like to repeat them.

use std::time::Duration;

use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use seedbox_core::WalletAddress;

/// Characters of a server's own words that are shown.
const MAX_WORDS: usize = 160;

/// JSON-RPC code that several providers use for too many requests.
const TOO_MANY_REQUESTS: i64 = 429;

/// Why an endpoint is not used at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("did not answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("asks for fewer requests")]
    RateLimited,
    #[error("answered with more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("refused a request: {0}")]
    Refused(String),
    #[error("gave an answer that makes no sense: {0}")]
    Nonsense(String),
    #[error("follows chain {found}, but the contracts are on chain {expected}")]
    WrongChain { expected: u64, found: u64 },
    #[error("has no contract at {0}. Check the deployment file")]
    NoContract(WalletAddress),
    #[error("could not prove what it told: {0}")]
    Disproved(&'static str),
    #[error(
        "left out or changed events of {contracts}: those up to block {block} do not add up to its state"
    )]
    EventsDoNotAddUp { block: u64, contracts: String },
    #[error("keeps blocks back: it is at block {head}, but block {vouched} is vouched for")]
    Withholds { head: u64, vouched: u64 },
    #[error("gives no proofs (eth_getProof), which the box needs to believe it")]
    NoProofs,
    #[error("has another block {block} than the one that is vouched for")]
    Contradicts { block: u64 },
    #[error("is at block {head}, behind block {tip} that the box has already read")]
    Behind { head: u64, tip: u64 },
    #[error("and others do not agree: {needed} have to say the same, and at most {agree} do")]
    Disagree { agree: u8, needed: u8 },
    #[error("is not believed: {0}")]
    Disbelieved(#[from] seedbox_light_client::Error),
    #[error("knows of nothing that was signed in the last {} minutes", .seconds / 60)]
    OldSignature { seconds: u64 },
    #[error("is at block {head}, before the contracts' first block {start}")]
    BeforeStart { head: u64, start: u64 },
}

impl EndpointError {
    /// Whether it may be the box that is too old rather than the endpoint that is wrong.
    pub(crate) fn asks_for_newer_box(&self) -> bool {
        matches!(self, Self::Disbelieved(error) if error.asks_for_newer_box())
    }

    /// Whether asking for a shorter range of blocks may help.
    pub(crate) fn asks_for_less(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::Refused(_))
    }

    /// Puts a failure of the transport in words. Nothing of the URL remains: `secrets` are its
    /// parts that may be keys.
    pub(crate) fn of(error: TransportError, secrets: &[String]) -> Self {
        let words = |text: &str| presentable(text, secrets);
        match error {
            RpcError::ErrorResp(error) if error.code == TOO_MANY_REQUESTS => Self::RateLimited,
            RpcError::ErrorResp(error) => Self::Refused(words(&error.message)),
            RpcError::NullResp => Self::Nonsense("an empty answer".into()),
            // The text is what the server sent; its error position is enough.
            RpcError::DeserError { err, .. } => Self::Nonsense(words(&err.to_string())),
            RpcError::Transport(TransportErrorKind::Custom(inner)) => {
                match inner.downcast::<Self>() {
                    Ok(own) => match *own {
                        Self::Unreachable(text) => Self::Unreachable(words(&text)),
                        own => own,
                    },
                    Err(other) => Self::Unreachable(words(&innermost(other.as_ref()))),
                }
            }
            other => Self::Unreachable(words(&other.to_string())),
        }
    }
}

/// The last cause of an error: the operating system's words, without the wrappers' URLs.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A stranger's words, cut short, on one line, without secrets.
pub(crate) fn presentable(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "…");
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_server_hold_no_key() {
        let secrets = ["0123456789abcdef".to_owned()];
        let echoed = "unknown key 0123456789abcdef\nfor https://node/v3/0123456789abcdef";
        let shown = presentable(echoed, &secrets);
        assert_eq!(shown, "unknown key … for https://node/v3/…");
        assert_eq!(
            presentable(&"ä".repeat(5000), &secrets).chars().count(),
            MAX_WORDS
        );
    }

    #[test]
    fn a_strange_answer_is_not_repeated() {
        let body = "secret".repeat(1000);
        let err = serde_json::from_str::<u8>(&body).unwrap_err();
        let error = EndpointError::of(TransportError::deser_err(err, body), &[]);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

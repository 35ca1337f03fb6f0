//! Who is asked about access: the configured endpoints, over connections of their own, so that
//! visitors' questions and the reading of the chain do not hold each other up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{
    primitives::{Bytes, U256},
    rpc::types::EIP1186AccountProofResponse,
    transports::http::reqwest::Url,
};
use futures::future::join_all;
use seedbox_core::WalletAddress;
use tokio::time::Instant;

use super::{Anchor, gate};
use crate::{
    Config, Deployment, Error, endpoint::Endpoint, endpoint_error::EndpointError, endpoints,
};

/// Longest wait for one endpoint's answer: somebody stands before a door.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long one that failed is asked after the others.
const OUT_OF_FAVOUR: Duration = Duration::from_secs(30);

/// All who are asked.
pub(crate) struct Voices {
    all: Vec<Voice>,
    /// How many have to say the same of what nobody can prove.
    needed: u8,
}

struct Voice {
    url: Url,
    deployment: Deployment,
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Endpoint>>,
    failed_at: Option<Instant>,
}

/// What endpoints say of a stranger's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) open: bool,
    pub(super) agree: u8,
    pub(super) of: u8,
}

impl Voices {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Endpoint`] if an address is no URL.
    pub(crate) fn new(config: &Config, deployment: &Deployment, needed: u8) -> Result<Self, Error> {
        let voice = |(index, address): (usize, &String)| {
            let url = endpoints::parse(address).map_err(|reason| Error::Endpoint {
                number: index + 1,
                reason,
            })?;
            Ok(Voice {
                url,
                deployment: deployment.clone(),
                limit: config.request_timeout.min(LONGEST_WAIT),
                state: Mutex::default(),
            })
        };
        let all = config.rpc.iter().enumerate().map(voice);
        Ok(Self {
            all: all.collect::<Result<_, Error>>()?,
            needed,
        })
    }

    /// What the first endpoint says of a slot whose answer passes `check`.
    pub(super) async fn proof<T>(
        &self,
        contract: WalletAddress,
        slot: U256,
        anchor: &Anchor,
        check: impl Fn(EIP1186AccountProofResponse) -> Result<T, EndpointError>,
    ) -> Result<T, EndpointError> {
        let (check, block) = (&check, anchor.block);
        let ask = move |endpoint: Arc<Endpoint>| async move {
            check(endpoint.proof(contract, slot, &block).await?)
        };
        self.first(ask).await
    }

    /// What a stranger's gate answers, as enough endpoints say.
    pub(super) async fn told(&self, code: Bytes, anchor: &Anchor) -> Result<Told, EndpointError> {
        let block = anchor.block;
        let ask = |endpoint: Arc<Endpoint>| {
            let code = code.clone();
            async move {
                let left_behind = endpoint.run(code, gate::GAS, &block).await?;
                gate::answer(&left_behind)
            }
        };
        if self.needed < 2 {
            let open = self.first(ask).await?;
            let (agree, of) = (1, 1);
            return Ok(Told { open, agree, of });
        }
        let answers = join_all(self.all.iter().map(|voice| voice.ask(&ask))).await;
        agreement(answers, self.needed)
    }

    /// A number that enough endpoints say.
    pub(crate) async fn agreed<F>(
        &self,
        ask: impl Fn(Arc<Endpoint>) -> F,
    ) -> Result<u128, EndpointError>
    where
        F: Future<Output = Result<u128, EndpointError>>,
    {
        if self.needed < 2 {
            return self.first(ask).await;
        }
        let answers = join_all(self.all.iter().map(|voice| voice.ask(&ask))).await;
        most_said(answers, self.needed)
    }

    /// The first answer, those out of favour asked last.
    async fn first<T, F>(&self, ask: impl Fn(Arc<Endpoint>) -> F) -> Result<T, EndpointError>
    where
        F: Future<Output = Result<T, EndpointError>>,
    {
        let mut order: Vec<&Voice> = self.all.iter().collect();
        order.sort_by_key(|voice| voice.is_out_of_favour());
        let mut failure = EndpointError::Unreachable("no endpoint is configured".into());
        for voice in order {
            match voice.ask(&ask).await {
                Ok(answer) => return Ok(answer),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// The number that enough say.
fn most_said(answers: Vec<Result<u128, EndpointError>>, needed: u8) -> Result<u128, EndpointError> {
    let mut said: HashMap<u128, u8> = HashMap::new();
    for number in answers.iter().flatten() {
        let count = said.entry(*number).or_default();
        *count = count.saturating_add(1);
    }
    match said.into_iter().max_by_key(|(_, count)| *count) {
        Some((number, agree)) if agree >= needed => Ok(number),
        Some((_, agree)) if answers.iter().all(Result::is_ok) => {
            Err(EndpointError::Disagree { agree, needed })
        }
        most => {
            let agree = most.map_or(0, |(_, agree)| agree);
            let failure = answers.into_iter().find_map(Result::err);
            Err(failure.unwrap_or(EndpointError::Disagree { agree, needed }))
        }
    }
}

/// What enough say.
fn agreement(answers: Vec<Result<bool, EndpointError>>, needed: u8) -> Result<Told, EndpointError> {
    let of = u8::try_from(answers.len()).unwrap_or(u8::MAX);
    let count = |wanted| {
        let same = |answer: &&Result<bool, _>| answer.as_ref().is_ok_and(|open| *open == wanted);
        u8::try_from(answers.iter().filter(same).count()).unwrap_or(u8::MAX)
    };
    let (yes, no) = (count(true), count(false));
    let (open, agree) = if yes > no { (true, yes) } else { (false, no) };
    if agree >= needed && yes != no {
        return Ok(Told { open, agree, of });
    }
    if yes + no >= needed {
        return Err(EndpointError::Disagree { agree, needed });
    }
    let failure = answers.into_iter().find_map(Result::err);
    Err(failure.unwrap_or(EndpointError::Disagree { agree, needed }))
}

impl Voice {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_out_of_favour(&self) -> bool {
        let failed_at = self.state().failed_at;
        failed_at.is_some_and(|at| at.elapsed() < OUT_OF_FAVOUR)
    }

    async fn ask<T, F>(&self, ask: &impl Fn(Arc<Endpoint>) -> F) -> Result<T, EndpointError>
    where
        F: Future<Output = Result<T, EndpointError>>,
    {
        let answer = match self.connection().await {
            Ok(endpoint) => ask(endpoint).await,
            Err(error) => Err(error),
        };
        let mut state = self.state();
        if answer.is_err() {
            // The next question finds out whether it is the endpoint that it was.
            state.connection = None;
            state.failed_at = Some(Instant::now());
        } else {
            state.failed_at = None;
        }
        drop(state);
        answer
    }

    async fn connection(&self) -> Result<Arc<Endpoint>, EndpointError> {
        if let Some(known) = self.state().connection.clone() {
            return Ok(known);
        }
        let made = Endpoint::connect(&self.url, &self.deployment, self.limit).await?;
        let made = Arc::new(made);
        self.state().connection = Some(made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_believed_if_enough_say_it() {
        assert_eq!(most_said(vec![Ok(5), Ok(6), Ok(5)], 2), Ok(5));
        assert!(most_said(vec![Ok(5), Ok(6)], 2).is_err());
        let silent = || Err(EndpointError::RateLimited);
        assert_eq!(most_said(vec![Ok(5), silent()], 2), silent());
    }

    #[test]
    fn a_stranger_is_believed_if_enough_say_the_same() {
        let silent = || Err(EndpointError::RateLimited);
        let told = |open, agree, of| Ok(Told { open, agree, of });
        let all = vec![Ok(true), Ok(true), Ok(false)];
        assert_eq!(agreement(all.clone(), 2), told(true, 2, 3));
        let disagree = EndpointError::Disagree {
            agree: 2,
            needed: 3,
        };
        assert_eq!(agreement(all, 3), Err(disagree));
        let no = vec![Ok(false), silent(), Ok(false)];
        assert_eq!(agreement(no, 2), told(false, 2, 3));
        assert_eq!(
            agreement(vec![Ok(true), silent(), silent()], 2),
            Err(EndpointError::RateLimited)
        );
        // As many say yes as say no.
        let split = vec![Ok(true), Ok(true), Ok(false), Ok(false)];
        assert!(agreement(split, 2).is_err());
    }
}

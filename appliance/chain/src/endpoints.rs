//! The configured endpoints in order of preference: which one may be asked now, which one is in
//! use, and what is wrong with the others.

use std::time::Duration;

use alloy::transports::http::reqwest::Url;
use seedbox_core::EndpointStatus;
use tokio::{sync::watch, time::Instant};
use tracing::{info, warn};

use crate::{
    Config, Deployment, Error,
    endpoint::{self, Endpoint},
    endpoint_error::EndpointError,
};

/// Longest pause before a failing endpoint is tried again, in polls and at most.
const MAX_PAUSE_POLLS: u32 = 15;
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// All configured endpoints.
pub(crate) struct Endpoints {
    slots: Vec<Slot>,
    active: Option<usize>,
    deployment: Deployment,
    request_timeout: Duration,
    poll_interval: Duration,
    status: watch::Sender<Vec<EndpointStatus>>,
}

struct Slot {
    url: Url,
    name: String,
    connection: Option<Endpoint>,
    failures: u32,
    retry_at: Option<Instant>,
    error: Option<EndpointError>,
}

impl Endpoints {
    /// Reads the configured addresses; nothing is connected yet.
    pub(crate) fn new(config: &Config, deployment: Deployment) -> Result<Self, Error> {
        let slots = config
            .urls()?
            .into_iter()
            .map(|url| Slot {
                name: endpoint::name(&url),
                url,
                connection: None,
                failures: 0,
                retry_at: None,
                error: None,
            })
            .collect();
        let endpoints = Self {
            slots,
            active: None,
            deployment,
            request_timeout: config.request_timeout,
            poll_interval: config.poll_interval,
            status: watch::Sender::new(Vec::new()),
        };
        endpoints.publish();
        Ok(endpoints)
    }

    /// Every endpoint's state.
    pub(crate) fn status(&self) -> watch::Receiver<Vec<EndpointStatus>> {
        self.status.subscribe()
    }

    /// Those that may be asked now, the preferred first. One that failed pauses, the longer the
    /// more often it failed; then it comes first again.
    pub(crate) fn due(&self) -> Vec<usize> {
        let now = Instant::now();
        let due = |slot: &Slot| slot.retry_at.is_none_or(|at| at <= now);
        (0..self.slots.len())
            .filter(|&index| due(&self.slots[index]))
            .collect()
    }

    /// The connection to an endpoint, made and checked if there is none.
    pub(crate) async fn connection(&mut self, index: usize) -> Result<&Endpoint, EndpointError> {
        let slot = &mut self.slots[index];
        let connection = match slot.connection.take() {
            Some(connection) => connection,
            None => Endpoint::connect(&slot.url, &self.deployment, self.request_timeout).await?,
        };
        Ok(slot.connection.insert(connection))
    }

    /// This one has told all that the others could: it is the one in use.
    pub(crate) fn succeeded(&mut self, index: usize) {
        for (other, slot) in self.slots.iter_mut().enumerate() {
            if other != index {
                slot.connection = None;
            }
        }
        let slot = &mut self.slots[index];
        if self.active != Some(index) {
            info!(endpoint = slot.name, "following the chain");
        }
        (slot.failures, slot.retry_at, slot.error) = (0, None, None);
        self.active = Some(index);
        self.publish();
    }

    /// This one failed: it is left alone for a while.
    pub(crate) fn failed(&mut self, index: usize, error: EndpointError) {
        let pause = self.pause(self.slots[index].failures);
        let slot = &mut self.slots[index];
        slot.failures = slot.failures.saturating_add(1);
        slot.retry_at = Some(Instant::now() + pause);
        slot.connection = None;
        if self.active == Some(index) {
            self.active = None;
        }
        self.note(index, error);
    }

    /// This one is sound but has not seen the newest blocks: others are asked too, and it is asked
    /// again as if nothing were wrong.
    pub(crate) fn behind(&mut self, index: usize, error: EndpointError) {
        self.note(index, error);
    }

    fn note(&mut self, index: usize, error: EndpointError) {
        let slot = &mut self.slots[index];
        let known = slot.error.as_ref().map(std::mem::discriminant);
        if known != Some(std::mem::discriminant(&error)) {
            warn!(endpoint = slot.name, %error, "an endpoint cannot be used");
        }
        slot.error = Some(error);
        self.publish();
    }

    /// Waits for the endpoint in use to tell of a new head; for ever if it does not.
    pub(crate) async fn new_head(&mut self) {
        let active = self
            .active
            .and_then(|index| self.slots[index].connection.as_mut());
        match active {
            Some(endpoint) => endpoint.new_head().await,
            None => std::future::pending().await,
        }
    }

    /// Doubling from one poll, with a quarter of chance in it so that boxes do not come in step.
    fn pause(&self, failures: u32) -> Duration {
        let poll = self.poll_interval;
        let longest = (poll * MAX_PAUSE_POLLS).min(MAX_PAUSE).max(poll);
        let doubled = poll.saturating_mul(2u32.saturating_pow(failures.min(16)));
        doubled.min(longest).mul_f64(rand::random_range(0.75..1.25))
    }

    fn publish(&self) {
        let statuses: Vec<_> = self
            .slots
            .iter()
            .enumerate()
            .map(|(index, slot)| EndpointStatus {
                name: slot.name.clone(),
                active: self.active == Some(index),
                error: slot.error.as_ref().map(EndpointError::to_string),
            })
            .collect();
        self.status.send_if_modified(|current| {
            let changed = *current != statuses;
            *current = statuses;
            changed
        });
    }
}

/// The address of an endpoint, or what is wrong with it.
pub(crate) fn parse(address: &str) -> Result<Url, &'static str> {
    let url: Url = address.parse().map_err(|_| "it is not a URL")?;
    if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
        return Err("its scheme is unknown");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(rpc: &[&str]) -> Result<Endpoints, Error> {
        let config = Config {
            rpc: rpc.iter().map(|&address| address.to_owned()).collect(),
            ..Config::default()
        };
        Endpoints::new(&config, crate::made_up_chain::deployment())
    }

    #[test]
    fn a_wrong_address_is_named_by_its_place_alone() {
        let wrong = ["ftp://host/secret", "secret", "http://", "file:///secret"];
        for address in wrong {
            let error = endpoints(&["http://127.0.0.1:1", address])
                .err()
                .unwrap()
                .to_string();
            assert!(
                error.contains("number 2") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_endpoint_pauses_and_then_comes_first_again() {
        let mut endpoints = endpoints(&["http://a:1", "ws://b:2"]).unwrap();
        assert_eq!(endpoints.due(), [0, 1]);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let failed_at = Instant::now();
            endpoints.failed(0, EndpointError::RateLimited);
            assert_eq!(endpoints.due(), [1]);
            endpoints.succeeded(1);
            while endpoints.due() != [0, 1] {
                tokio::time::advance(Duration::from_millis(250)).await;
            }
            pauses.push(failed_at.elapsed().as_secs());
        }
        assert!(pauses[0] <= 6 && pauses[2] > pauses[0], "{pauses:?}");
        assert!(pauses.iter().all(|&pause| pause <= 76), "{pauses:?}");

        let status = endpoints.status().borrow().clone();
        assert_eq!(status[0].name, "http://a:1");
        assert!(status[0].error.is_some() && !status[0].active && status[1].active);
        endpoints.succeeded(0);
        assert_eq!(endpoints.due(), [0, 1]);
        assert!(endpoints.status().borrow()[0].active);
    }

    #[tokio::test]
    async fn an_endpoint_that_is_behind_stays_in_use_until_another_is_not() {
        let mut endpoints = endpoints(&["http://a:1", "http://b:2"]).unwrap();
        endpoints.succeeded(0);
        endpoints.behind(0, EndpointError::Behind { head: 1, tip: 2 });
        assert_eq!(endpoints.due(), [0, 1]);
        let status = endpoints.status();
        assert!(status.borrow()[0].active && status.borrow()[0].error.is_some());
        endpoints.succeeded(1);
        assert!(!status.borrow()[0].active && status.borrow()[1].active);
    }
}

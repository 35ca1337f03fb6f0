//! Keeps looking at the chain through whichever endpoint answers.

use std::{convert::Infallible, time::Duration};

use seedbox_core::EndpointStatus;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    endpoint_error::EndpointError,
    endpoints::Endpoints,
    reader::{Failure, Reader},
};

/// Pause between two looks however many blocks there are.
const SHORTEST_PAUSE: Duration = Duration::from_millis(400);

/// The reader and the endpoints it reads from.
pub(crate) struct Follower {
    reader: Reader,
    endpoints: Endpoints,
    poll_interval: Duration,
}

impl Follower {
    pub(crate) fn new(reader: Reader, endpoints: Endpoints, poll_interval: Duration) -> Self {
        Self {
            reader,
            endpoints,
            poll_interval,
        }
    }

    /// Every endpoint's state.
    pub(crate) fn endpoints(&self) -> watch::Receiver<Vec<EndpointStatus>> {
        self.endpoints.status()
    }

    /// Writes down what still waits to be written.
    pub(crate) async fn flush(&mut self) -> Result<(), seedbox_store::Error> {
        self.reader.flush().await
    }

    /// Looks at the chain every poll interval, and sooner when an endpoint tells of a new head.
    /// Ends only when the store fails.
    pub(crate) async fn run(&mut self) -> Result<Infallible, seedbox_store::Error> {
        loop {
            let next = Instant::now() + self.poll_interval;
            self.look().await?;
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.endpoints.new_head() => {}
            }
            // A chain of many blocks a second is not looked at for each.
            sleep((self.poll_interval / 10).min(SHORTEST_PAUSE)).await;
        }
    }

    /// Asks the endpoints in turn until one has told all there is to know.
    async fn look(&mut self) -> Result<(), seedbox_store::Error> {
        for index in self.endpoints.due() {
            let failure = match self.endpoints.connection(index).await {
                Err(error) => error,
                Ok(endpoint) => match self.reader.look(endpoint, seedbox_clock::now()).await {
                    Ok(()) => {
                        self.endpoints.succeeded(index);
                        return Ok(());
                    }
                    Err(Failure::Store(error)) => return Err(error),
                    Err(Failure::Endpoint(error)) => error,
                },
            };
            match failure {
                EndpointError::Behind { .. } | EndpointError::Withholds { .. } => {
                    self.endpoints.behind(index, failure)
                }
                _ => self.endpoints.failed(index, failure),
            }
        }
        Ok(())
    }
}

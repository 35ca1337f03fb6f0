//! The relay's WebTransport, where the owner told people of it: its streams are the relay's, and the
//! hashes of its certificates go into the URLs that are told.

use std::path::Path;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use seedbox_relay::Handle;
use seedbox_webtransport::{Config, Error, Fingerprint, Service};
use tokio::sync::watch;

use crate::{config::relay::Relay, supervise::Services};

/// In the data folder: the certificates and their keys.
pub(crate) const FOLDER: &str = "webtransport";
/// Visitors of one subscriber at the same time.
const PER_SUBSCRIBER: usize = 64;

/// The listener, and the URLs with what has to be known of it.
pub(crate) struct WebTransport {
    service: Option<Service>,
    urls: Vec<String>,
    told: watch::Sender<Vec<String>>,
}

impl WebTransport {
    /// Binds the listener if one is told of.
    pub(crate) fn bind(config: &Relay, data: &Path) -> Result<Self, Error> {
        let listener = config.webtransport.map(|listen| {
            Service::bind(Config {
                listen,
                folder: data.join(FOLDER),
                path: "/relay".to_owned(),
                visitors: config.limits.sockets,
                per_subscriber: PER_SUBSCRIBER,
            })
        });
        let service = listener.transpose()?;
        let port = service
            .as_ref()
            .map_or(0, |service| service.listening().port());
        // Port 0 stands for the one that is listened on.
        let at_port = |url: &String| url.replace(":0/relay", &format!(":{port}/relay"));
        let urls: Vec<String> = config.urls.iter().map(at_port).collect();
        let fingerprints = service
            .as_ref()
            .map(|service| *service.fingerprints().borrow());
        let told = watch::Sender::new(with_hashes(&urls, &fingerprints.unwrap_or_default()));
        Ok(Self {
            service,
            urls,
            told,
        })
    }

    /// Where clients reach the relay.
    pub(crate) fn urls(&self) -> watch::Receiver<Vec<String>> {
        self.told.subscribe()
    }

    /// Lets the listener run, if there is one.
    pub(crate) fn start(self, relay: Handle, services: &mut Services) {
        let Some(service) = self.service else {
            return;
        };
        let mut fingerprints = service.fingerprints();
        let (urls, told) = (self.urls, self.told);
        services.spawn("webtransport", |stop| async move {
            let serve = move |reader, writer| {
                let relay = relay.clone();
                async move { relay.serve_stream(reader, writer).await }
            };
            let tell = async {
                while fingerprints.changed().await.is_ok() {
                    told.send_replace(with_hashes(&urls, &fingerprints.borrow_and_update()));
                }
                std::future::pending().await
            };
            tokio::select! {
                ended = service.run(serve, stop) => Ok(ended?),
                () = tell => Ok(()),
            }
        });
    }
}

fn with_hashes(urls: &[String], fingerprints: &[Fingerprint; 2]) -> Vec<String> {
    let [now, next] = fingerprints.map(|hash| BASE64_URL_SAFE_NO_PAD.encode(hash));
    let with = |url: &String| match url.starts_with("https://") {
        true => format!("{url}#{now},{next}"),
        false => url.clone(),
    };
    urls.iter().map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_webtransport_has_hashes() {
        let urls = ["ws://a/relay".to_owned(), "https://a/relay".to_owned()];
        let told = with_hashes(&urls, &[[0; 32], [0xff; 32]]);
        assert_eq!(told[0], urls[0]);
        assert!(told[1].starts_with("https://a/relay#AAAA") && told[1].contains(",____"));
    }
}

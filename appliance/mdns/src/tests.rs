//! Two boxes on this machine's own interfaces, on a port of the test's own.

use std::net::UdpSocket;

use mdns_sd::{HostnameResolutionEvent, ServiceEvent};
use tokio::time::timeout;

use super::*;

const LIMIT: Duration = Duration::from_secs(30);

fn config(name: &str, port: u16) -> Config {
    Config {
        name: name.to_owned(),
        port,
    }
}

/// A port that no other test uses now.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.local_addr().unwrap().port()
}

async fn addresses(daemon: &ServiceDaemon, host: &str) -> bool {
    let found = daemon.resolve_hostname(host, Some(10_000)).unwrap();
    while let Ok(event) = found.recv_async().await {
        match event {
            HostnameResolutionEvent::AddressesFound(_, addresses) => return !addresses.is_empty(),
            HostnameResolutionEvent::SearchTimeout(_) => return false,
            _ => {}
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn two_boxes_are_both_found() {
    let port = free_port();
    let stop = CancellationToken::new();
    let (first, one) = Service::new(config("seedbox", port)).unwrap();
    let first = tokio::spawn(first.run(8080, stop.clone()));
    let seeker = ServiceDaemon::new_with_port(port).unwrap();
    assert!(addresses(&seeker, "seedbox.local.").await);

    // Of the same address: the name is no conflict, the page in the list of services is.
    let (second, two) = Service::new(config("seedbox", port)).unwrap();
    let second_stop = CancellationToken::new();
    let second = tokio::spawn(second.run(8090, second_stop.clone()));
    let pages = seeker.browse(WEB_PAGE).unwrap();
    let found = timeout(LIMIT, async {
        let mut ports = BTreeSet::new();
        while ports.len() < 2 {
            if let ServiceEvent::ServiceResolved(page) = pages.recv_async().await.unwrap() {
                ports.insert(page.get_port());
            }
        }
        ports
    });
    assert_eq!(found.await.unwrap(), BTreeSet::from([8080, 8090]));
    assert!(one.names().borrow().contains("seedbox.local"));
    assert!(two.names().borrow().contains("seedbox.local"));

    for (stop, running) in [(second_stop, second), (stop, first)] {
        stop.cancel();
        timeout(LIMIT, running).await.unwrap().unwrap().unwrap();
    }
    let _ = seeker.shutdown();
}

#[test]
fn a_name_is_one_label() {
    for good in ["seedbox", "Attic-2", "a"] {
        assert!(config(good, 1).check().is_ok(), "{good}");
    }
    let long = "a".repeat(41);
    for bad in ["", "-a", "a-", "two words", "seedbox.local", "käse", &long] {
        assert!(config(bad, 1).check().is_err(), "{bad}");
    }
}

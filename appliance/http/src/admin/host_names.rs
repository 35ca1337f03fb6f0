//! The names under which the admin listener answers. Anything else is a page that rebound its
//! own DNS name to the box's address.

use std::{
    collections::{BTreeSet, HashSet},
    net::Ipv6Addr,
};

use axum::http::{HeaderMap, Uri, header};
use tokio::sync::watch;

/// The allow-list of host names.
pub(crate) struct HostNames {
    fixed: HashSet<String>,
    /// Those that the home network gave the box, which may change.
    local: watch::Receiver<BTreeSet<String>>,
}

impl HostNames {
    /// The box's own names, those `configured` and those in the home network.
    pub(crate) fn new(configured: &[String], local: watch::Receiver<BTreeSet<String>>) -> Self {
        let machine = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let mut names: HashSet<String> = configured.iter().map(|name| canonical(name)).collect();
        names.insert("localhost".to_owned());
        let machine = canonical(&machine);
        if !machine.is_empty() {
            names.insert(format!("{machine}.local"));
            names.insert(machine);
        }
        HostNames {
            fixed: names,
            local,
        }
    }

    /// Whether a request is meant for this box. An absolute request target outranks the Host
    /// header (RFC 9112, 3.2.2), so both must be right.
    pub(crate) fn allows(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let named = host.to_str().is_ok_and(|host| self.allows_authority(host));
        named
            && uri
                .authority()
                .is_none_or(|authority| self.allows_authority(authority.as_str()))
    }

    fn allows_authority(&self, authority: &str) -> bool {
        if let Some(rest) = authority.strip_prefix('[') {
            let Some((address, port)) = rest.split_once(']') else {
                return false;
            };
            return address.parse::<Ipv6Addr>().is_ok() && is_port(port);
        }
        let (host, port) = match authority.find(':') {
            Some(colon) => authority.split_at(colon),
            None => (authority, ""),
        };
        let host = canonical(host);
        is_port(port)
            && (host.parse::<std::net::Ipv4Addr>().is_ok()
                || self.fixed.contains(&host)
                || self.local.borrow().contains(&host))
    }
}

fn canonical(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// Nothing, or a colon and digits.
fn is_port(port: &str) -> bool {
    port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(names: &[&str]) -> watch::Receiver<BTreeSet<String>> {
        watch::channel(names.iter().map(|name| (*name).to_owned()).collect()).1
    }

    #[test]
    fn knows_its_own_names() {
        let local = local(&["seedbox.local", "seedbox-2.local"]);
        let names = HostNames::new(&["Box.Example.".to_owned()], local);
        for good in [
            "seedbox.local",
            "SEEDBOX.local:8080",
            "seedbox.local.",
            "seedbox-2.local",
            "localhost:8080",
            "192.168.1.7",
            "192.168.1.7:8080",
            "[fe80::1]:8080",
            "[::1]",
            "box.example:80",
        ] {
            assert!(names.allows_authority(good), "{good}");
        }
    }

    #[test]
    fn refuses_everybody_elses() {
        let names = HostNames::new(&[], local(&["seedbox.local"]));
        for bad in [
            "",
            "evil.example",
            "seedbox.local.evil.example",
            "evil-seedbox.local",
            "seedbox-2.local",
            "192.168.1.7.evil.example",
            "localhost@evil.example",
            "localhost:x",
            "[::1].evil.example",
            "[evil",
            "2130706433x",
        ] {
            assert!(!names.allows_authority(bad), "{bad}");
        }
    }

    #[test]
    fn follows_the_name_that_the_box_holds() {
        let (tell, local) = watch::channel(BTreeSet::new());
        let names = HostNames::new(&[], local);
        assert!(!names.allows_authority("seedbox-3.local"));
        tell.send_replace(BTreeSet::from(["seedbox-3.local".to_owned()]));
        assert!(names.allows_authority("seedbox-3.local:80"));
    }

    #[test]
    fn both_the_target_and_the_header_count() {
        let names = HostNames::new(&[], local(&[]));
        let mut headers = HeaderMap::new();
        let uri = Uri::from_static("/");
        assert!(!names.allows(&uri, &headers));
        headers.append(header::HOST, "localhost".parse().unwrap());
        assert!(names.allows(&uri, &headers));
        assert!(!names.allows(&Uri::from_static("http://evil.example/"), &headers));
        headers.append(header::HOST, "localhost".parse().unwrap());
        assert!(!names.allows(&uri, &headers));
    }
}

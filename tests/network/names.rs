//! Two real boxes in one home network, each in a namespace of its own on one bridge, asked by mDNS as
//! any computer asks. Wants root; `make names-test`.

use std::{
    net::{Ipv4Addr, UdpSocket},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use system_tests::{
    process::run,
    seedbox::{Seedbox, Settings},
    wait::{hold, wait_until},
};

const LIMIT: Duration = Duration::from_secs(60);
/// Longer than a box takes to look at its addresses again.
const WHILE: Duration = Duration::from_secs(15);
/// Group and port of mDNS (RFC 6762, section 3).
const GROUP: (Ipv4Addr, u16) = (Ipv4Addr::new(224, 0, 0, 251), 5353);
const PATIENCE: Duration = Duration::from_secs(1);
/// In this namespace, on the bridge.
const HERE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

#[test]
fn the_second_box_takes_the_next_name() -> Result<()> {
    ip("link add home type bridge mcast_snooping 0")?;
    ip(&format!("address add {HERE}/24 dev home"))?;
    ip("link set home up")?;
    let (one, two) = (Ipv4Addr::new(10, 77, 0, 11), Ipv4Addr::new(10, 77, 0, 12));

    let first = start("one", one)?;
    wait_until("the first box's name", LIMIT, || {
        has("seedbox.local", &[one])
    })?;
    let second = start("two", two)?;
    wait_until("the second box's name", LIMIT, || {
        has("seedbox-2.local", &[two])
    })?;
    hold("each has its own name", WHILE, || {
        has("seedbox.local", &[one])?;
        has("seedbox-2.local", &[two])
    })?;
    ensure!(opens(&first, "seedbox.local")?, "the first box's panel");
    ensure!(opens(&second, "seedbox-2.local")?, "the second box's panel");
    ensure!(!opens(&first, "seedbox-2.local")?, "of another's name");

    // Who goes says so, and the one who stays keeps the name that people have noted down.
    first.terminate()?;
    wait_until("the first name to be free", LIMIT, || {
        has("seedbox.local", &[])
    })?;
    has("seedbox-2.local", &[two])?;
    let _again = start("three", one)?;
    wait_until("the first name again", LIMIT, || {
        has("seedbox.local", &[one])
    })?;
    has("seedbox-2.local", &[two])
}

fn ip(arguments: &str) -> Result<String> {
    run(Command::new("ip").args(arguments.split(' ')))
}

/// A box at this address of the bridge.
fn start(place: &str, address: Ipv4Addr) -> Result<Seedbox> {
    ip(&format!("netns add {place}"))?;
    ip(&format!(
        "link add to-{place} type veth peer name eth0 netns {place}"
    ))?;
    ip(&format!("link set to-{place} master home up"))?;
    ip(&format!("-n {place} link set lo up"))?;
    ip(&format!("-n {place} address add {address}/24 dev eth0"))?;
    ip(&format!("-n {place} link set eth0 up"))?;
    let enter = ["ip", "netns", "exec", place].map(str::to_owned);
    Settings::new()?
        .set("mdns", "true")
        .set("admin_listen", format!("{address}:8080"))
        .set("public_listen", format!("{address}:8081"))
        .set("lan", "10.77.0.0/24")
        .inside(enter.to_vec())
        .start()
}

/// Whether the panel answers to a name.
fn opens(seedbox: &Seedbox, name: &str) -> Result<bool> {
    let host = format!("{name}:8080");
    let answer = seedbox.admin().send("GET", "/", &[("host", &host)], None)?;
    Ok(answer.status == 200)
}

/// Fails unless exactly these addresses answer to a name.
fn has(name: &str, expected: &[Ipv4Addr]) -> Result<()> {
    let found = ask(name)?;
    ensure!(found == expected, "{name} is {found:?}, not {expected:?}");
    Ok(())
}

/// Asks the network for a name's addresses, as a simple resolver does (RFC 6762, section 6.7), and
/// gathers what comes within a second.
fn ask(name: &str) -> Result<Vec<Ipv4Addr>> {
    let socket = UdpSocket::bind((HERE, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // One question: an address (A) of the class Internet.
    let mut question = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len())?);
        question.extend_from_slice(label.as_bytes());
    }
    question.extend_from_slice(&[0, 0, 1, 0, 1]);
    socket.send_to(&question, GROUP)?;
    let mut found = Vec::new();
    let mut answer = [0; 1500];
    while let Ok((length, _)) = socket.recv_from(&mut answer) {
        let answer = answer.get(..length).context("too long")?;
        found.extend(addresses(answer));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The addresses in an answer: each behind its record's type A, class, time to live and length 4.
fn addresses(answer: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    answer.windows(14).filter_map(|record| match record {
        [0, 1, 0 | 0x80, 1, _, _, _, _, 0, 4, a, b, c, d] => Some(Ipv4Addr::new(*a, *b, *c, *d)),
        _ => None,
    })
}

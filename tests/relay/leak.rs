//! Who learns a client's IP address: each client and each box in a network namespace of its own, every
//! packet at the clients captured, and all memory, files, logs and answers of everybody searched. Wants
//! root and `tcpdump`; `make relay-leak-test`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::Ipv6Addr,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use memchr::memmem;
use rustix::process::Signal;
use seedbox_relay_proto::Descriptor;
use serde_json::Value;
use system_tests::{
    http::Client,
    process::{Process, run},
    seedbox::Settings,
    wait::{hold, wait_until},
};

const LIMIT: Duration = Duration::from_secs(30);
/// How long people talk before everybody is searched.
const TALK: Duration = Duration::from_secs(4);
const PORT: u16 = 8081;
const MESH: u16 = 4241;

/// Long and without zeros, so that sixteen bytes of memory are found by nothing else.
fn address(number: u16) -> Ipv6Addr {
    let own = 0xa1b3 ^ number.wrapping_mul(0x1357);
    Ipv6Addr::new(0xfd5e, 0x1d3b, 0x9a71, own, 0x6c2f, 0xe8d4, 0x37b9, own)
}

fn ip(arguments: &str) -> Result<String> {
    run(Command::new("ip").args(arguments.split(' ')))
}

/// A namespace whose only way leads through this one, which forwards.
struct Place {
    name: String,
    address: Ipv6Addr,
}

impl Place {
    fn new(number: u16, name: &str) -> Result<Self> {
        let address = address(number);
        let gateway = Ipv6Addr::new(0xfd5e, 0, 0, number, 0, 0, 0, 1);
        let inside = Ipv6Addr::new(0xfd5e, 0, 0, number, 0, 0, 0, 2);
        ip(&format!("netns add {name}"))?;
        ip(&format!(
            "link add to-{name} type veth peer name eth0 netns {name}"
        ))?;
        ip(&format!("address add {gateway}/64 dev to-{name} nodad"))?;
        ip(&format!("link set to-{name} up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        ip(&format!("-n {name} address add {inside}/64 dev eth0 nodad"))?;
        ip(&format!(
            "-n {name} address add {address}/128 dev eth0 nodad"
        ))?;
        ip(&format!("-n {name} link set eth0 up"))?;
        ip(&format!(
            "-n {name} route add default via {gateway} src {address}"
        ))?;
        ip(&format!("route add {address} via {inside}"))?;
        Ok(Self {
            name: name.to_owned(),
            address,
        })
    }

    /// The same command, inside.
    fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.name]);
        inside.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            if let Some(value) = value {
                inside.env(key, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        inside
    }
}

/// A box in its place.
struct RelayBox {
    place: Place,
    settings: Settings,
    process: Process,
    public: Client,
    descriptor: Descriptor,
}

impl RelayBox {
    fn start(number: u16, known: &[&RelayBox]) -> Result<Self> {
        let place = Place::new(number, &format!("box{number}"))?;
        let boxes: Vec<String> = known
            .iter()
            .map(|other| {
                let id = hex::encode(other.descriptor.node.0);
                format!("{id}@[{}]:{MESH}", other.place.address)
            })
            .collect();
        let mut settings = Settings::new()?
            .set("public_listen", format!("[::]:{PORT}"))
            .set("mesh_listen", format!("[::]:{MESH}"))
            .set("mesh_addresses", format!("[{}]:{MESH}", place.address))
            .set("lan", "fd00::/8")
            .set("log", "trace");
        if !boxes.is_empty() {
            settings = settings.set("relay_boxes", boxes.join(","));
        }
        fs::create_dir_all(settings.data())?;
        let log = settings.data().with_extension("log");
        let mut process = Process::start(&place.inside(&settings.command("run")?), &log)?;
        let public = Client::new(format!("http://[{}]:{PORT}", place.address));
        let descriptor = wait_until("the box to answer", LIMIT, || {
            process.ensure_running()?;
            let answer: Value = public.get("/v1/relay")?;
            let text = answer["descriptors"][0].as_str().context("no descriptor")?;
            let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
            Ok(Descriptor::read(&BASE64_STANDARD.decode(text)?, now)?)
        })
        .with_context(|| process.last_words())?;
        Ok(Self {
            place,
            settings,
            process,
            public,
            descriptor,
        })
    }

    fn knows(&self, number: usize) -> Result<()> {
        wait_until("the boxes to know each other", LIMIT, || {
            let answer: Value = self.public.get("/v1/relays")?;
            let known = answer["descriptors"].as_array().map_or(0, Vec::len);
            ensure!(known >= number, "{known} known");
            Ok(())
        })
    }

    /// What the box has told or written, and all its memory.
    fn everything(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let name = &self.place.name;
        let mut found = vec![(format!("{name}'s memory"), memory(self.process.id())?)];
        found.push((format!("{name}'s log"), self.process.log().into_bytes()));
        for path in [
            "/v1/relays",
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/nothing",
        ] {
            let answer = self.public.send("GET", path, &[], None)?;
            found.push((format!("{name}{path}"), answer.body));
        }
        files(&self.settings.data(), &mut found)?;
        Ok(found)
    }
}

/// Every byte of a process that it could read itself.
fn memory(process: u32) -> Result<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let file = File::open(format!("/proc/{process}/mem"))?;
    let mut all = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let range = fields.next().and_then(|range| range.split_once('-'));
        let (start, end) = range.context("no range")?;
        if !fields.next().is_some_and(|rights| rights.starts_with("rw")) {
            continue;
        }
        let start = u64::from_str_radix(start, 16)?;
        let length = usize::try_from(u64::from_str_radix(end, 16)? - start)?;
        let from = all.len();
        all.resize(from + length, 0);
        // Pages that were never touched, and the kernel's own, cannot be read.
        let _ = file.read_exact_at(&mut all[from..], start);
    }
    Ok(all)
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push((path.display().to_string(), fs::read(&path)?));
        }
    }
    Ok(())
}

/// Somebody who talks, and what passes his wire.
struct Person {
    place: Place,
    process: Process,
    capture: Process,
    packets: PathBuf,
    entry: usize,
    folder: tempfile::TempDir,
}

impl Person {
    /// Enters by the first of the boxes; the room is on the last.
    fn start(
        number: u16,
        name: &str,
        boxes: &[RelayBox],
        path: &[usize],
        says: &str,
    ) -> Result<Self> {
        let place = Place::new(number, name)?;
        let folder = tempfile::tempdir()?;
        let packets = folder.path().join("packets");
        let mut tcpdump = Command::new("tcpdump");
        tcpdump
            .args(["-n", "-U", "-Z", "root", "-i", "any", "-w"])
            .arg(&packets);
        let mut capture = Process::start(&place.inside(&tcpdump), &folder.path().join("tcpdump"))?;
        wait_until("the capture to begin", LIMIT, || {
            capture.ensure_running()?;
            ensure!(capture.log().contains("listening on"));
            Ok(())
        })?;
        let first = &boxes[path[0]];
        let mut command = Command::new(env!("CARGO_BIN_EXE_relay_person"));
        command
            .arg(format!("[{}]:{PORT}", first.place.address))
            .arg(says);
        for number in path {
            let descriptor = &boxes[*number].descriptor;
            let (node, noise) = (
                hex::encode(descriptor.node.0),
                hex::encode(descriptor.noise.0),
            );
            command.arg(format!("{node}:{noise}"));
        }
        let process = Process::start(&place.inside(&command), &folder.path().join("log"))?;
        Ok(Self {
            place,
            process,
            capture,
            packets,
            entry: path[0],
            folder,
        })
    }

    fn everything(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let name = &self.place.name;
        let log = self.process.log().into_bytes();
        Ok(vec![
            (format!("{name}'s memory"), memory(self.process.id())?),
            (format!("{name}'s log"), log),
        ])
    }

    /// What passed the wire, a line a packet.
    fn wire(&mut self) -> Result<String> {
        self.capture.end(Signal::INT, LIMIT)?;
        run(Command::new("tcpdump")
            .args(["-n", "-r"])
            .arg(&self.packets))
    }
}

/// Whether an address is somewhere, as bytes or as text.
fn holds(bytes: &[u8], address: Ipv6Addr) -> bool {
    let text = address.to_string();
    [&address.octets()[..], text.as_bytes()]
        .iter()
        .any(|needle| memmem::find(bytes, needle).is_some())
}

/// Lets two people talk over these paths and looks for their addresses everywhere.
fn leaks(what: &str, annas: &[usize], berts: &[usize]) -> Result<()> {
    eprintln!("{what}");
    let mut boxes: Vec<RelayBox> = Vec::new();
    for number in 0..4 {
        let known: Vec<&RelayBox> = boxes.iter().collect();
        let started = RelayBox::start(number, &known)?;
        boxes.push(started);
    }
    for relay in &boxes {
        relay.knows(4)?;
    }
    let mut people = [
        Person::start(
            11,
            "anna",
            &boxes,
            annas,
            "the heron stands in shallow water at dusk",
        )?,
        Person::start(
            12,
            "bert",
            &boxes,
            berts,
            "a brass key under the third flowerpot",
        )?,
    ];
    for (person, hears) in people.iter_mut().zip(["brass key", "heron stands"]) {
        wait_until("people to hear each other", LIMIT, || {
            person.process.ensure_running()?;
            ensure!(
                person.process.log().contains(hears),
                "{}",
                person.process.last_words()
            );
            Ok(())
        })?;
    }
    hold("people talk", TALK, || Ok(()))?;

    let mut found = BTreeMap::new();
    for relay in &boxes {
        found.insert(relay.place.name.clone(), relay.everything()?);
    }
    for person in &people {
        found.insert(person.place.name.clone(), person.everything()?);
    }
    for person in &people {
        let entry = &boxes[person.entry].place.name;
        for (who, texts) in &found {
            if *who == person.place.name {
                continue;
            }
            for (where_, bytes) in texts {
                let is_there = holds(bytes, person.place.address);
                if who == entry && where_.ends_with("memory") {
                    // Shows as well that the search finds what is there.
                    ensure!(
                        is_there,
                        "the search does not find {} at its own entry",
                        person.place.name
                    );
                    continue;
                }
                ensure!(
                    !is_there,
                    "{what}: {}'s address is in {where_}",
                    person.place.name
                );
            }
        }
    }
    no_content(what, &found)?;

    let addresses = people
        .each_ref()
        .map(|person| person.place.address.to_string());
    for (number, person) in people.iter_mut().enumerate() {
        let entry = boxes[person.entry].place.address.to_string();
        let wire = person.wire()?;
        let packets = wire.lines().filter(|line| line.contains(&entry)).count();
        ensure!(
            packets > 20,
            "{packets} packets with the entry: nothing was captured"
        );
        let between = wire
            .lines()
            .find(|line| line.contains(&addresses[1 - number]));
        ensure!(
            between.is_none(),
            "{what}: a packet between clients: {between:?}"
        );
        ensure!(person.folder.path().exists());
    }
    drop(people);
    drop(boxes);
    for name in ["anna", "bert", "box0", "box1", "box2", "box3"] {
        // A namespace goes some time after its name; its link has to be gone before the next one's.
        ip(&format!("link delete to-{name}"))?;
        ip(&format!("netns delete {name}"))?;
    }
    Ok(())
}

/// No box has what was said, in memory or on disk.
fn no_content(what: &str, found: &BTreeMap<String, Vec<(String, Vec<u8>)>>) -> Result<()> {
    for said in ["the heron stands in shallow", "a brass key under the third"] {
        let holds = |bytes: &[u8]| memmem::find(bytes, said.as_bytes()).is_some();
        for (who, texts) in found {
            for (where_, bytes) in texts {
                if who.starts_with("box") {
                    ensure!(!holds(bytes), "{what}: \"{said}\" is in {where_}");
                } else if where_.ends_with("memory") {
                    ensure!(holds(bytes), "the search does not find what {who} knows");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn nobody_but_the_entry_learns_an_address() -> Result<()> {
    run(Command::new("sysctl").args(["-qw", "net.ipv6.conf.all.forwarding=1"]))?;
    // Whose box is whose says who may search it: bert's are those of his path.
    leaks("two hops", &[0, 1], &[2, 1])?;
    leaks("three hops", &[0, 2, 1], &[3, 1])?;
    leaks("the callee runs the room's box", &[0, 1], &[1])?;
    leaks(
        "the callee runs the caller's second hop",
        &[0, 3, 1],
        &[3, 1],
    )
}

//! The box's name in the home network: two boxes on one wire, each machine a network namespace.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use system_tests::{
    process::{Process, run},
    seedbox::Settings,
    wait::{hold, wait_until},
};

const LIMIT: Duration = Duration::from_secs(60);
const NEXT: &str = "this one is seedbox-2.local";

/// Two machines and the wire between them.
struct Wire([String; 2]);

impl Wire {
    fn lay() -> Result<Self> {
        let id = std::process::id();
        let wire = Self([format!("seedbox-{id}-a"), format!("seedbox-{id}-b")]);
        let [a, b] = &wire.0;
        for machine in &wire.0 {
            ip(&["netns", "add", machine])?;
        }
        ip(&[
            "link", "add", "eth0", "netns", a, "type", "veth", "peer", "name", "eth0", "netns", b,
        ])?;
        for (machine, address) in [(a, "192.168.77.1/24"), (b, "192.168.77.2/24")] {
            ip(&["-n", machine, "addr", "add", address, "dev", "eth0"])?;
            ip(&["-n", machine, "link", "set", "eth0", "up"])?;
            ip(&["-n", machine, "link", "set", "lo", "up"])?;
        }
        for machine in &wire.0 {
            wait_until("the wire to carry", LIMIT, || {
                let link = ip(&["-n", machine, "link", "show", "eth0"])?;
                ensure!(link.contains("state UP"), "{link}");
                Ok(())
            })?;
        }
        Ok(wire)
    }

    /// Starts a box on one of the machines.
    fn start(&self, machine: usize, settings: &Settings, log: &Path) -> Result<Process> {
        let inside = settings.command("run")?;
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.0[machine]])
            .arg(inside.get_program())
            .args(inside.get_args());
        for (name, value) in inside.get_envs() {
            command.env(name, value.context("no value")?);
        }
        Process::start(&command, log)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for machine in &self.0 {
            let _ = ip(&["netns", "del", machine]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<String> {
    run(Command::new("ip").args(arguments))
}

#[test]
fn the_second_box_in_a_network_takes_the_next_name() -> Result<()> {
    let wire = match Wire::lay() {
        Ok(wire) => wire,
        Err(error) => {
            eprintln!("note: no network can be laid here: {error:#}");
            return Ok(());
        }
    };
    let settings = || Ok::<_, anyhow::Error>(Settings::new()?.set("mdns", "true"));
    let [first, second] = [settings()?, settings()?];
    let mut one = wire.start(0, &first, &first.folder().join("log"))?;
    // Three questions, a quarter of a second apart, and the name is its own (RFC 6762, 8.1).
    hold("the first takes the name", Duration::from_secs(4), || {
        one.ensure_running()
    })?;
    let two = wire.start(1, &second, &second.folder().join("log"))?;
    wait_until("the second to take the next name", LIMIT, || {
        ensure!(two.log().contains(NEXT), "{}", two.last_words());
        Ok(())
    })?;
    ensure!(!one.log().contains(NEXT), "{}", one.last_words());
    Ok(())
}

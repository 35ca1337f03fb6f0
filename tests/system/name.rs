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
fn two_boxes_in_a_network_take_different_names() -> Result<()> {
    let wire = match Wire::lay() {
        Ok(wire) => wire,
        Err(error) => {
            eprintln!("note: no network can be laid here: {error:#}");
            return Ok(());
        }
    };
    let settings = || Ok::<_, anyhow::Error>(Settings::new()?.set("mdns", "true"));
    let settings = [settings()?, settings()?];
    let mut boxes = Vec::new();
    for (machine, settings) in settings.iter().enumerate() {
        std::fs::create_dir_all(settings.data())?;
        boxes.push(wire.start(machine, settings, &settings.folder().join("log"))?);
    }
    // Started at once, either may win the name.
    let renamed = || boxes.iter().filter(|one| one.log().contains(NEXT)).count();
    wait_until("one of them to take the next name", LIMIT, || {
        ensure!(
            renamed() == 1,
            "{} did:\n{}",
            renamed(),
            boxes[0].last_words()
        );
        Ok(())
    })?;
    hold("the other keeps the first", Duration::from_secs(3), || {
        ensure!(renamed() == 1, "both took it");
        Ok(())
    })
}

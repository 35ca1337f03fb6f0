//! Light and button, soldered to the lines of a simulated board (gpio-sim) beside the emulated one,
//! whose lines nobody can pull: a forgotten password, and the box made as new.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use system_tests::{
    qemu::{Card, Machine, START_LIMIT},
    seedbox::PASSWORD,
};

use crate::owner::{LIMIT, Owner};

const PRESETS: &str = "led_pin = 17\nbutton_pin = 27\n";
/// The lines of a Pi 5's header, which goes before those of the emulated Pi 3.
const BOARD: &str = "modprobe gpio-sim && mount -t configfs configfs /sys/kernel/config && \
     cd /sys/kernel/config/gpio-sim && mkdir -p pi/bank0 && cd pi && echo 28 > bank0/num_lines && \
     echo pinctrl-rp1 > bank0/label && echo 1 > live && udevadm settle && systemctl restart seedbox";
/// Held for two seconds and let go, the box may be claimed anew; after ten it is reset.
const FORGOTTEN: Duration = Duration::from_secs(4);
const RESET: Duration = Duration::from_secs(14);

#[test]
fn the_button_opens_the_box_to_a_new_owner_and_makes_it_as_new() -> Result<()> {
    let card = Card::flash()?;
    card.put("seedbox.toml", PRESETS.as_bytes())?;
    let mut machine = card.start(&[])?;
    machine.wait_panel()?;
    let first = machine.claim_code()?;
    Owner::claim(&machine, &first)?.link(&format!("0x{}", "ab".repeat(20)))?;
    machine.wait_shell("true")?;
    machine.shell(BOARD)?;
    machine.wait_panel()?;
    machine.wait("the light to be lit", LIMIT, |machine| {
        let lit =
            machine.shell("cat /sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio17/value")?;
        ensure!(lit.trim() == "1", "it is {lit}");
        Ok(())
    })?;
    ensure!(machine.claim_code()? == first, "a new code by itself");

    press(&mut machine, FORGOTTEN)?;
    let second = new_code(&mut machine, &first)?;
    machine.wait("the code on the boot partition", LIMIT, |machine| {
        let lies = machine.shell("cat /boot/firmware/claim-code.txt")?;
        ensure!(lies.contains(&second), "{lies}");
        Ok(())
    })?;
    let mine = Owner::sign_in(&machine)?;
    ensure!(
        mine.wallets()?.contains(&"ab".repeat(20)),
        "the wallet is gone"
    );
    // As somebody who has forgotten it: another password, and the first opens nothing any more.
    let answer = machine.panel().post(
        "/api/v1/claim",
        &json!({"code": second, "password": "another good password"}),
    )?;
    ensure!(answer.status < 300, "{}", answer.text());
    ensure!(
        Owner::sign_in(&machine).is_err(),
        "{PASSWORD} still opens it"
    );
    println!("a forgotten password was replaced by the button");

    press(&mut machine, RESET)?;
    let third = new_code(&mut machine, &second)?;
    let owner = machine.wait("the box to be claimed", LIMIT, |machine| {
        Owner::claim(machine, &third)
    })?;
    ensure!(
        !owner.wallets()?.contains(&"ab".repeat(20)),
        "the wallet is still there"
    );
    println!("the box was made as new by the button");
    Ok(())
}

fn new_code(machine: &mut Machine, old: &str) -> Result<String> {
    machine.wait("a new claim code", START_LIMIT, |machine| {
        let shown = machine.shown_code()?;
        ensure!(shown != old, "the old one");
        Ok(shown)
    })
}

/// Holds the button, by the machine's own clock.
fn press(machine: &mut Machine, span: Duration) -> Result<()> {
    let line = "/sys/devices/platform/gpio-sim.0/gpiochip*/sim_gpio27/pull";
    let script = format!(
        "for f in {line}; do echo pull-down > $f; sleep {}; echo pull-up > $f; done",
        span.as_secs()
    );
    let unit = format!("systemd-run --quiet --collect --expand-environment=no sh -c '{script}'");
    machine.shell(&unit).map(drop)
}

//! What the card wears in an hour in which nobody wants anything, counted where it is written:
//! `make image-idle`. `SEEDBOX_IDLE` is another number of seconds.

use std::time::Duration;

use anyhow::{Result, ensure};
use system_tests::qemu::Card;

use crate::owner::Owner;

const HOUR: u64 = 3600;
/// The most that may be written in an hour, bytes.
const BAR: u64 = 5_000_000;
/// After the claim, until all that the start has left to write is written.
const SETTLE: Duration = Duration::from_secs(120);

#[test]
#[ignore = "takes an hour: make image-idle"]
fn hardly_anything_is_written_in_an_idle_hour() -> Result<()> {
    let asked = std::env::var("SEEDBOX_IDLE").ok();
    let seconds = asked.map_or(Ok(HOUR), |text| text.parse())?;
    let card = Card::flash()?;
    let mut machine = card.start(&[])?;
    machine.wait_panel()?;
    let code = machine.claim_code()?;
    Owner::claim(&machine, &code)?.link(&format!("0x{}", "ef".repeat(20)))?;
    machine.wait_shell("true")?;
    machine.hold(SETTLE)?;
    let before = machine.written()?;
    machine.hold(Duration::from_secs(seconds))?;
    let written = machine.written()? - before;
    let an_hour = written * HOUR / seconds;
    println!("written in {seconds} idle seconds: {written} bytes, {an_hour} an hour");
    ensure!(an_hour <= BAR, "{an_hour} bytes an hour");
    machine.cut_power()
}

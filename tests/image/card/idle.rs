//! What the card wears in an hour in which nobody wants anything, counted where it is written:
//! `make image-idle`. `SEEDBOX_IDLE` is another number of seconds.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use system_tests::qemu::Card;

use crate::owner::{LIMIT, Owner};

const HOUR: u64 = 3600;
/// The most that may be written in an hour, bytes.
const BAR: u64 = 5_000_000;
/// After the claim, until all that the start has left to write is written.
const SETTLE: Duration = Duration::from_secs(120);
/// Between two looks at the count. They write nothing.
const LOOK: Duration = Duration::from_secs(600);

#[test]
#[ignore = "takes an hour: make image-idle"]
fn hardly_anything_is_written_in_an_idle_hour() -> Result<()> {
    let asked = std::env::var("SEEDBOX_IDLE").ok();
    let seconds = asked.map_or(Ok(HOUR), |text| text.parse())?;
    let span = Duration::from_secs(seconds);
    let card = Card::flash()?;
    let mut machine = card.start(&[])?;
    machine.wait_panel()?;
    let code = machine.claim_code()?;
    Owner::claim(&machine, &code)?.link(&format!("0x{}", "ef".repeat(20)))?;
    machine.wait_shell("true")?;
    machine.hold(SETTLE)?;
    let before = machine.wait("the count", LIMIT, |machine| machine.written())?;
    let started = Instant::now();
    let written = loop {
        machine.hold(span.saturating_sub(started.elapsed()).min(LOOK))?;
        let now = machine.wait("the count", LIMIT, |machine| machine.written())?;
        let passed = started.elapsed();
        println!("after {} s: {} bytes", passed.as_secs(), now - before);
        if passed >= span {
            break now - before;
        }
    };
    let an_hour = written * HOUR / started.elapsed().as_secs().max(1);
    println!("written in {seconds} idle seconds: {written} bytes, {an_hour} an hour");
    ensure!(an_hour <= BAR, "{an_hour} bytes an hour");
    machine.cut_power()
}

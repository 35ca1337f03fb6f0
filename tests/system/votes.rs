//! Votes: who held something at the proposal's block counts, once; everybody recounts; and a box that
//! keeps votes back is found out by another.

use std::time::Duration;

use anyhow::{Result, ensure};
use seedbox_core::votes::{Measure, Proposal};
use serde_json::{Value, json};
use system_tests::{
    anvil::Anvil,
    seedbox::{Seedbox, Settings},
};

const LIMIT: Duration = Duration::from_secs(60);

fn start(anvil: &Anvil) -> Result<Seedbox> {
    let settings = Settings::new()?
        .set("rpc", anvil.url())
        .set("deployment", anvil.deployment().display().to_string())
        .set("chain_trust", "unproved");
    let mut seedbox = settings.start()?;
    seedbox.claim()?;
    seedbox.wait_block(anvil.height()?, LIMIT)?;
    Ok(seedbox)
}

fn hex_of(proposal: Proposal) -> String {
    format!("0x{}", hex::encode(proposal.bytes()))
}

fn votes(seedbox: &Seedbox, proposal: &str) -> Result<Value> {
    seedbox.public().get(&format!("/v1/votes/{proposal}"))
}

fn post(seedbox: &Seedbox, vote: &Value, status: u16) -> Result<()> {
    let answer = seedbox
        .public()
        .send("POST", "/v1/votes", &[], Some(vote))?;
    let text = answer.text();
    ensure!(answer.status == status, "{}: {text}", answer.status);
    Ok(())
}

#[test]
fn votes_count_once_by_what_was_held_then() -> Result<()> {
    let anvil = Anvil::start()?;
    let [rich, owner, heir, stranger] = [0, 1, 2, 3].map(|index| anvil.account(index));
    anvil.delegate_to_self(rich)?;
    let parcels = [anvil.mint(owner, 1, 1)?, anvil.mint(owner, 2, 1)?];
    let then = anvil.height()?;
    // What changes hands later changes nothing.
    anvil.transfer_parcel(owner, heir, parcels[0])?;
    anvil.mine(40)?;
    // CYBR counts seconds, of which forty blocks here take none.
    anvil.pass_time(60)?;
    let by = |measure| hex_of(Proposal::about("a fountain", measure, then));
    let (by_land, by_cybr) = (by(Measure::Land), by(Measure::Cybr));
    let (first, second) = (start(&anvil)?, start(&anvil)?);

    let vote = anvil.vote(owner, &by_land, then, 1)?;
    post(&first, &vote, 201)?;
    post(&first, &vote, 200)?;
    post(&first, &anvil.vote(rich, &by_cybr, then, 2)?, 201)?;
    let all = votes(&first, &by_land)?;
    ensure!(
        all["tally"] == json!([{"choice": 1, "votes": 1, "weight": "2"}]),
        "{all}"
    );
    let all = votes(&first, &by_cybr)?;
    ensure!(all["tally"][0]["weight"] == "1000000", "{all}");

    // Nobody who held nothing, no forged vote, and none about a block that may be taken back.
    for poor in [heir, stranger] {
        post(&first, &anvil.vote(poor, &by_land, then, 1)?, 422)?;
    }
    let mut forged = anvil.vote(stranger, &by_land, then, 1)?;
    forged["voter"] = json!(owner);
    post(&first, &forged, 422)?;
    let mut changed = vote.clone();
    changed["choice"] = json!(2);
    post(&first, &changed, 422)?;
    let now = anvil.height()?;
    let early = hex_of(Proposal::about("a fountain", Measure::Land, now));
    post(&first, &anvil.vote(heir, &early, now, 1)?, 422)?;

    // Of two votes of one voter every box ends with the same, whichever it got first.
    let other = anvil.vote(owner, &by_land, then, 2)?;
    let answer = first.public().post("/v1/votes", &other)?;
    ensure!(matches!(answer.status, 200 | 201), "{}", answer.text());
    post(&second, &other, 201)?;
    let answer = second.public().post("/v1/votes", &vote)?;
    ensure!(matches!(answer.status, 200 | 201), "{}", answer.text());
    let [here, there] = [votes(&first, &by_land)?, votes(&second, &by_land)?];
    ensure!(here == there, "{here} is not {there}");

    // The second keeps a vote back: it shows, until the vote is given to it.
    let [here, there] = [votes(&first, &by_cybr)?, votes(&second, &by_cybr)?];
    ensure!(here["digest"] != there["digest"], "{here} and {there}");
    let missing = &here["votes"][0];
    let vote = json!({
        "proposal": by_cybr, "choice": missing["choice"],
        "voter": missing["voter"], "signature": missing["signature"],
    });
    post(&second, &vote, 201)?;
    let there = votes(&second, &by_cybr)?;
    ensure!(here["digest"] == there["digest"], "{here} and {there}");
    let listed: Value = second.public().get("/v1/votes")?;
    ensure!(
        listed.as_array().is_some_and(|all| all.len() == 2),
        "{listed}"
    );
    Ok(())
}

#[test]
fn votes_outlive_a_restart() -> Result<()> {
    let anvil = Anvil::start()?;
    let owner = anvil.account(1);
    anvil.mint(owner, 1, 1)?;
    let then = anvil.height()?;
    anvil.mine(40)?;
    let proposal = hex_of(Proposal::about("a well", Measure::Land, then));
    let seedbox = start(&anvil)?;
    post(&seedbox, &anvil.vote(owner, &proposal, then, 0)?, 201)?;
    let before = votes(&seedbox, &proposal)?;
    let seedbox = seedbox.kill()?.start()?;
    let after = votes(&seedbox, &proposal)?;
    ensure!(before == after, "{before} is not {after}");
    Ok(())
}

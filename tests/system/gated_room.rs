//! Rooms that only who has something on the chain may enter: a wallet lets a client key speak for it, the
//! room's box proves what the wallet has, and asks again later.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rand::random;
use seedbox_relay_proto::{
    ClientSecret, Code, Delegation, RoomName, RoomSecret, Rule, Wants, policy,
};
use system_tests::{
    anvil::{Anvil, CHAIN_ID, Subject},
    node::Node,
    relay::{BoxKeys, RelayClient},
    seedbox::{Seedbox, Settings},
};

const LIMIT: Duration = Duration::from_secs(60);
/// CYBR that only the first account has, in the smallest unit.
const MUCH: u128 = 600_000;

fn now() -> Result<u64> {
    Ok(UNIX_EPOCH.elapsed()?.as_secs())
}

fn room(wants: Wants) -> RoomName {
    RoomName {
        policy: policy::DIRECT | policy::ENTITLEMENT,
        owner: [0; 32],
        salt: RoomSecret::new([7; 32]).salt(),
        rule: Some(Rule {
            chain: CHAIN_ID,
            wants,
        }),
    }
}

/// A box that has proved the chain, and the chain.
struct Scene {
    _node: Node,
    anvil: Anvil,
    seedbox: Seedbox,
    keys: BoxKeys,
}

impl Scene {
    fn new(change: impl FnOnce(Settings) -> Settings) -> Result<Self> {
        let anvil = Anvil::start()?;
        let node = Node::before(&anvil.url())?;
        let settings = Settings::new()?
            .set("mesh_addresses", "127.0.0.1:0")
            .set("rpc", node.rpc_url())
            .set("deployment", anvil.deployment().display().to_string());
        let mut seedbox = change(settings).start()?;
        seedbox.claim()?;
        seedbox.wait_block(anvil.height()?, LIMIT)?;
        let keys = BoxKeys::from(&seedbox.relay_descriptor()?);
        Ok(Self {
            _node: node,
            anvil,
            seedbox,
            keys,
        })
    }

    /// The box has read what just happened.
    fn catch_up(&mut self) -> Result<()> {
        self.seedbox.wait_block(self.anvil.height()?, LIMIT)
    }

    fn client(&self) -> Result<RelayClient> {
        RelayClient::connect(self.seedbox.public_address()?, &[self.keys])
    }

    /// Somebody with a fresh key, for whom a wallet of the chain speaks, wants in.
    fn knock(&self, room: RoomName, wallet: &str) -> Result<u8> {
        let secret = ClientSecret::new(random());
        let until = now()? + 3_600;
        let delegation = self
            .anvil
            .let_speak(wallet, &secret.public(), room.id(), until)?;
        self.client()?.join_as(room, &secret, &delegation)
    }

    fn ensure_refused(&self, room: RoomName, wallet: &str, code: Code) -> Result<()> {
        ensure_code(self.knock(room, wallet), code)
    }
}

fn ensure_code(joined: Result<u8>, code: Code) -> Result<()> {
    let error = joined.err().context("the room lets him in")?.to_string();
    ensure!(error.contains(&format!("{code:?}")), "{error}");
    Ok(())
}

#[test]
fn land_money_and_passes_open_rooms() -> Result<()> {
    let mut scene = Scene::new(|settings| settings)?;
    let rich = scene.anvil.account(0).to_owned();
    let poor = scene.anvil.account(5).to_owned();
    let money = room(Wants::Cybr(MUCH));
    scene.knock(money, &rich)?;
    scene.ensure_refused(money, &poor, Code::Entitlement)?;

    let land = room(Wants::Land(1));
    scene.ensure_refused(land, &poor, Code::Entitlement)?;
    let parcel = scene.anvil.mint(&poor, 4, -9)?;
    scene.catch_up()?;
    scene.knock(land, &poor)?;
    scene.ensure_refused(room(Wants::Land(2)), &poor, Code::Entitlement)?;

    let ground = room(Wants::Pass { x: 4, y: -9 });
    scene.ensure_refused(ground, &rich, Code::Entitlement)?;
    let until = scene.anvil.time()? + 3_600;
    scene
        .anvil
        .give(&poor, Subject::Parcel(parcel), &rich, until)?;
    scene.catch_up()?;
    scene.knock(ground, &rich)?;
    scene.ensure_refused(room(Wants::Model(77)), &rich, Code::Role)?;
    scene.seedbox.ensure_sound()
}

#[test]
fn nobody_speaks_for_a_wallet_that_did_not_let_him() -> Result<()> {
    let mut scene = Scene::new(|settings| settings)?;
    let rich = &scene.anvil.account(0).to_owned();
    let money = room(Wants::Cybr(1));
    let secret = ClientSecret::new(random());
    let until = now()? + 3_600;
    let delegation = |client: &[u8; 32], room: RoomName, until| {
        scene.anvil.let_speak(rich, client, room.id(), until)
    };
    let join = |delegation: &Delegation| scene.client()?.join_as(money, &secret, delegation);

    ensure_code(join(&Delegation::NONE), Code::Entitlement)?;
    let others = delegation(&[3; 32], money, until)?;
    ensure_code(join(&others), Code::Signature)?;
    let elsewhere = delegation(&secret.public(), room(Wants::Cybr(2)), until)?;
    ensure_code(join(&elsewhere), Code::Signature)?;
    let ended = delegation(&secret.public(), money, now()? - 1)?;
    ensure_code(join(&ended), Code::Entitlement)?;
    let good = delegation(&secret.public(), money, until)?;
    let longer = Delegation {
        expires: until + 1,
        ..good
    };
    ensure_code(join(&longer), Code::Signature)?;
    join(&good)?;

    let elsewhere = Rule {
        chain: 5,
        wants: Wants::Cybr(1),
    };
    let other_chain = RoomName {
        rule: Some(elsewhere),
        ..money
    };
    scene.ensure_refused(other_chain, rich, Code::Role)?;
    scene.seedbox.ensure_sound()
}

#[test]
fn a_dead_chain_lets_nobody_in_and_says_that_it_does_not_know() -> Result<()> {
    let mut scene = Scene::new(|settings| settings.set("relay_rule", "cybr:0.0000000000005"))?;
    let rich = scene.anvil.account(0).to_owned();
    let [money, pence] = [MUCH, 1].map(|least| room(Wants::Cybr(least)));
    scene.knock(money, &rich)?;
    // The owner of the box hosts no room that asks for less than he wants.
    scene.ensure_refused(pence, &rich, Code::Entitlement)?;
    ensure!(scene.client()?.join(room_for_all()).is_err());

    let secret = ClientSecret::new(random());
    let until = now()? + 3_600;
    let client = secret.public();
    let delegation = scene.anvil.let_speak(&rich, &client, money.id(), until)?;
    scene.anvil.stop()?;
    let joined = scene.client()?.join_as(money, &secret, &delegation);
    ensure_code(joined, Code::Busy)?;
    scene.seedbox.ensure_sound()
}

fn room_for_all() -> RoomName {
    RoomName {
        policy: policy::DIRECT,
        rule: None,
        ..room(Wants::Land(1))
    }
}

//! The service on a simulated board: levels go in, light and orders come out.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use seedbox_core::AlertId;
use tokio::time::{advance, timeout};

use super::*;
use crate::pins::Lamp;

/// A light that remembers when it was switched.
#[derive(Clone, Default)]
struct Simulated(Arc<Mutex<Vec<(Instant, bool)>>>);

impl Lamp for Simulated {
    fn set(&mut self, lit: bool) {
        let mut seen = self.0.lock().unwrap();
        if seen.last().is_none_or(|last| last.1 != lit) {
            seen.push((Instant::now(), lit));
        }
    }
}

struct Board {
    lamp: Simulated,
    button: watch::Sender<bool>,
    handle: Handle,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Board {
    fn start(root: &Path) -> Self {
        let lamp = Simulated::default();
        let (button, pressed) = watch::channel(false);
        let closed = pressed.clone();
        let pins = Pins::simulated(lamp.clone(), pressed, closed);
        let (service, handle) = Service::with(pins, Sensors::find(root));
        let stop = CancellationToken::new();
        let running = tokio::spawn(service.run(stop.clone()));
        Self {
            lamp,
            button,
            handle,
            stop,
            running,
        }
    }

    /// Lets time pass, in steps small enough for the board to follow.
    async fn pass(&self, ms: u64) {
        for _ in 0..ms / 10 {
            advance(Duration::from_millis(10)).await;
            tokio::task::yield_now().await;
        }
    }

    async fn hold(&self, ms: u64) {
        self.button.send_replace(true);
        self.pass(ms).await;
        self.button.send_replace(false);
        self.pass(50).await;
    }

    /// How often the light was switched within the next milliseconds.
    async fn switched_within(&self, ms: u64) -> usize {
        let before = self.lamp.0.lock().unwrap().len();
        self.pass(ms).await;
        self.lamp.0.lock().unwrap().len() - before
    }

    fn is_lit(&self) -> bool {
        self.lamp
            .0
            .lock()
            .unwrap()
            .last()
            .is_some_and(|last| last.1)
    }
}

#[tokio::test(start_paused = true)]
async fn the_light_follows_the_box_and_goes_out_with_it() {
    let nowhere = tempfile::tempdir().unwrap();
    let board = Board::start(nowhere.path());
    board.pass(100).await;
    assert_eq!(board.switched_within(4_000).await, 8, "booting");
    board.handle.show(Show::Healthy);
    board.pass(100).await;
    assert_eq!(
        (board.switched_within(60_000).await, board.is_lit()),
        (0, true)
    );
    board.handle.show(Show::Unclaimed);
    board.pass(10).await;
    assert_eq!(
        board.switched_within(4_000).await,
        8,
        "two flashes in two seconds"
    );
    board.handle.show(Show::Healthy);
    board.pass(10).await;
    board.stop.cancel();
    board.running.await.unwrap().unwrap();
    assert!(!board.lamp.0.lock().unwrap().last().unwrap().1);
}

#[tokio::test(start_paused = true)]
async fn the_button_gives_its_orders_and_the_light_answers() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut board = Board::start(nowhere.path());
    board.handle.show(Show::Healthy);
    board.pass(100).await;

    board.hold(300).await;
    assert_eq!(board.handle.pressed().await, Some(Press::Identify));
    assert!(board.switched_within(1_000).await >= 10);
    board.pass(30_000).await;
    assert_eq!(
        (board.switched_within(1_000).await, board.is_lit()),
        (0, true)
    );

    board.hold(3_000).await;
    assert_eq!(board.handle.pressed().await, Some(Press::OpenClaimWindow));

    board.hold(8_000).await;
    let nothing = timeout(Duration::from_secs(1), board.handle.pressed()).await;
    assert!(nothing.is_err(), "{nothing:?}");

    board.button.send_replace(true);
    board.pass(5_000).await;
    assert!(board.switched_within(5_000).await >= 30, "the countdown");
    assert_eq!(board.handle.pressed().await, Some(Press::FactoryReset));
    assert_eq!(
        (board.switched_within(5_000).await, board.is_lit()),
        (0, true)
    );
}

#[tokio::test(start_paused = true)]
async fn a_weak_supply_reaches_the_list() {
    let root = tempfile::tempdir().unwrap();
    let hwmon = root.path().join("sys/class/hwmon/hwmon0");
    fs::create_dir_all(&hwmon).unwrap();
    fs::write(hwmon.join("name"), "rpi_volt").unwrap();
    fs::write(hwmon.join("in0_lcrit_alarm"), "0").unwrap();
    let board = Board::start(root.path());
    let mut concerns = board.handle.concerns();
    board.pass(20_000).await;
    assert!(concerns.borrow_and_update().is_empty());
    fs::write(hwmon.join("in0_lcrit_alarm"), "1").unwrap();
    board.pass(10_100).await;
    assert_eq!(concerns.borrow_and_update()[0].id, AlertId::LowVoltage);
}

#[tokio::test(start_paused = true)]
async fn a_button_that_nobody_listens_to_is_told_and_the_light_goes_on() {
    let nowhere = tempfile::tempdir().unwrap();
    let Board {
        button,
        handle,
        running,
        stop,
        ..
    } = Board::start(nowhere.path());
    let mut concerns = handle.concerns();
    tokio::task::yield_now().await;
    drop(button);
    let told = timeout(Duration::from_secs(1), concerns.changed()).await;
    told.unwrap().unwrap();
    assert_eq!(concerns.borrow_and_update()[0].id, AlertId::Pins);
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn away_from_a_pi_nothing_is_touched_and_nothing_fails() {
    let root = tempfile::tempdir().unwrap();
    let config = Config {
        led_pin: Some(17),
        button_pin: Some(27),
        root: root.path().to_owned(),
    };
    let (service, handle) = Service::new(&config).unwrap();
    assert!(service.pins.lamp.is_none() && service.pins.contact.is_none());
    handle.show(Show::Attention);
    let stop = CancellationToken::new();
    stop.cancel();
    service.run(stop).await.unwrap();
}

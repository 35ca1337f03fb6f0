//! The one task that owns light, button and sensors.

use std::time::Duration;

use seedbox_core::{AlertId, Concern, Severity};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Press, Show,
    button::{Button, Held},
    light::Light,
    pins::{Contact, Pins},
    sensors::Sensors,
};

const SENSORS: Duration = Duration::from_secs(10);
/// Orders that may wait; nobody presses faster than they are carried out.
const PRESSES: usize = 4;

/// The board, ready to run.
pub struct Service {
    pins: Pins,
    sensors: Sensors,
    show: watch::Receiver<Show>,
    presses: mpsc::Sender<Press>,
    concerns: watch::Sender<Vec<Concern>>,
    /// Whether pins that the owner named cannot be used.
    faults: Vec<Concern>,
    started: Instant,
}

/// What the rest of the box has to do with the board.
pub struct Handle {
    show: watch::Sender<Show>,
    presses: mpsc::Receiver<Press>,
    concerns: watch::Receiver<Vec<Concern>>,
}

impl Handle {
    /// How the box is, for the light to tell.
    pub fn show(&self, show: Show) {
        self.show.send_if_modified(|shown| {
            let changed = *shown != show;
            *shown = show;
            changed
        });
    }

    /// The next order that the button gives; `None` once the board has ended.
    pub async fn pressed(&mut self) -> Option<Press> {
        self.presses.recv().await
    }

    /// What is the matter with power, warmth, light and button.
    pub fn concerns(&self) -> watch::Receiver<Vec<Concern>> {
        self.concerns.clone()
    }
}

impl Service {
    /// Takes the pins. Without them, or without the rights to them, the box runs on in the dark.
    ///
    /// # Errors
    /// Pins that cannot be meant, see [`Config::check`].
    pub fn new(config: &Config) -> Result<(Self, Handle), Error> {
        config.check()?;
        let (pins, errors) = Pins::take(config);
        let (mut service, handle) = Self::with(pins, Sensors::find(&config.root));
        for error in errors {
            service.tell_fault(&error.to_string());
        }
        Ok((service, handle))
    }

    fn with(pins: Pins, sensors: Sensors) -> (Self, Handle) {
        let (show, shown) = watch::channel(Show::default());
        let (order, presses) = mpsc::channel(PRESSES);
        let (tell, concerns) = watch::channel(Vec::new());
        let service = Self {
            pins,
            sensors,
            show: shown,
            presses: order,
            concerns: tell,
            faults: Vec::new(),
            started: Instant::now(),
        };
        let handle = Handle {
            show,
            presses,
            concerns,
        };
        (service, handle)
    }

    /// Shows, listens and measures until cancelled; then the light is out.
    ///
    /// # Errors
    /// None today; the board never ends the box.
    pub async fn run(mut self, cancelled: CancellationToken) -> Result<(), Error> {
        let mut contact = self.pins.contact.take();
        let closed = contact.as_mut().map(|c| *c.told.borrow_and_update());
        let mut button = Button::new(closed.unwrap_or_default());
        let mut light = Light::default();
        let mut measure = interval(SENSORS);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = self.started.elapsed();
            let press = button.passed(now, || contact.as_ref().is_some_and(|c| (c.is_closed)()));
            self.order(press, &mut light, now);
            light.show(*self.show.borrow_and_update(), now);
            let wake = self.set_lamp(&light, button.held(now), now);
            let wake = wake.into_iter().chain(button.next(now)).min();
            tokio::select! {
                () = cancelled.cancelled() => break,
                () = until(wake.map(|wake| self.started + wake)) => {}
                Ok(()) = self.show.changed() => {}
                level = turned(contact.as_mut()) => match level {
                    Some(level) => {
                        let now = self.started.elapsed();
                        let press = button.turned(level, now);
                        self.order(press, &mut light, now);
                    }
                    None => {
                        contact = None;
                        self.tell_fault("the button is not listened to any more");
                    }
                },
                _ = measure.tick(), if !self.sensors.is_empty() => self.measure(),
            }
        }
        if let Some(lamp) = &mut self.pins.lamp {
            lamp.set(false);
        }
        Ok(())
    }

    fn set_lamp(&mut self, light: &Light, held: Held, now: Duration) -> Option<Duration> {
        let lamp = self.pins.lamp.as_mut()?;
        let (lit, next) = light.at(now, held);
        lamp.set(lit);
        next
    }

    fn order(&self, press: Option<Press>, light: &mut Light, now: Duration) {
        let Some(press) = press else { return };
        if press == Press::Identify {
            light.identify(now);
        }
        if self.presses.try_send(press).is_err() {
            tracing::warn!("the button was pressed ({press:?}), but nobody takes its orders");
        }
    }

    fn measure(&mut self) {
        let mut concerns = self.sensors.read(self.started.elapsed());
        concerns.extend(self.faults.iter().cloned());
        self.concerns.send_if_modified(|told| {
            let changed = *told != concerns;
            *told = concerns;
            changed
        });
    }

    /// For the owner, until the box starts anew: it is the button that helps with a lost password.
    fn tell_fault(&mut self, what: &str) {
        tracing::warn!("{what}");
        let words = format!("Light or button do not work: {what}.");
        let advice = "Look after `led_pin` and `button_pin`, and start the box anew.";
        if self.faults.is_empty() {
            let concern = Concern::new(AlertId::Pins, Severity::Attention, words, advice);
            self.faults.push(concern);
            self.measure();
        }
    }
}

/// Until a moment, or for ever.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The contact's new level, `None` when no more will be told; never without a button.
async fn turned(contact: Option<&mut Contact>) -> Option<bool> {
    let Some(contact) = contact else {
        return std::future::pending().await;
    };
    let changed = contact.told.changed().await;
    changed.ok().map(|()| *contact.told.borrow_and_update())
}

#[cfg(test)]
mod tests;

//! The real pins, on a Raspberry Pi: lines of the kernel's GPIO character device, which every
//! distribution's kernel has.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use gpiocdev::{
    Chip, Request,
    chip::chips,
    line::{Bias, EdgeDetection, EdgeKind, Value},
    tokio::AsyncRequest,
};
use tokio::{sync::watch, task::JoinSet};

use crate::{Config, Error};

/// What the kernel calls the chip behind the 40-pin header: on the Pi 5, the 4, those before. In this
/// order, so that a simulated newer board (gpio-sim) goes before the real one.
const HEADERS: [&str; 3] = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];
/// Whom the kernel names as the one who has a line.
const CONSUMER: &str = "seedbox";

/// Something that can be lit.
pub(crate) trait Lamp: Send {
    /// Lights it or puts it out.
    fn set(&mut self, lit: bool);
}

impl Lamp for Request {
    fn set(&mut self, lit: bool) {
        if let Err(error) = self.set_lone_value(lit.into()) {
            tracing::debug!("the light cannot be set: {error}");
        }
    }
}

/// What the board is wired to.
#[derive(Default)]
pub(crate) struct Pins {
    pub(crate) lamp: Option<Box<dyn Lamp>>,
    pub(crate) contact: Option<Contact>,
}

/// The button's contact.
pub(crate) struct Contact {
    /// Whether it is closed, as far as was told; ends when nobody listens any more.
    pub(crate) told: watch::Receiver<bool>,
    /// Whether it is closed right now.
    pub(crate) is_closed: Box<dyn Fn() -> bool + Send + Sync>,
    /// Listens until it is dropped.
    _listening: JoinSet<()>,
}

/// Shorter changes of the button's level are not told.
const DEBOUNCE: Duration = Duration::from_millis(10);

impl Pins {
    /// Takes the pins, and says which it did not get. A machine that is no Raspberry Pi has none, which
    /// is no error.
    pub(crate) fn take(config: &Config) -> (Self, Vec<Error>) {
        let nothing = (Self::default(), Vec::new());
        if config.led_pin.is_none() && config.button_pin.is_none() {
            return nothing;
        }
        let header = match header() {
            Ok(Some(header)) => header,
            Ok(None) => {
                tracing::info!("this is no Raspberry Pi; there is no light and no button");
                return nothing;
            }
            Err(error) => return (Self::default(), vec![error]),
        };
        let lamp = config.led_pin.map(|pin| lamp(&header, pin)).transpose();
        let contact = config.button_pin.map(|pin| contact(&header, pin));
        let mut errors = Vec::new();
        let mut pins = Self::default();
        match lamp {
            Ok(lamp) => pins.lamp = lamp,
            Err(error) => errors.push(error),
        }
        match contact.transpose() {
            Ok(contact) => pins.contact = contact,
            Err(error) => errors.push(error),
        }
        (pins, errors)
    }

    /// A board of the test's own.
    #[cfg(test)]
    pub(crate) fn simulated(
        lamp: impl Lamp + 'static,
        told: watch::Receiver<bool>,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            lamp: Some(Box::new(lamp)),
            contact: Some(Contact {
                told,
                is_closed: Box::new(move || *closed.borrow()),
                _listening: JoinSet::new(),
            }),
        }
    }
}

fn lamp(header: &Path, pin: u8) -> Result<Box<dyn Lamp>, Error> {
    let line = Request::builder()
        .on_chip(header)
        .with_consumer(CONSUMER)
        .with_line(pin.into())
        .as_output(Value::Inactive)
        .request()?;
    Ok(Box::new(line))
}

fn contact(header: &Path, pin: u8) -> Result<Contact, Error> {
    let line = Request::builder()
        .on_chip(header)
        .with_consumer(CONSUMER)
        .with_line(pin.into())
        .as_input()
        .as_active_low()
        .with_bias(Bias::PullUp)
        .with_debounce_period(DEBOUNCE)
        .with_edge_detection(EdgeDetection::BothEdges)
        .request()?;
    let (tell, told) = watch::channel(line.lone_value()?.into());
    let line: Arc<AsyncRequest> = Arc::new(line.into());
    let mut listening = JoinSet::new();
    listening.spawn(listen(Arc::clone(&line), tell));
    Ok(Contact {
        told,
        // A contact that cannot be read must not count as closed.
        is_closed: Box::new(move || {
            let value = (*line).as_ref().lone_value();
            value.is_ok_and(bool::from)
        }),
        _listening: listening,
    })
}

/// The chip behind the header, if the machine has one.
fn header() -> Result<Option<PathBuf>, Error> {
    let mut found = None;
    for path in chips()? {
        let label = Chip::from_path(&path)?.info()?.label;
        let rank = HEADERS.iter().position(|header| *header == label);
        if let Some(rank) = rank
            && found.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            found = Some((rank, path));
        }
    }
    Ok(found.map(|(_, path)| path))
}

/// Tells every change of the button; ends when the kernel gives none any more.
async fn listen(button: Arc<AsyncRequest>, tell: watch::Sender<bool>) {
    while let Ok(event) = button.read_edge_event().await {
        tell.send_replace(event.kind == EdgeKind::Rising);
    }
}

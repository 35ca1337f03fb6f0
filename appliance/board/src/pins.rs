//! The real pins, on a Raspberry Pi: lines of the kernel's GPIO character device, which every
//! distribution's kernel has.

use std::{path::PathBuf, time::Duration};

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
    /// Whether the button is pressed; `None` without a button.
    pub(crate) pressed: Option<watch::Receiver<bool>>,
    /// Listens to the button, until it is dropped.
    _listening: JoinSet<()>,
}

/// Shorter changes of the button's level are not told.
const DEBOUNCE: Duration = Duration::from_millis(10);

impl Pins {
    /// Takes the pins. A machine that is no Raspberry Pi has none, which is no error.
    pub(crate) fn take(config: &Config) -> Result<Self, Error> {
        let mut pins = Self::default();
        if config.led_pin.is_none() && config.button_pin.is_none() {
            return Ok(pins);
        }
        let Some(header) = header()? else {
            tracing::info!("this is no Raspberry Pi; there is no light and no button");
            return Ok(pins);
        };
        if let Some(pin) = config.led_pin {
            let line = Request::builder()
                .on_chip(&header)
                .with_consumer(CONSUMER)
                .with_line(pin.into())
                .as_output(Value::Inactive)
                .request()?;
            pins.lamp = Some(Box::new(line));
        }
        if let Some(pin) = config.button_pin {
            let line = Request::builder()
                .on_chip(&header)
                .with_consumer(CONSUMER)
                .with_line(pin.into())
                .as_input()
                .as_active_low()
                .with_bias(Bias::PullUp)
                .with_debounce_period(DEBOUNCE)
                .with_edge_detection(EdgeDetection::BothEdges)
                .request()?;
            let (tell, pressed) = watch::channel(line.lone_value()?.into());
            pins._listening.spawn(listen(line.into(), tell));
            pins.pressed = Some(pressed);
        }
        Ok(pins)
    }

    /// A board of the test's own.
    #[cfg(test)]
    pub(crate) fn simulated(lamp: impl Lamp + 'static, pressed: watch::Receiver<bool>) -> Self {
        Self {
            lamp: Some(Box::new(lamp)),
            pressed: Some(pressed),
            _listening: JoinSet::new(),
        }
    }
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
async fn listen(button: AsyncRequest, tell: watch::Sender<bool>) {
    while let Ok(event) = button.read_edge_event().await {
        tell.send_replace(event.kind == EdgeKind::Rising);
    }
    tracing::warn!("the button is not listened to any more");
}

//! The real pins, on a Raspberry Pi.

use std::time::Duration;

use rppal::gpio::{self, Gpio, InputPin, OutputPin, Trigger};
use tokio::sync::watch;

use crate::{Config, Error};

/// Something that can be lit.
pub(crate) trait Lamp: Send {
    /// Lights it or puts it out.
    fn set(&mut self, lit: bool);
}

impl Lamp for OutputPin {
    fn set(&mut self, lit: bool) {
        self.write(lit.into());
    }
}

/// What the board is wired to.
#[derive(Default)]
pub(crate) struct Pins {
    pub(crate) lamp: Option<Box<dyn Lamp>>,
    /// Whether the button is pressed; `None` without a button.
    pub(crate) pressed: Option<watch::Receiver<bool>>,
    /// Held so that the button is listened to.
    _button: Option<InputPin>,
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
        let gpio = match Gpio::new() {
            Ok(gpio) => gpio,
            Err(gpio::Error::UnknownModel) => {
                tracing::info!("this is no Raspberry Pi; there is no light and no button");
                return Ok(pins);
            }
            Err(e) => return Err(e.into()),
        };
        if let Some(pin) = config.led_pin {
            pins.lamp = Some(Box::new(gpio.get(pin)?.into_output_low()));
        }
        if let Some(pin) = config.button_pin {
            let mut button = gpio.get(pin)?.into_input_pullup();
            let (tell, pressed) = watch::channel(button.is_low());
            button.set_async_interrupt(Trigger::Both, Some(DEBOUNCE), move |event| {
                tell.send_replace(event.trigger == Trigger::FallingEdge);
            })?;
            pins.pressed = Some(pressed);
            pins._button = Some(button);
        }
        Ok(pins)
    }

    /// A board of the test's own.
    #[cfg(test)]
    pub(crate) fn simulated(lamp: impl Lamp + 'static, pressed: watch::Receiver<bool>) -> Self {
        Self {
            lamp: Some(Box::new(lamp)),
            pressed: Some(pressed),
            _button: None,
        }
    }
}

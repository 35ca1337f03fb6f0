//! Which pins the light and the button are on.

use std::path::PathBuf;

use crate::Error;

/// The highest GPIO number on the 40-pin header.
const LAST_PIN: u8 = 27;

/// Settings of the board. Pins are GPIO (BCM) numbers.
#[derive(Debug, Clone)]
pub struct Config {
    /// The light: lit when the pin is high.
    pub led_pin: Option<u8>,
    /// The button: pressed when it connects the pin to ground.
    pub button_pin: Option<u8>,
    /// Where `sys` is; `/` but in tests.
    pub root: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            led_pin: None,
            button_pin: None,
            root: PathBuf::from("/"),
        }
    }
}

impl Config {
    /// Whether the pins can be meant, on any machine.
    ///
    /// # Errors
    /// [`Error::NoSuchPin`], [`Error::SamePin`].
    pub fn check(&self) -> Result<(), Error> {
        for pin in [self.led_pin, self.button_pin].into_iter().flatten() {
            if pin > LAST_PIN {
                return Err(Error::NoSuchPin {
                    pin,
                    last: LAST_PIN,
                });
            }
        }
        match (self.led_pin, self.button_pin) {
            (Some(led), Some(button)) if led == button => Err(Error::SamePin { pin: led }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_that_cannot_be_is_told() {
        let check = |led_pin, button_pin| {
            let config = Config {
                led_pin,
                button_pin,
                ..Config::default()
            };
            config.check()
        };
        assert!(check(None, None).is_ok());
        assert!(check(Some(17), Some(27)).is_ok());
        assert!(matches!(
            check(Some(28), None),
            Err(Error::NoSuchPin { .. })
        ));
        assert!(matches!(
            check(Some(4), Some(4)),
            Err(Error::SamePin { .. })
        ));
    }
}

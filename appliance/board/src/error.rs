//! What can be wrong with pins.

/// Why the light or the button cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such pin is on the header.
    #[error("there is no GPIO {pin}; choose one from 0 to {last}")]
    NoSuchPin {
        /// The pin asked for.
        pin: u8,
        /// The last there is.
        last: u8,
    },
    /// Light and button on one pin.
    #[error("light and button cannot both be on GPIO {pin}; choose another for one of them")]
    SamePin {
        /// The pin asked for.
        pin: u8,
    },
    /// The system does not give the pins away.
    #[error(
        "the GPIO pins cannot be used ({0}); the box needs the rights to /dev/gpiochip*, and nobody else on its pins"
    )]
    Gpio(#[from] gpiocdev::Error),
}

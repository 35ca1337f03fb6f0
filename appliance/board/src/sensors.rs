//! What the kernel says about the board's power and warmth (sysfs).

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use seedbox_core::{AlertId, Concern, Severity};

/// A supply that fails for a moment is worth a word for so long.
const LOW_VOLTAGE_TOLD: Duration = Duration::from_secs(3600);
/// At 80 °C the firmware begins to slow the processor down.
const HOT: i64 = 80_000;
/// Told until it is so cool again, thousandths of a degree Celsius.
const COOL: i64 = 75_000;

/// The board's sensors. Elsewhere than on a Raspberry Pi there are none.
pub(crate) struct Sensors {
    /// `1` if the supply failed since it was last read (driver `raspberrypi-hwmon`).
    low_voltage: Option<PathBuf>,
    /// Thousandths of a degree Celsius.
    temperature: Option<PathBuf>,
    low_voltage_at: Option<Duration>,
    is_hot: bool,
}

impl Sensors {
    /// Finds them below `root`.
    pub(crate) fn find(root: &Path) -> Self {
        let model = fs::read_to_string(root.join("sys/firmware/devicetree/base/model"));
        let is_pi = model.is_ok_and(|model| model.starts_with("Raspberry Pi"));
        let temperature = root.join("sys/class/thermal/thermal_zone0/temp");
        Self {
            low_voltage: hwmon(root, "rpi_volt").map(|folder| folder.join("in0_lcrit_alarm")),
            temperature: Some(temperature).filter(|_| is_pi),
            low_voltage_at: None,
            is_hot: false,
        }
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.low_voltage.is_none() && self.temperature.is_none()
    }

    /// Reads them; `now` is time since the board's start.
    pub(crate) fn read(&mut self, now: Duration) -> Vec<Concern> {
        if number(self.low_voltage.as_deref()).is_some_and(|alarm| alarm != 0) {
            self.low_voltage_at = Some(now);
        }
        let temperature = number(self.temperature.as_deref());
        self.is_hot = temperature.is_some_and(|t| t >= if self.is_hot { COOL } else { HOT });
        let mut concerns = Vec::new();
        if self
            .low_voltage_at
            .is_some_and(|at| now < at + LOW_VOLTAGE_TOLD)
        {
            concerns.push(Concern::new(
                AlertId::LowVoltage,
                Severity::Attention,
                "The power supply is too weak: the voltage fell too low within the last hour.",
                "Use the supply made for this board, and a short cable. Disks want a supply of their own.",
            ));
        }
        if self.is_hot {
            // Whole ten degrees: a list that changes with every reading is read by nobody.
            let degrees = temperature.unwrap_or(HOT) / 10_000 * 10;
            concerns.push(Concern::new(
                AlertId::TooHot,
                Severity::Attention,
                format!("The box is too hot, over {degrees} °C, and slows down."),
                "Give it air, or a heat sink.",
            ));
        }
        concerns
    }
}

fn hwmon(root: &Path, name: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(root.join("sys/class/hwmon")).ok()?;
    let named = |folder: &PathBuf| {
        fs::read_to_string(folder.join("name")).is_ok_and(|found| found.trim() == name)
    };
    folders.flatten().map(|entry| entry.path()).find(named)
}

fn number(file: Option<&Path>) -> Option<i64> {
    fs::read_to_string(file?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn ids(sensors: &mut Sensors, seconds: u64) -> Vec<AlertId> {
        let told = sensors.read(Duration::from_secs(seconds)).into_iter();
        told.map(|concern| concern.id).collect()
    }

    #[test]
    fn a_weak_supply_is_told_for_an_hour_and_warmth_until_it_is_cool() {
        let root = tempfile::tempdir().unwrap();
        let alarm = "sys/class/hwmon/hwmon1/in0_lcrit_alarm";
        let temperature = "sys/class/thermal/thermal_zone0/temp";
        write(
            root.path(),
            "sys/firmware/devicetree/base/model",
            "Raspberry Pi 4 Model B\0",
        );
        write(root.path(), "sys/class/hwmon/hwmon0/name", "cpu_thermal\n");
        write(root.path(), "sys/class/hwmon/hwmon1/name", "rpi_volt\n");
        write(root.path(), alarm, "0\n");
        write(root.path(), temperature, "51540\n");
        let mut sensors = Sensors::find(root.path());
        assert!(!sensors.is_empty());
        assert_eq!(ids(&mut sensors, 0), []);
        write(root.path(), alarm, "1\n");
        assert_eq!(ids(&mut sensors, 10), [AlertId::LowVoltage]);
        write(root.path(), alarm, "0\n");
        write(root.path(), temperature, "80200\n");
        assert_eq!(
            ids(&mut sensors, 3_609),
            [AlertId::LowVoltage, AlertId::TooHot]
        );
        write(root.path(), temperature, "76000\n");
        assert_eq!(ids(&mut sensors, 3_610), [AlertId::TooHot]);
        write(root.path(), temperature, "74000\n");
        assert_eq!(ids(&mut sensors, 3_611), []);
        write(root.path(), temperature, "76000\n");
        assert_eq!(ids(&mut sensors, 3_612), []);
    }

    #[test]
    fn another_machine_has_none() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            "sys/class/thermal/thermal_zone0/temp",
            "99000\n",
        );
        let mut sensors = Sensors::find(root.path());
        assert!(sensors.is_empty());
        assert_eq!(ids(&mut sensors, 0), []);
    }
}

//! A child process that cannot outlive the test that started it: the kernel kills it when the
//! starting thread ends, however that comes about, and `Drop` kills its whole group before that.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getrlimit, kill_process, kill_process_group, setrlimit,
};

use crate::wait::wait_until;

/// A running program. It must be started and dropped on one thread: the kernel's parent-death
/// signal follows the thread, not the process.
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

/// What a process has cost so far, as `/proc` tells it.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident bytes now.
    pub resident: u64,
    /// The most bytes that were ever resident.
    pub peak_resident: u64,
    /// Seconds of processor time, user and system.
    pub cpu_seconds: f64,
}

impl Process {
    /// Starts `command` in a process group of its own, with everything it prints appended to
    /// the file `log`.
    ///
    /// # Errors
    /// The program is not installed, or the log cannot be opened.
    pub fn start(command: &Command, log: &Path) -> Result<Self> {
        let program = Path::new(command.get_program());
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let out = File::options().create(true).append(true).open(log)?;
        let mut guarded = guarded(command);
        guarded
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let child = guarded.spawn().with_context(|| {
            format!(
                "cannot start {name}: install what `make setup` lists (setpriv is in util-linux)"
            )
        })?;
        Ok(Self {
            child,
            name,
            log: log.to_owned(),
        })
    }

    /// The process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Fails, with the end of its log, if it has ended.
    ///
    /// # Errors
    /// It has ended.
    pub fn ensure_running(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!(
                "{} ended by itself with {status}; its last words:\n{}",
                self.name,
                self.last_words()
            );
        }
        Ok(())
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Sends a signal to it alone.
    ///
    /// # Errors
    /// It is no more.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(pid(self.id())?, signal)
            .with_context(|| format!("cannot signal {}", self.name))
    }

    /// Sends `signal` and waits until it has ended.
    ///
    /// # Errors
    /// It did not end within `limit`.
    pub fn end(&mut self, signal: Signal, limit: Duration) -> Result<(ExitStatus, Duration)> {
        let asked = Instant::now();
        self.signal(signal)?;
        let status = wait_until(&format!("{} to end", self.name), limit, || {
            self.child.try_wait()?.context("it still runs")
        })?;
        Ok((status, asked.elapsed()))
    }

    /// Ends it without warning, as a power cut would.
    ///
    /// # Errors
    /// The system cannot tell how it ended.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// What it has cost so far.
    ///
    /// # Errors
    /// It is no more.
    pub fn usage(&self) -> Result<Usage> {
        usage_of(self.id())
    }
}

/// Lets this program, and those that it starts, open as many files and sockets as the machine grants.
///
/// # Errors
/// The machine refuses what it granted.
pub fn allow_many_files() -> Result<()> {
    let granted = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: granted,
            maximum: granted,
        },
    )?;
    Ok(())
}

/// What a process has cost so far.
///
/// # Errors
/// It is no more.
pub fn usage_of(id: u32) -> Result<Usage> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let kilobytes = |field: &str| -> Result<u64> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .with_context(|| format!("no {field}"))?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    };
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field, the name, may hold spaces; it ends with the last parenthesis.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    ensure!(fields.len() > 12, "/proc/{id}/stat is cut short");
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Usage {
        resident: kilobytes("VmRSS:")?,
        peak_resident: kilobytes("VmHWM:")?,
        cpu_seconds: ticks / 100.0,
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(group) = pid(self.id()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn pid(id: u32) -> Result<Pid> {
    Pid::from_raw(i32::try_from(id)?).context("process 0")
}

/// The same command, to be killed by the kernel when the thread that starts it ends.
fn guarded(command: &Command) -> Command {
    use std::os::unix::process::CommandExt;

    let mut guarded = Command::new("setpriv");
    guarded
        .args(["--pdeathsig", "KILL", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => guarded.env(key, value),
            None => guarded.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        guarded.current_dir(folder);
    }
    guarded.process_group(0);
    guarded
}

/// Runs a program to its end and gives what it printed.
///
/// # Errors
/// It is not installed or did not succeed; what it printed is in the error.
pub fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {program}: install what `make setup` lists"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{program} failed with {}:\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outlives_the_thread_that_started_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let id = std::thread::spawn(move || -> Result<u32> {
            let process = Process::start(Command::new("sleep").arg("1000"), &log)?;
            let id = process.id();
            wait_until("the guard to be in place", Duration::from_secs(5), || {
                ensure!(fs::read_to_string(format!("/proc/{id}/comm"))?.trim() == "sleep");
                Ok(())
            })?;
            // As when a test is torn down without unwinding.
            std::mem::forget(process);
            Ok(id)
        })
        .join()
        .map_err(|_| anyhow::anyhow!("the thread panicked"))??;
        wait_until("the orphan to die", Duration::from_secs(5), || {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            ensure!(stat.is_empty() || stat.contains(") Z "), "it lives: {stat}");
            Ok(())
        })
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program"))
            .map(drop)
            .map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.contains("no-such-program")));
    }
}

//! Commands for the console, beside the running box or without it.

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use seedbox_store::Store;

use crate::{
    config::{self, Config},
    instance,
};

const PATIENCE: Duration = Duration::from_secs(5);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Fails unless the running box answers that it is healthy; with `ready`, that it is at work with
/// its data within reach. Asks again for as long as `wait` says.
pub(crate) fn healthcheck(config: &Config, ready: bool, wait: Option<&str>) -> anyhow::Result<()> {
    let wait = config::duration("wait", wait, Duration::ZERO)?;
    let until = Instant::now() + wait;
    loop {
        match ask(config, ready) {
            Err(_) if Instant::now() < until => std::thread::sleep(PAUSE),
            answered => return answered,
        }
    }
}

fn ask(config: &Config, ready: bool) -> anyhow::Result<()> {
    let public = instance::find(&config.data).map(|found| found.public);
    let address = instance::reachable(public.unwrap_or(config.http.public_listen));
    let path = if ready { "/readyz" } else { "/healthz" };
    let answer =
        get(address, path).with_context(|| format!("the box at {address} does not answer"))?;
    let ok = answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    println!("{}", body.trim());
    if !ok {
        bail!("the box is not {}", if ready { "ready" } else { "well" });
    }
    if ready {
        let data = config.data.display();
        try_data(&config.data).with_context(|| format!("{data} cannot be written"))?;
    }
    Ok(())
}

/// Writes and deletes a file: a disk that went read-only still answers questions from memory.
fn try_data(data: &Path) -> std::io::Result<()> {
    let path = data.join(format!("health.{}.tmp", std::process::id()));
    let tried = File::create(&path)
        .and_then(|mut file| file.write_all(b"ready").and_then(|()| file.sync_all()));
    let removed = std::fs::remove_file(&path);
    tried.and(removed)
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Shows the claim code of a box that nobody has claimed.
pub(crate) fn claim_code(config: &Config) -> anyhow::Result<()> {
    block_on(async {
        let store = open(config)?;
        match seedbox_http::Service::claim_code(&store).await? {
            Some(code) => println!("{code}"),
            None => bail!(
                "the box is claimed; hold its button for two seconds, or `seedbox reset-password`, for a new claim code"
            ),
        }
        Ok(())
    })
}

/// Forgets the owner's password and shows the new claim code.
pub(crate) fn reset_password(config: &Config) -> anyhow::Result<()> {
    block_on(async {
        let store = open(config)?;
        let code = seedbox_http::Service::reset_password(&store).await?;
        println!("The password is forgotten. Claim the box anew with {code}");
        Ok(())
    })
}

fn open(config: &Config) -> anyhow::Result<Store> {
    let path = config.data.join(instance::DATABASE);
    if !path.exists() {
        bail!(
            "no box has run on {} yet; start it first",
            config.data.display()
        );
    }
    Ok(Store::open(&path)?)
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

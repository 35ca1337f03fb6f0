//! An honest pair beside a crowd that opens connections and goes no further.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use seedbox_relay_proto::record::Record;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{Client, descriptor, entry, room};
use crate::{
    relay::{BoxKeys, Told},
    seedbox::Seedbox,
};

/// Messages there and back.
const ROUNDS: usize = 200;
/// Between two; the box grants twenty messages a second.
const PAUSE: Duration = Duration::from_millis(60);
/// Newcomers.
const ENTERING: usize = 15;
/// What the slow ones send, a byte a second.
const HEAD: &[u8] =
    b"GET /relay HTTP/1.1\r\nHost: box\r\nConnection: upgrade\r\nUpgrade: websocket\r\n";
/// The same all at once.
const UPGRADE: &[u8] = b"GET /relay HTTP/1.1\r\nHost: box\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: cosmos-relay.1\r\n\r\n";

/// What honest people saw, in milliseconds.
#[derive(Debug)]
pub struct Seen {
    /// A message there and back, the usual one.
    pub p50: f64,
    /// The same, one in a hundred is slower.
    pub p99: f64,
    /// From connecting to being in the room, the usual one.
    pub entering: f64,
}

/// Alone, and beside a crowd of so many.
///
/// # Errors
/// The honest ones do not get through.
pub async fn measure(seedbox: &Seedbox, crowd: usize) -> Result<(Seen, Seen)> {
    let (address, keys) = (entry(seedbox)?, (&descriptor(seedbox)?).into());
    let mut anna = Client::connect(address, &[keys]).await?;
    anna.join(room(0)).await?;
    let mut bert = Client::connect(address, &[keys]).await?;
    bert.join(room(0)).await?;
    let _echo = tokio::spawn(echo(bert));
    let alone = see(&mut anna, address, keys).await?;

    let mut others = JoinSet::new();
    for number in 0..crowd {
        others.spawn(bother(address, number));
        if number % 100 == 99 {
            sleep(Duration::from_millis(20)).await;
        }
    }
    // Until all have come.
    sleep(Duration::from_secs(2)).await;
    let beside = see(&mut anna, address, keys).await?;
    ensure!(others.len() == crowd, "the crowd went away");
    Ok((alone, beside))
}

/// Sends every message back.
async fn echo(mut client: Client) -> Result<()> {
    loop {
        for told in client.next().await? {
            if let Told::Message(_, sealed) = told {
                client
                    .record(&Record::Send {
                        to: 255,
                        sealed: &sealed,
                    })
                    .await?;
            }
        }
    }
}

async fn see(anna: &mut Client, address: SocketAddr, keys: BoxKeys) -> Result<Seen> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let mut sealed = [3; 100];
        sealed[..8].copy_from_slice(&round.to_le_bytes());
        let began = Instant::now();
        anna.record(&Record::Send {
            to: 255,
            sealed: &sealed,
        })
        .await?;
        'answer: loop {
            for told in anna.next().await? {
                if matches!(told, Told::Message(_, back) if back[..8] == sealed[..8]) {
                    break 'answer;
                }
            }
        }
        rounds.push(began.elapsed());
        sleep(PAUSE).await;
    }
    let mut entering = Vec::new();
    for number in 0..ENTERING {
        let began = Instant::now();
        let mut newcomer = Client::connect(address, &[keys]).await?;
        newcomer.join(room(1 + number)).await?;
        entering.push(began.elapsed());
    }
    Ok(Seen {
        p50: quantile(&mut rounds, 0.5)?,
        p99: quantile(&mut rounds, 0.99)?,
        entering: quantile(&mut entering, 0.5)?,
    })
}

fn quantile(times: &mut [Duration], quantile: f64) -> Result<f64> {
    times.sort();
    let place = (times.len() as f64 * quantile) as usize;
    let time = times.get(place.min(times.len() - 1)).context("no times")?;
    Ok(time.as_secs_f64() * 1_000.0)
}

/// One of the crowd, from an address that few others share: silent, slow with its request, or silent
/// after the upgrade. Whoever is put out comes again.
async fn bother(address: SocketAddr, number: usize) -> Result<()> {
    let host = u8::try_from(1 + number % 250)?;
    let own = Ipv4Addr::new(127, 1, u8::try_from(number / 250 % 250)?, host);
    loop {
        if let Ok(stream) = connect(own.into(), address).await {
            let _ = hang(stream, number).await;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn connect(own: IpAddr, address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((own, 0).into())?;
    Ok(socket.connect(address).await?)
}

async fn hang(mut stream: TcpStream, number: usize) -> Result<()> {
    match number % 3 {
        0 => {}
        1 => {
            for byte in HEAD.chunks(1) {
                stream.write_all(byte).await?;
                sleep(Duration::from_secs(1)).await;
            }
        }
        _ => stream.write_all(UPGRADE).await?,
    }
    // Until the box has enough of it.
    let mut rest = [0; 512];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut rest) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => {
                return Err(error.into());
            }
            _ => {}
        }
    }
}

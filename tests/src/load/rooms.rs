//! Rooms full of people who move, and people who do nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use seedbox_relay_proto::record::Record;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval_at, sleep},
};

use super::{Client, cpu, descriptor, entry, room};
use crate::{process::Usage, relay::Told, seedbox::Seedbox};

/// Clients that enter at the same time.
const DOOR: usize = 64;
/// Between two poses of a person.
const STEP: Duration = Duration::from_millis(100);
/// Bytes of a sealed pose.
const POSE: usize = 200;
const WARM_UP: Duration = Duration::from_secs(5);
const WHILE: Duration = Duration::from_secs(20);
/// Latencies are counted in tenths of a millisecond up to two seconds.
const BUCKETS: usize = 20_000;

/// What people in rooms saw.
pub struct Figures {
    due: u64,
    received: u64,
    cpu_seconds: f64,
    buckets: Vec<AtomicU64>,
    /// The box's, at the end.
    pub usage: Usage,
}

impl Figures {
    /// The share of due poses that arrived.
    pub fn share(&self) -> f64 {
        self.received as f64 / self.due.max(1) as f64
    }

    /// Processors that the box kept busy.
    pub fn processors(&self) -> f64 {
        self.cpu_seconds / WHILE.as_secs_f64()
    }

    /// A quantile of the time from sending to receiving, in milliseconds.
    ///
    /// # Errors
    /// Nothing was received.
    pub fn latency(&self, quantile: f64) -> Result<f64> {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|b| b.load(Ordering::Relaxed))
            .collect();
        let all: u64 = counts.iter().sum();
        ensure!(all > 0, "no pose arrived");
        let mut passed = 0;
        let place = counts.iter().position(|count| {
            passed += count;
            passed as f64 >= quantile * all as f64
        });
        Ok(place.context("no such quantile")? as f64 / 10.0)
    }
}

/// What all people of a run share.
struct Run {
    began: Instant,
    counting: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    buckets: Vec<AtomicU64>,
}

/// So many people in rooms of so many, each with ten poses a second.
///
/// # Errors
/// Somebody does not get in, or is put out.
pub async fn measure(seedbox: &Seedbox, people: usize, members: usize) -> Result<Figures> {
    let clients = enter(seedbox, people, Some(members)).await?;
    let run = Arc::new(Run {
        began: Instant::now(),
        counting: AtomicBool::new(false),
        sent: AtomicU64::new(0),
        received: AtomicU64::new(0),
        buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
    });
    let mut moving = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        // Spread over the step, as people are.
        let begin = STEP.mul_f64(number as f64 * 0.618_034 % 1.0);
        moving.spawn(walk(client, Arc::clone(&run), begin));
    }
    sleep(WARM_UP).await;
    let before = seedbox.usage()?;
    run.counting.store(true, Ordering::Relaxed);
    sleep(WHILE).await;
    run.counting.store(false, Ordering::Relaxed);
    let usage = seedbox.usage()?;
    // What is under way still counts.
    sleep(Duration::from_secs(1)).await;
    ensure!(moving.len() == people, "somebody was put out");
    if let Some(ended) = moving.try_join_next() {
        ended??;
    }
    moving.abort_all();
    let run = Arc::clone(&run);
    Ok(Figures {
        due: run.sent.load(Ordering::Relaxed) * (members as u64 - 1),
        received: run.received.load(Ordering::Relaxed),
        cpu_seconds: cpu(before, usage),
        buckets: run
            .buckets
            .iter()
            .map(|count| AtomicU64::new(count.load(Ordering::Relaxed)))
            .collect(),
        usage,
    })
}

/// Sends poses with the time in them and counts those of others.
async fn walk(mut client: Client, run: Arc<Run>, begin: Duration) -> Result<()> {
    let mut steps = interval_at(tokio::time::Instant::now() + begin, STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pose = [7; POSE];
    loop {
        tokio::select! {
            _ = steps.tick() => {
                let counts = run.counting.load(Ordering::Relaxed);
                let now = u64::try_from(run.began.elapsed().as_micros())?;
                pose[..8].copy_from_slice(&now.to_le_bytes());
                pose[8] = counts.into();
                if counts {
                    run.sent.fetch_add(1, Ordering::Relaxed);
                }
                client.record(&Record::Pose(&pose)).await?;
            }
            told = client.next() => {
                let now = u64::try_from(run.began.elapsed().as_micros())?;
                for told in told? {
                    let Told::Pose(_, pose) = told else { continue };
                    let (Some(sent), Some(1)) = (pose.first_chunk(), pose.get(8)) else { continue };
                    let micros = now.saturating_sub(u64::from_le_bytes(*sent));
                    let bucket = usize::try_from(micros / 100)?.min(BUCKETS - 1);
                    run.buckets[bucket].fetch_add(1, Ordering::Relaxed);
                    run.received.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

/// So many sessions that only show now and then that they are there; the box's memory with them.
///
/// # Errors
/// Somebody does not get in, or is put out.
pub async fn idle(seedbox: &Seedbox, people: usize) -> Result<Usage> {
    let (address, keys) = (entry(seedbox)?, (&descriptor(seedbox)?).into());
    let mut waiting = JoinSet::new();
    let mut doors = stream::iter(0..people)
        .map(|_| async move { Client::connect(address, &[keys]).await })
        .buffer_unordered(DOOR);
    while let Some(client) = doors.try_next().await? {
        waiting.spawn(wait(client));
    }
    sleep(Duration::from_secs(3)).await;
    let usage = seedbox.usage()?;
    ensure!(waiting.try_join_next().is_none(), "somebody was put out");
    Ok(usage)
}

async fn wait(mut client: Client) -> Result<()> {
    let mut pings = interval_at(tokio::time::Instant::now(), Duration::from_secs(10));
    loop {
        tokio::select! {
            _ = pings.tick() => client.record(&Record::Ping([1; 8])).await?,
            told = client.next() => drop(told?),
        }
    }
}

/// So many clients on the box, in rooms of so many if that is said.
async fn enter(seedbox: &Seedbox, people: usize, members: Option<usize>) -> Result<Vec<Client>> {
    let (address, keys) = (entry(seedbox)?, (&descriptor(seedbox)?).into());
    stream::iter(0..people)
        .map(|number| async move {
            let mut client = Client::connect(address, &[keys]).await?;
            if let Some(members) = members {
                client.join(room(number / members)).await?;
            }
            anyhow::Ok(client)
        })
        .buffer_unordered(DOOR)
        .try_collect()
        .await
}

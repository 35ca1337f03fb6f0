//! One task for each carrier: the handshake, then the session with its circuits until it is over.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{
    FutureExt, SinkExt, StreamExt,
    future::{BoxFuture, poll_fn},
};
use seedbox_relay_proto::{
    Code, Millis,
    frame::Init,
    server::{self, Answer, Handshake, Order, Session},
};
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};

use crate::{
    Carrier,
    circuits::Circuits,
    gate::Verdict,
    mailbox::Mail,
    shared::{Entered, Shared, reason},
};

/// A client that takes no frame for so long is gone.
const STUCK: Millis = 10_000;
/// Frames taken from a carrier before others get the processor.
const AT_ONCE: usize = 16;

/// Serves a carrier from its first frame to its last.
pub(crate) async fn serve<C: Carrier>(shared: Arc<Shared>, mut carrier: C, kind: server::Carrier) {
    let Some(entered) = shared.enter() else {
        return;
    };
    let opened = tokio::select! {
        // The oldest of too many half-open ones makes room.
        () = evicted(&entered) => return,
        opened = handshake(&entered, &mut carrier, kind) => opened,
    };
    let Some(session) = opened else {
        return;
    };
    let circuits = Circuits::new(shared);
    let timer = Box::pin(sleep_until(entered.shared.clock.at(session.deadline())));
    let mut driver = Driver {
        entered,
        carrier,
        session,
        circuits,
        mail: None,
        asking: None,
        timer,
        held: None,
        granted: false,
        fresh: false,
        reading: true,
        stuck: None,
    };
    poll_fn(|context| driver.poll(context)).await;
    let _ = timeout(Duration::from_secs(1), driver.carrier.close()).await;
}

async fn evicted(entered: &Entered) {
    poll_fn(|context| {
        let reasons = entered.wake.take(context.waker());
        if reasons & (reason::EVICTED | reason::STOPPING) == 0 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// `None` if the carrier is to be closed.
async fn handshake<C: Carrier>(
    entered: &Entered,
    carrier: &mut C,
    kind: server::Carrier,
) -> Option<Box<Session>> {
    let shared = &entered.shared;
    let mut handshake = Handshake::new(kind, shared.clock.now());
    let deadline = shared.clock.at(handshake.deadline());
    loop {
        let frame = timeout_at(deadline, carrier.next()).await.ok()??;
        let now = shared.clock.now();
        let decide = |kind, init: &Init<'_>| shared.decide(entered.id, kind, init, now);
        let seed = random()?;
        let (session, answer) = match handshake.receive(&shared.identity, &frame, seed, now, decide)
        {
            Answer::Accept(session, answer) => (Some(session), answer),
            Answer::Challenge(answer) => (None, answer),
            Answer::Refuse(answer) => {
                let _ = timeout_at(deadline, carrier.send(answer.into())).await;
                return None;
            }
            Answer::Close => return None,
        };
        timeout_at(deadline, carrier.send(answer.into()))
            .await
            .ok()?
            .ok()?;
        if session.is_some() {
            return session;
        }
    }
}

/// Fresh bytes for a handshake's key; without them there is no handshake.
pub(crate) fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let flags = rustix::rand::GetRandomFlags::empty();
    (rustix::rand::getrandom(&mut bytes, flags) == Ok(32)).then_some(bytes)
}

/// The owner of an open session.
struct Driver<C> {
    entered: Entered,
    carrier: C,
    session: Box<Session>,
    circuits: Circuits,
    /// What the mailbox is doing for the client.
    mail: Option<BoxFuture<'static, Mail>>,
    /// The question to the chain that counts, by its number.
    asking: Option<(u32, BoxFuture<'static, Verdict>)>,
    timer: Pin<Box<Sleep>>,
    /// A frame whose turn has not come.
    held: Option<Bytes>,
    /// Its turn has come.
    granted: bool,
    /// The room may have something.
    fresh: bool,
    /// The client has not ended the carrier.
    reading: bool,
    /// Since when the carrier takes nothing.
    stuck: Option<Millis>,
}

/// The carrier is gone.
struct Gone;

impl<C: Carrier> Driver<C> {
    /// Ready when the session is over.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let reasons = self.entered.wake.take(context.waker());
        self.granted |= reasons & reason::TURN != 0;
        self.fresh |= reasons & reason::ROOM != 0;
        if reasons & reason::STOPPING != 0 {
            self.session.close(Code::Stopping);
        }
        let now = self.entered.shared.clock.now();
        if now >= self.session.deadline() {
            self.session.tick(now);
            self.fresh = true;
        }
        // What one step frees, another may use.
        for _ in 0..AT_ONCE {
            let read = self.read(now, context);
            let came = self.circuits.poll(&mut self.session, context);
            let came = self.hear_chain(now, context) | self.take_mail(context) | came;
            self.obey(now);
            let Ok(sent) = self.send(now, context) else {
                return Poll::Ready(());
            };
            if self.session.is_over() && self.held.is_none() {
                return Poll::Ready(());
            }
            if !read && !came && !sent {
                return self.sleep(now, context);
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes frames from the client. Whether there was one.
    fn read(&mut self, now: Millis, context: &mut Context<'_>) -> bool {
        let mut read = false;
        for _ in 0..AT_ONCE {
            if !self.reading || self.session.reads_at(now).is_none_or(|at| at > now) {
                break;
            }
            match self.carrier.poll_next_unpin(context) {
                Poll::Pending => break,
                Poll::Ready(None) => {
                    self.reading = false;
                    self.session.close(Code::Bye);
                }
                Poll::Ready(Some(frame)) => {
                    let counters = &self.entered.shared.counters;
                    counters.frames_in.fetch_add(1, Ordering::Relaxed);
                    let bytes = u64::try_from(frame.len()).unwrap_or_default();
                    counters.bytes_in.fetch_add(bytes, Ordering::Relaxed);
                    let frame = frame.try_into_mut();
                    let frame = frame.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                    self.session.receive(frame, now);
                    self.obey(now);
                }
            }
            read = true;
        }
        read
    }

    /// Takes what the chain says to the session. Whether it said something.
    fn hear_chain(&mut self, now: Millis, context: &mut Context<'_>) -> bool {
        let Some((number, asking)) = &mut self.asking else {
            return false;
        };
        let Poll::Ready(answer) = asking.poll_unpin(context) else {
            return false;
        };
        self.session.entitled(*number, answer, now);
        self.asking = None;
        true
    }

    /// Takes what the mailbox did to the session. Whether there was something.
    fn take_mail(&mut self, context: &mut Context<'_>) -> bool {
        let Some(Poll::Ready(mail)) = self.mail.as_mut().map(|mail| mail.poll_unpin(context))
        else {
            return false;
        };
        mail.deliver(&mut self.session);
        self.mail = None;
        true
    }

    /// Carries out what the session orders.
    fn obey(&mut self, now: Millis) {
        while let Some(order) = self.session.order() {
            match order {
                Order::Open { circuit, node, hop } => {
                    self.circuits.open(&mut self.session, circuit, node, hop);
                }
                // They are looked at after every step.
                Order::Ready(_) => {}
                Order::End(circuit) => self.circuits.end(circuit),
                Order::Keep(room, sealed) => {
                    let shared = Arc::clone(&self.entered.shared);
                    let keep = async move { shared.mailbox.keep(room, sealed).await };
                    self.mail = Some(keep.boxed());
                }
                Order::Fetch(room, after) => {
                    let shared = Arc::clone(&self.entered.shared);
                    let fetch = async move { shared.mailbox.fetch(room, after).await };
                    self.mail = Some(fetch.boxed());
                }
                Order::Ask(number, claim) => {
                    let asking = self.entered.shared.doorkeeper.ask(claim, now);
                    self.asking = Some((number, asking));
                }
                Order::Room(request) => {
                    let id = self.entered.id;
                    let shared = &self.entered.shared;
                    let reply = shared.rooms(|rooms| rooms.request(id, request, now));
                    self.session.answer(reply, now);
                }
            }
        }
    }

    /// Sends what there is, as far as the carrier and the bandwidth allow. Whether anything went.
    fn send(&mut self, now: Millis, context: &mut Context<'_>) -> Result<bool, Gone> {
        let mut sent = false;
        while self.held.is_some() || self.fresh || self.session.waits() {
            match self.carrier.poll_ready_unpin(context) {
                Poll::Pending => return self.stuck(now).map(|()| sent),
                Poll::Ready(ready) => ready.map_err(|_| Gone)?,
            }
            let Some(frame) = self.held.take().or_else(|| self.next(now)) else {
                continue;
            };
            let shared = &self.entered.shared;
            if !self.granted && !shared.ask(self.entered.id, frame.len()) {
                self.held = Some(frame);
                break;
            }
            self.granted = false;
            shared.counters.frames_out.fetch_add(1, Ordering::Relaxed);
            let bytes = u64::try_from(frame.len()).unwrap_or_default();
            shared
                .counters
                .bytes_out
                .fetch_add(bytes, Ordering::Relaxed);
            shared.usage.add(bytes);
            self.carrier.start_send_unpin(frame).map_err(|_| Gone)?;
            sent = true;
        }
        match self.carrier.poll_flush_unpin(context) {
            Poll::Ready(flushed) => flushed.map_err(|_| Gone)?,
            Poll::Pending => return self.stuck(now).map(|()| sent),
        }
        self.stuck = None;
        Ok(sent)
    }

    /// The carrier takes nothing: for how long?
    fn stuck(&mut self, now: Millis) -> Result<(), Gone> {
        if now > *self.stuck.get_or_insert(now) + STUCK {
            return Err(Gone);
        }
        Ok(())
    }

    /// The next frame. `None` may mean that there is another.
    fn next(&mut self, now: Millis) -> Option<Bytes> {
        let mut cell = self.session.begin(now);
        if self.fresh && self.session.in_room() && cell.room() > 0 {
            // If more waits than fits, the rooms wake this session again.
            let id = self.entered.id;
            self.entered.shared.rooms(|rooms| rooms.fill(id, &mut cell));
        }
        self.fresh = false;
        self.session.finish(cell, now)
    }

    /// Nothing can be done before the next event.
    fn sleep(&mut self, now: Millis, context: &mut Context<'_>) -> Poll<()> {
        let mut until = self.session.deadline();
        if let Some(at) = self.session.reads_at(now).filter(|at| *at > now) {
            until = until.min(at);
        }
        if let Some(since) = self.stuck {
            until = until.min(since + STUCK + 1);
        }
        let until = self.entered.shared.clock.at(until);
        // A timer that rings too early costs less than one that is set with every frame.
        if self.timer.is_elapsed() || until < self.timer.deadline() {
            self.timer
                .as_mut()
                .reset(until.max(Instant::now() + Duration::from_millis(1)));
        }
        ready!(self.timer.as_mut().poll(context));
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

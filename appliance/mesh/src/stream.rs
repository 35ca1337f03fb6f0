//! A stream on a link: reliable, ordered, both ways. Dropping a sending half resets it; [`Sender::finish`]
//! ends it properly.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use iroh::endpoint::{ReadError, RecvStream, SendStream, VarInt, WriteError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::NodeId;

/// How many halves of streams a link has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses(Arc<AtomicUsize>);

impl Uses {
    pub(crate) fn none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    /// One more, until it is dropped.
    pub(crate) fn one(&self) -> Use {
        self.0.fetch_add(1, Ordering::AcqRel);
        Use(self.clone())
    }
}

/// Held by each half as long as it lives: a link in use is not closed.
#[derive(Debug)]
pub(crate) struct Use(Uses);

impl Drop for Use {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Both directions of a stream.
#[derive(Debug)]
pub struct Stream {
    /// Who is at the other end; proved.
    pub peer: NodeId,
    /// What he sends.
    pub receiver: Receiver,
    /// What we send.
    pub sender: Sender,
}

impl Stream {
    pub(crate) fn new(
        peer: NodeId,
        (send, receive): (SendStream, RecvStream),
        uses: &Uses,
    ) -> Self {
        Self {
            peer,
            receiver: Receiver {
                stream: receive,
                _use: uses.one(),
            },
            sender: Sender {
                stream: send,
                finished: false,
                _use: uses.one(),
            },
        }
    }
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver {
    stream: RecvStream,
    _use: Use,
}

impl Receiver {
    /// Asks the peer to send nothing more, with an error code of the protocol.
    pub fn stop(&mut self, code: u32) {
        // It has ended already: then there is nothing to stop.
        let _ = self.stream.stop(code.into());
    }
}

impl AsyncRead for Receiver {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        AsyncRead::poll_read(Pin::new(&mut self.get_mut().stream), context, buffer)
    }
}

/// The sending half.
#[derive(Debug)]
pub struct Sender {
    stream: SendStream,
    finished: bool,
    _use: Use,
}

impl Sender {
    /// Says that all has been sent; the peer reads an end.
    pub fn finish(&mut self) {
        self.finished = true;
        // The peer or the link is gone: then nobody reads it.
        let _ = self.stream.finish();
    }

    /// Gives the stream up, with an error code of the protocol. What is under way may be lost.
    pub fn reset(&mut self, code: u32) {
        self.finished = true;
        let _ = self.stream.reset(code.into());
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if !self.finished {
            // Else the engine would call it a proper end.
            self.reset(0);
        }
    }
}

impl AsyncWrite for Sender {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.get_mut().stream), context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.get_mut().stream), context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().finish();
        Poll::Ready(Ok(()))
    }
}

/// The error code with which the peer reset the stream or stopped reading it; `None` if the error is
/// another, as when the link is lost.
pub fn reset_code(error: &io::Error) -> Option<u32> {
    let source = error.get_ref()?;
    let code: VarInt = match (source.downcast_ref(), source.downcast_ref()) {
        (Some(ReadError::Reset(code)), _) => *code,
        (_, Some(WriteError::Stopped(code))) => *code,
        _ => return None,
    };
    u32::try_from(code.into_inner()).ok()
}

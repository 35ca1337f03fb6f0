//! The streams to other boxes that a session's circuits run over.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt, Sink, future::BoxFuture};
use seedbox_relay_proto::{Code, NodeId, server::Session};
use tokio::io::AsyncWriteExt;

use crate::{
    carrier::{FrameStream, header},
    config::PROTOCOL,
    shared::Shared,
};

/// One circuit's stream, from the order to open it until its end.
struct Leg {
    circuit: u32,
    state: State,
}

enum State {
    Opening(BoxFuture<'static, Result<FrameStream, Code>>),
    Open(Box<FrameStream>),
}

/// All of a session.
pub(crate) struct Circuits {
    shared: Arc<Shared>,
    legs: Vec<Leg>,
}

impl Circuits {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            legs: Vec::new(),
        }
    }

    /// Begins to open a stream to a box.
    pub(crate) fn open(&mut self, session: &mut Session, circuit: u32, node: NodeId, hop: u8) {
        if !self.shared.begin_circuit() {
            return session.circuit_ended(circuit, Code::Busy);
        }
        let opening = open(Arc::clone(&self.shared), node, hop).boxed();
        self.legs.push(Leg {
            circuit,
            state: State::Opening(opening),
        });
    }

    /// The client is done with a circuit.
    pub(crate) fn end(&mut self, circuit: u32) {
        if let Some(index) = self.legs.iter().position(|leg| leg.circuit == circuit) {
            self.drop_leg(index, Code::Bye);
        }
    }

    fn drop_leg(&mut self, index: usize, code: Code) {
        self.shared.end_circuit();
        if let State::Open(stream) = self.legs.swap_remove(index).state {
            stream.end(code);
        }
    }

    /// Moves what can be moved, in both directions. Whether anything came for the client.
    pub(crate) fn poll(&mut self, session: &mut Session, context: &mut Context<'_>) -> bool {
        let mut came = false;
        let mut index = 0;
        while let Some(leg) = self.legs.get_mut(index) {
            match leg.poll(session, context, &mut came) {
                Poll::Pending => index += 1,
                Poll::Ready(code) => {
                    came = true;
                    session.circuit_ended(leg.circuit, code);
                    self.drop_leg(index, Code::Bye);
                }
            }
        }
        came
    }
}

impl Drop for Circuits {
    fn drop(&mut self) {
        while !self.legs.is_empty() {
            self.drop_leg(0, Code::Bye);
        }
    }
}

impl Leg {
    /// Ready with the reason once the stream has ended.
    fn poll(
        &mut self,
        session: &mut Session,
        context: &mut Context<'_>,
        came: &mut bool,
    ) -> Poll<Code> {
        let stream = match &mut self.state {
            State::Open(stream) => stream,
            State::Opening(opening) => match opening.poll_unpin(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(code)) => return Poll::Ready(code),
                Poll::Ready(Ok(stream)) => {
                    self.state = State::Open(Box::new(stream));
                    let State::Open(stream) = &mut self.state else {
                        return Poll::Pending;
                    };
                    stream
                }
            },
        };
        if write(stream, self.circuit, session, context).is_err() {
            return Poll::Ready(stream.ended.unwrap_or(Code::Unreachable));
        }
        while session.has_room(self.circuit) {
            match stream.poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(frame)) => {
                    *came = true;
                    session.circuit_frame(self.circuit, frame.freeze());
                }
                Poll::Ready(None) => {
                    return Poll::Ready(stream.ended.unwrap_or(Code::Unreachable));
                }
            }
        }
        Poll::Pending
    }
}

/// Writes what waits for the box at the end, as far as the stream takes it.
fn write(
    stream: &mut FrameStream,
    circuit: u32,
    session: &mut Session,
    context: &mut Context<'_>,
) -> std::io::Result<()> {
    let mut stream = Pin::new(stream);
    while let Poll::Ready(ready) = stream.as_mut().poll_ready(context) {
        ready?;
        match session.for_circuit(circuit) {
            Some(frame) => stream.as_mut().start_send(frame)?,
            None => break,
        }
    }
    match stream.poll_flush(context) {
        Poll::Ready(flushed) => flushed,
        Poll::Pending => Ok(()),
    }
}

async fn open(shared: Arc<Shared>, node: NodeId, hop: u8) -> Result<FrameStream, Code> {
    let peer = shared.directory.peer(node).ok_or(Code::Unreachable)?;
    let opened = shared.mesh.open(&peer, PROTOCOL).await;
    let mut stream = opened.map_err(|error| match error {
        seedbox_mesh::Error::Full | seedbox_mesh::Error::Busy(_) => Code::Busy,
        _ => Code::Unreachable,
    })?;
    let written = stream.sender.write_all(&header(hop)).await;
    written.map_err(|_| Code::Unreachable)?;
    Ok(FrameStream::new(stream.receiver, stream.sender))
}

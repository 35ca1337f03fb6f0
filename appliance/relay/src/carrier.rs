//! What brings a session's frames: a client's socket, or a stream of the mesh.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures::{Sink, Stream};
use seedbox_mesh::{Receiver, Sender, reset_code};
use seedbox_relay_proto::{Code, frame::LONGEST};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// Reliable, ordered, with frame borders, at most 15,360 bytes a frame: sections 2 of the protocol.
/// Ends where the other end does, or where it breaks the carrier's own rules.
pub trait Carrier: Stream<Item = Bytes> + Sink<Bytes> + Unpin + Send + 'static {}

impl<C: Stream<Item = Bytes> + Sink<Bytes> + Unpin + Send + 'static> Carrier for C {}

/// First bytes of a stream between boxes.
pub(crate) const fn header(hop: u8) -> [u8; 4] {
    [0x52, 1, hop, 0]
}

/// The hop that a stream's first bytes name.
pub(crate) fn hop(header: [u8; 4]) -> Option<u8> {
    (1..=2).find(|hop| self::header(*hop) == header)
}

/// A few cells; what is under way beyond that waits in the stream's own window.
const READ_AHEAD: usize = 1_024;

/// Frames on a stream, of the mesh or of WebTransport, each after its u16 length.
pub(crate) struct FrameStream<R = Receiver, W = Sender> {
    reader: FramedRead<R, LengthDelimitedCodec>,
    writer: FramedWrite<W, LengthDelimitedCodec>,
    /// Why the peer ended it, if he said so.
    pub(crate) ended: Option<Code>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> FrameStream<R, W> {
    pub(crate) fn new(receiver: R, sender: W) -> Self {
        let codec = || {
            LengthDelimitedCodec::builder()
                .little_endian()
                .length_field_type::<u16>()
                .max_frame_length(LONGEST)
                .new_codec()
        };
        Self {
            reader: FramedRead::with_capacity(receiver, codec(), READ_AHEAD),
            writer: FramedWrite::new(sender, codec()),
            ended: None,
        }
    }

    /// The next frame; `None` at the end.
    pub(crate) fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<BytesMut>> {
        match ready!(Pin::new(&mut self.reader).poll_next(context)) {
            Some(Ok(frame)) => Poll::Ready(Some(frame)),
            Some(Err(error)) => {
                self.ended = code(&error);
                Poll::Ready(None)
            }
            None => Poll::Ready(None),
        }
    }
}

impl FrameStream {
    /// Ends the stream for a reason.
    pub(crate) fn end(mut self, code: Code) {
        if code == Code::Bye {
            self.writer.get_mut().finish();
        } else {
            self.writer.get_mut().reset(code.number().into());
        }
        self.reader.get_mut().stop(code.number().into());
    }
}

fn code(error: &io::Error) -> Option<Code> {
    let number = u16::try_from(reset_code(error)?).ok()?;
    Code::try_from(number).ok()
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream for FrameStream<R, W> {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.get_mut()
            .poll_frame(context)
            .map(|frame| frame.map(BytesMut::freeze))
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Sink<Bytes> for FrameStream<R, W> {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::<Bytes>::poll_ready(Pin::new(&mut self.get_mut().writer), context)
    }

    fn start_send(self: Pin<&mut Self>, frame: Bytes) -> io::Result<()> {
        Pin::new(&mut self.get_mut().writer).start_send(frame)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::<Bytes>::poll_flush(Pin::new(&mut self.get_mut().writer), context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::<Bytes>::poll_close(Pin::new(&mut self.get_mut().writer), context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_headers_name_a_hop() {
        assert_eq!(hop(header(1)), Some(1));
        assert_eq!(hop(header(2)), Some(2));
        for wrong in [
            header(0),
            header(3),
            [0x52, 2, 1, 0],
            [0x53, 1, 1, 0],
            [0x52, 1, 1, 1],
        ] {
            assert_eq!(hop(wrong), None);
        }
    }
}

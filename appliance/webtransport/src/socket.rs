//! A visitor's stream in two halves. The connection lives as long as either.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use seedbox_core::Share;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};
use web_transport_noq::{RecvStream, SendStream, Session};

/// What goes when the visitor goes.
pub(crate) struct Place {
    pub(crate) _session: Session,
    pub(crate) _permit: OwnedSemaphorePermit,
    pub(crate) _share: Share<IpAddr>,
}

/// What the visitor says.
pub struct Reader {
    pub(crate) stream: RecvStream,
    pub(crate) _place: Arc<Place>,
}

/// What the visitor hears.
pub struct Writer {
    pub(crate) stream: SendStream,
    pub(crate) _place: Arc<Place>,
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.stream), context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! Boxes tell each other which boxes there are: descriptors over the mesh, both ways. Whom this box
//! asks is the owner's choice. Of who asks it, it takes his own descriptor alone.

use std::{io, sync::Arc, time::Duration};

use seedbox_mesh::{Peer, Receiver, Sender, Stream, Streams};
use seedbox_relay_proto::{NodeId, descriptor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{config::DIRECTORY_PROTOCOL, shared::Shared};

/// Descriptors that one side tells at most.
const MOST: usize = 1_024;
/// How long an exchange may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two exchanges with a box.
const PERIOD: Duration = Duration::from_secs(300);
/// After an exchange that failed; doubles up to [`PERIOD`].
const RETRY: Duration = Duration::from_secs(1);
/// Exchanges with boxes that ask, at once.
const ANSWERS: usize = 8;

/// Asks a box again and again. Ends with the relay.
pub(crate) async fn ask(shared: Arc<Shared>, peer: Peer) {
    let mut pause = RETRY;
    loop {
        let exchanged = timeout(PATIENCE, ask_once(&shared, &peer)).await;
        pause = match exchanged {
            Ok(Ok(())) => PERIOD,
            // A box that is away is no news for a log.
            Ok(Err(_)) | Err(_) => (pause * 2).min(PERIOD),
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

async fn ask_once(shared: &Shared, peer: &Peer) -> io::Result<()> {
    let opened = shared.mesh.open(peer, DIRECTORY_PROTOCOL).await;
    let mut stream = opened.map_err(io::Error::other)?;
    tell(shared, &mut stream.sender).await?;
    hear(&mut stream.receiver, |bytes| {
        // One that is wrong or expired is not told from one that is unknown.
        let _ = shared.directory.take(bytes);
    })
    .await
}

/// Answers who asks.
pub(crate) async fn answer(shared: Arc<Shared>, mut streams: Streams) {
    let places = Arc::new(Semaphore::new(ANSWERS));
    while let Some(stream) = streams.accept().await {
        // Who finds no place sees his stream reset and asks later.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let answering = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            let _ = timeout(PATIENCE, answer_one(&answering, stream)).await;
            drop(place);
        });
    }
}

async fn answer_one(shared: &Shared, mut stream: Stream) -> io::Result<()> {
    let asker = NodeId(stream.peer.0);
    let mut own = None;
    hear(&mut stream.receiver, |bytes| {
        if descriptor::node(bytes) == Some(asker) {
            own = Some(bytes.to_vec());
        }
    })
    .await?;
    if let Some(own) = own {
        let _ = shared.directory.take(&own);
    }
    tell(shared, &mut stream.sender).await
}

/// Sends all that is known, each after its u16 length.
async fn tell(shared: &Shared, sender: &mut Sender) -> io::Result<()> {
    for bytes in shared.directory.all().iter().take(MOST) {
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        sender.write_all(&length.to_le_bytes()).await?;
        sender.write_all(bytes).await?;
    }
    sender.finish();
    Ok(())
}

async fn hear(receiver: &mut Receiver, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut bytes = vec![0; descriptor::LONGEST];
    for _ in 0..MOST {
        let mut length = [0; 2];
        match receiver.read_exact(&mut length).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        };
        let length = usize::from(u16::from_le_bytes(length));
        let bytes = bytes
            .get_mut(..length)
            .ok_or_else(|| io::Error::other("a descriptor is too long"))?;
        receiver.read_exact(bytes).await?;
        take(bytes);
    }
    Ok(())
}

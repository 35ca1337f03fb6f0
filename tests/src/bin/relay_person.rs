//! Somebody who talks: a client of the relay as a program, for the test that searches everybody's
//! memory. Arguments: the entry's address, what is said, then `<node ID>:<Noise key>` of each box on the
//! path. Prints what it hears.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpStream},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::BytesMut;
use rand::random;
use seedbox_relay_proto::{
    ClientSecret, Invitation, Millis, NodeId, NoiseKey, RoomBox, RoomSecret,
    client::{Client, Command, Hops, Settings},
    conversation::Event,
    policy,
};
use tungstenite::{
    Error, Message, WebSocket,
    client::{ClientRequestBuilder, client},
};

/// How long one look at the socket waits.
const LOOK: Duration = Duration::from_millis(10);
/// Between two messages.
const PAUSE: Millis = 500;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let entry: SocketAddr = arguments.next().context("no entry")?.parse()?;
    let says = arguments.next().context("nothing to say")?;
    let path: Vec<RoomBox> = arguments.map(|text| keys(&text)).collect::<Result<_>>()?;
    let (room, guards) = path.split_last().context("no path")?;
    let hops = match guards {
        [] => Hops::One,
        [_] => Hops::Two,
        [_, middle] => Hops::Three(*middle),
        _ => return Err(anyhow!("too many boxes")),
    };
    let settings = Settings {
        invitation: Invitation {
            policy: policy::DIRECT,
            owner: [0; 32],
            secret: RoomSecret::new([42; 32]),
            boxes: vec![*room],
            ticket: None,
            rule: None,
        },
        guards: guards.iter().take(1).copied().collect(),
        hops,
        secret: ClientSecret::new(random()),
        profile: Vec::new(),
        delegation: None,
        seed: random(),
    };
    let mut person = Person {
        entry,
        client: Client::new(settings, now()?),
        socket: None,
    };
    let mut next = 0;
    loop {
        person.step()?;
        if person.client.is_here() && now()? >= next {
            next = now()? + PAUSE;
            // Nobody acknowledges while nobody is there.
            let _ = person.client.say(says.clone().into_bytes(), next);
            let _ = person.client.pose(vec![1; 40]);
        }
    }
}

struct Person {
    entry: SocketAddr,
    client: Client,
    socket: Option<(u32, WebSocket<TcpStream>)>,
}

impl Person {
    fn step(&mut self) -> Result<()> {
        self.client.tick(now()?);
        while let Some(command) = self.client.command() {
            match command {
                Command::Connect { socket, .. } => match connect(self.entry) {
                    Ok(open) => {
                        self.socket = Some((socket, open));
                        self.client.connected(socket, now()?);
                    }
                    Err(error) => {
                        println!("no socket: {error}");
                        self.client.disconnected(socket, now()?);
                    }
                },
                Command::Disconnect { .. } => self.socket = None,
            }
        }
        while let Some(event) = self.client.event() {
            match event {
                Event::Said { payload, .. } => {
                    println!("heard: {}", String::from_utf8_lossy(&payload))
                }
                Event::Pose { .. } => {}
                other => println!("{other:?}"),
            }
        }
        self.exchange()
    }

    /// Sends what there is and takes a frame, if one comes soon.
    fn exchange(&mut self) -> Result<()> {
        let Some((id, socket)) = &mut self.socket else {
            std::thread::sleep(LOOK);
            return Ok(());
        };
        let id = *id;
        while let Some(frame) = self.client.transmit(now()?) {
            if socket.send(Message::Binary(frame)).is_err() {
                self.socket = None;
                self.client.disconnected(id, now()?);
                return Ok(());
            }
        }
        match socket.read() {
            Ok(Message::Binary(frame)) => {
                self.client.receive(id, BytesMut::from(&frame[..]), now()?);
            }
            Ok(_) => {}
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => {
                self.socket = None;
                self.client.disconnected(id, now()?);
            }
        }
        Ok(())
    }
}

fn connect(entry: SocketAddr) -> Result<WebSocket<TcpStream>> {
    let stream = TcpStream::connect(entry)?;
    stream.set_nodelay(true)?;
    let request = ClientRequestBuilder::new(format!("ws://{entry}/relay").parse()?)
        .with_sub_protocol("cosmos-relay.1");
    let (socket, _) = client(request, stream).map_err(|error| anyhow!("{error}"))?;
    socket.get_ref().set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

fn keys(text: &str) -> Result<RoomBox> {
    let (node, noise) = text.split_once(':').context("no Noise key")?;
    let key = |text: &str| -> Result<[u8; 32]> {
        let bytes = hex::decode(text)?;
        ensure!(bytes.len() == 32, "a key has 32 bytes");
        Ok(*bytes.first_chunk().context("too short")?)
    };
    Ok(RoomBox {
        node: NodeId(key(node)?),
        noise: NoiseKey(key(noise)?),
    })
}

fn now() -> Result<Millis> {
    Ok(Millis::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
    )?)
}

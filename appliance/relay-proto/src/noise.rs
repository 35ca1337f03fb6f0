//! Sessions: Noise NK between a client and a box, by `snow`. Randomness comes from a seed that the
//! caller draws, so that a simulation repeats itself.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use snow::{
    Builder, HandshakeState,
    params::{CipherChoice, DHChoice, HashChoice, NoiseParams},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};

use zeroize::Zeroizing;

use crate::{
    Malformed, NodeId, NoiseKey, NoiseSecret, Transport,
    challenge::solve,
    frame::{Challenge, Grant, Init, Solution, TAG, VERSION, accept_payload, init_payload},
};

const PATTERN: &str = "Noise_NK_25519_ChaChaPoly_SHA256";

struct Seeded(ChaCha20Rng);

impl Random for Seeded {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), snow::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

/// X25519 that refuses a result of zeros, which a key of small order would give.
struct Contributory(Box<dyn Dh>);

impl Dh for Contributory {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn pub_len(&self) -> usize {
        self.0.pub_len()
    }
    fn priv_len(&self) -> usize {
        self.0.priv_len()
    }
    fn set(&mut self, privkey: &[u8]) {
        self.0.set(privkey);
    }
    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
        self.0.generate(rng)
    }
    fn pubkey(&self) -> &[u8] {
        self.0.pubkey()
    }
    fn privkey(&self) -> &[u8] {
        self.0.privkey()
    }
    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        self.0.dh(pubkey, out)?;
        let shared = out.get(..self.0.dh_len()).unwrap_or(out);
        if shared.iter().all(|byte| *byte == 0) {
            return Err(snow::Error::Dh);
        }
        Ok(())
    }
    fn dh_len(&self) -> usize {
        self.0.dh_len()
    }
}

struct Resolver([u8; 32]);

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Seeded(ChaCha20Rng::from_seed(self.0))))
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        let dh = DefaultResolver.resolve_dh(choice)?;
        Some(Box::new(Contributory(dh)))
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// The public half of an X25519 key.
pub(crate) fn public(secret: &[u8; 32]) -> [u8; 32] {
    let mut public = [0; 32];
    if let Some(mut dh) = DefaultResolver.resolve_dh(&DHChoice::Curve25519) {
        dh.set(secret);
        public.copy_from_slice(dh.pubkey());
    }
    public
}

pub(crate) fn builder<'a>(seed: [u8; 32], prologue: &'a [u8]) -> Result<Builder<'a>, snow::Error> {
    let pattern: NoiseParams = PATTERN.parse()?;
    Builder::with_resolver(pattern, Box::new(Resolver(seed))).prologue(prologue)
}

fn prologue(node: NodeId) -> Vec<u8> {
    let mut prologue = b"cosmos-relay/1".to_vec();
    prologue.extend(node.0);
    prologue
}

/// A client's handshake that waits for the box's answer.
#[derive(Debug)]
pub struct Initiator {
    state: Box<HandshakeState>,
    message: Vec<u8>,
    depth: u8,
}

impl Initiator {
    /// Begins; `seed` must be 32 fresh random bytes.
    pub fn new(
        node: NodeId,
        noise: NoiseKey,
        depth: u8,
        seed: [u8; 32],
    ) -> Result<Self, Malformed> {
        Self::start(node, noise, depth, seed).map_err(|_| Malformed)
    }

    fn start(
        node: NodeId,
        noise: NoiseKey,
        depth: u8,
        seed: [u8; 32],
    ) -> Result<Self, snow::Error> {
        let mut state = builder(seed, &prologue(node))?
            .remote_public_key(&noise.0)?
            .build_initiator()?;
        let mut message = vec![0; 32 + init_payload(depth) + TAG];
        let length = state.write_message(&vec![0; init_payload(depth)], &mut message)?;
        message.truncate(length);
        Ok(Self {
            state: Box::new(state),
            message,
            depth,
        })
    }

    fn frame(&self, solution: Solution) -> Vec<u8> {
        Init {
            version: VERSION,
            depth: self.depth,
            solution,
            noise: &self.message,
        }
        .write()
    }

    /// The `INIT`.
    pub fn init(&self) -> Vec<u8> {
        self.frame(Solution::default())
    }

    /// The `INIT` once more, with the work done. Takes up to a million hashes.
    pub fn solve(&self, challenge: &Challenge) -> Vec<u8> {
        let mut ephemeral = [0; 32];
        ephemeral.copy_from_slice(&self.message[..32]);
        self.frame(solve(challenge, &ephemeral))
    }

    /// Takes Noise message 2.
    pub fn finish(mut self, message: &[u8]) -> Result<(Transport, Grant), Malformed> {
        let mut payload = vec![0; message.len()];
        let length = self
            .state
            .read_message(message, &mut payload)
            .map_err(|_| Malformed)?;
        let grant = Grant::parse(&payload[..length])?;
        Ok((transport(*self.state, true)?, grant))
    }
}

/// A box's answer to an `INIT`; also gives Noise message 2. `seed` must be 32 fresh random bytes.
pub fn respond(
    node: NodeId,
    secret: &NoiseSecret,
    init: &Init<'_>,
    grant: &Grant,
    seed: [u8; 32],
) -> Result<(Transport, Vec<u8>), Malformed> {
    let answer = || -> Result<(HandshakeState, Vec<u8>), snow::Error> {
        let mut state = builder(seed, &prologue(node))?
            .local_private_key(&*secret.0)?
            .build_responder()?;
        state.read_message(init.noise, &mut vec![0; init.noise.len()])?;
        let mut message = vec![0; 32 + accept_payload(init.depth) + TAG];
        let length = state.write_message(&grant.write(init.depth), &mut message)?;
        message.truncate(length);
        Ok((state, message))
    };
    let (state, message) = answer().map_err(|_| Malformed)?;
    Ok((transport(state, false)?, message))
}

/// The keys and the hash of a finished handshake.
pub(crate) fn transport(
    mut state: HandshakeState,
    initiator: bool,
) -> Result<Transport, Malformed> {
    let mut hash = [0; 32];
    hash.copy_from_slice(state.get_handshake_hash());
    let (to_box, to_client) = state.dangerously_get_raw_split();
    let (to_box, to_client) = (Zeroizing::new(to_box), Zeroizing::new(to_client));
    if initiator {
        Transport::new(&to_box, &to_client, hash)
    } else {
        Transport::new(&to_client, &to_box, hash)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::frame::Handshake;

    fn grant() -> Grant {
        Grant {
            roles: 7,
            tick: 40,
            members: 32,
            poses: 40,
            messages: 20,
            bytes: 65_536,
        }
    }

    fn pair(depth: u8) -> (Transport, Transport) {
        let node = NodeId([9; 32]);
        let secret = NoiseSecret::new([8; 32]);
        let client = Initiator::new(node, secret.public(), depth, [1; 32]).unwrap();
        let frame = client.init();
        let init = Init::parse(&frame).unwrap();
        assert_eq!(init.depth, depth);
        let (theirs, message) = respond(node, &secret, &init, &grant(), [2; 32]).unwrap();
        let frame = Handshake::Accept(&message).write(depth);
        let Ok(Handshake::Accept(message)) = Handshake::parse(&frame) else {
            panic!("no ACCEPT");
        };
        let (ours, granted) = client.finish(message).unwrap();
        assert_eq!(granted, grant());
        (ours, theirs)
    }

    #[test]
    fn both_ends_agree_and_nothing_passes_twice() {
        for depth in 0..=2 {
            let (mut client, mut server) = pair(depth);
            assert_eq!(client.hash(), server.hash());
            let mut frame = BytesMut::from(&b"hello"[..]);
            client.seal(&mut frame).unwrap();
            let mut again = frame.clone();
            server.open(&mut frame).unwrap();
            assert_eq!(&frame[..], b"hello");
            assert!(server.open(&mut again).is_err());
        }
    }

    #[test]
    fn another_box_cannot_answer() {
        let secret = NoiseSecret::new([8; 32]);
        let client = Initiator::new(NodeId([9; 32]), secret.public(), 0, [1; 32]).unwrap();
        let frame = client.init();
        let init = Init::parse(&frame).unwrap();
        let respond =
            |node, secret: &NoiseSecret| respond(node, secret, &init, &grant(), [2; 32]).is_ok();
        assert!(respond(NodeId([9; 32]), &secret));
        assert!(!respond(NodeId([7; 32]), &secret));
        assert!(!respond(NodeId([9; 32]), &NoiseSecret::new([7; 32])));
    }

    #[test]
    fn a_key_of_small_order_is_refused() {
        let zeros = NoiseKey([0; 32]);
        assert!(Initiator::new(NodeId([9; 32]), zeros, 0, [1; 32]).is_err());
    }
}

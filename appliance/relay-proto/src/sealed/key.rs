//! KEY: where a sender's chains stand, for one receiver.

use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use super::{Chain, ReceiveSecret, RoomKeys, kind, unwrap_key, wrap_key};
use crate::{
    ClientSecret, Malformed,
    bytes_reader::Reader,
    keys::{labelled, verify},
};

/// Bytes that are signed in a KEY.
const FIELDS: usize = 160;

/// Who gives a KEY to whom: both client keys and the receive key it is sealed for.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The sender's client key.
    pub sender: &'a [u8; 32],
    /// The receiver's client key.
    pub receiver: &'a [u8; 32],
    /// The receiver's receive key.
    pub receive: &'a [u8; 32],
}

/// A sender's chains in an epoch, and what the two owe each other.
#[derive(Debug, Clone)]
pub struct Key {
    /// Counts from 1.
    pub epoch: u32,
    /// Poses, for everybody.
    pub pose: Chain,
    /// Messages, for everybody.
    pub group: Chain,
    /// Messages for the receiver.
    pub direct: Chain,
    /// The lowest message to the room that the receiver may still get.
    pub group_floor: u64,
    /// The same for messages to it alone.
    pub direct_floor: u64,
    /// The receiver's newest epoch whose KEY the sender holds; 0 if none.
    pub held: u32,
    /// The receiver's next message to the room that the sender expects.
    pub group_next: u64,
    /// The same for messages to the sender alone.
    pub direct_next: u64,
}

impl Key {
    fn fields(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(FIELDS + 64));
        bytes.extend(self.epoch.to_le_bytes());
        for chain in [&self.pose, &self.group, &self.direct] {
            bytes.extend(chain.index().to_le_bytes());
            bytes.extend(chain.key());
        }
        bytes.extend(self.group_floor.to_le_bytes());
        bytes.extend(self.direct_floor.to_le_bytes());
        bytes.extend(self.held.to_le_bytes());
        bytes.extend(self.group_next.to_le_bytes());
        bytes.extend(self.direct_next.to_le_bytes());
        bytes
    }

    /// Signs and seals for the receive key with this number.
    pub fn seal(
        &self,
        room: &RoomKeys,
        client: &ClientSecret,
        parties: Parties<'_>,
        number: u32,
        rng: &mut ChaCha20Rng,
    ) -> Result<Vec<u8>, Malformed> {
        let mut plain = self.fields();
        let signature = client.sign("key", &signed(room, parties, &plain));
        plain.extend(signature);
        let info = info(room, parties);
        let mut sealed = vec![kind::KEY];
        sealed.extend(number.to_le_bytes());
        sealed.extend(wrap_key(room, parties.receive, &info, &plain, rng)?);
        Ok(sealed)
    }

    /// The number of the receive key that a KEY is for.
    pub fn number(sealed: &[u8]) -> Result<u32, Malformed> {
        let mut reader = Reader::new(sealed);
        if reader.u8()? != kind::KEY {
            return Err(Malformed);
        }
        reader.u32()
    }

    /// Opens and checks the signature. [`Parties::receive`] is the secret's public half.
    pub fn open(
        room: &RoomKeys,
        receive: &ReceiveSecret,
        parties: Parties<'_>,
        sealed: &[u8],
    ) -> Result<Self, Malformed> {
        let wrapped = sealed.get(5..).ok_or(Malformed)?;
        let plain = unwrap_key(room, receive, &info(room, parties), wrapped)?;
        let mut reader = Reader::new(&plain);
        let epoch = reader.u32()?;
        let mut chains = [64, 1, 1].map(|stride| Chain::new(stride, 0, [0; 32]));
        for (chain, stride) in chains.iter_mut().zip([64, 1, 1]) {
            *chain = Chain::new(stride, reader.u64()?, reader.array()?);
        }
        let [pose, group, direct] = chains;
        let key = Self {
            epoch,
            pose,
            group,
            direct,
            group_floor: reader.u64()?,
            direct_floor: reader.u64()?,
            held: reader.u32()?,
            group_next: reader.u64()?,
            direct_next: reader.u64()?,
        };
        let signature: [u8; 64] = reader.array()?;
        reader.end()?;
        let fields = plain.get(..FIELDS).ok_or(Malformed)?;
        verify(
            parties.sender,
            "key",
            &signed(room, parties, fields),
            &signature,
        )
        .then_some(key)
        .ok_or(Malformed)
    }
}

fn info(room: &RoomKeys, parties: Parties<'_>) -> Vec<u8> {
    labelled("key", &[&room.id.0, parties.sender, parties.receiver])
}

fn signed<'a>(room: &'a RoomKeys, parties: Parties<'a>, fields: &'a [u8]) -> [&'a [u8]; 5] {
    [
        &room.id.0,
        parties.sender,
        parties.receiver,
        parties.receive,
        fields,
    ]
}

//! HELLO: who somebody is, for those who know the room's secret.

use super::{RoomKeys, kind, once_key, open_once, seal_once};
use crate::{ClientSecret, Malformed, bytes_reader::Reader, keys::verify};

/// Bytes of a profile at most.
pub const PROFILE: usize = 512;
/// Bytes before what is sealed.
const HEADER: usize = 17;

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The client key.
    pub client: [u8; 32],
    /// Counts receive keys.
    pub number: u32,
    /// The receive key.
    pub receive: [u8; 32],
    /// An answer is wanted.
    pub answer: bool,
    /// See section 12 of the protocol.
    pub profile: Vec<u8>,
}

impl Hello {
    fn plain(&self) -> Vec<u8> {
        let mut plain = self.client.to_vec();
        plain.extend(self.number.to_le_bytes());
        plain.extend(self.receive);
        plain.push(u8::from(self.answer));
        let length = u16::try_from(self.profile.len()).unwrap_or(u16::MAX);
        plain.extend(length.to_le_bytes());
        plain.extend(&self.profile);
        plain
    }

    /// Signs and seals; `random` are 16 fresh random bytes. [`Hello::client`] is the secret's.
    pub fn seal(
        &self,
        room: &RoomKeys,
        client: &ClientSecret,
        random: [u8; 16],
    ) -> Result<Vec<u8>, Malformed> {
        if self.profile.len() > PROFILE {
            return Err(Malformed);
        }
        let plain = self.plain();
        let mut sealed = vec![kind::HELLO];
        sealed.extend(random);
        sealed.extend(&plain);
        sealed.extend(client.sign("hello", &[&room.id.0, &plain]));
        seal_once(
            &once_key(&room.hello, &random, "hello"),
            &room.id.0,
            &mut sealed,
            HEADER,
        )?;
        Ok(sealed)
    }

    /// Opens and checks the signature.
    pub fn open(room: &RoomKeys, sealed: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(sealed);
        if reader.u8()? != kind::HELLO {
            return Err(Malformed);
        }
        let random = reader.take(16)?;
        let plain = open_once(
            &once_key(&room.hello, random, "hello"),
            &room.id.0,
            reader.rest(),
        )?;
        let mut reader = Reader::new(&plain);
        let hello = Self {
            client: reader.array()?,
            number: reader.u32()?,
            receive: reader.array()?,
            answer: reader.u8()? & 1 != 0,
            profile: {
                let length = usize::from(reader.u16()?);
                if length > PROFILE {
                    return Err(Malformed);
                }
                reader.take(length)?.to_vec()
            },
        };
        let signature: [u8; 64] = reader.array()?;
        reader.end()?;
        let signed = plain.len() - signature.len();
        let fields: [&[u8]; 2] = [&room.id.0, &plain[..signed]];
        verify(&hello.client, "hello", &fields, &signature)
            .then_some(hello)
            .ok_or(Malformed)
    }
}

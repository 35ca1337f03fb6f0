//! NOTE: what lies in a room's mailbox for who comes later. It can be opened as long as somebody has the
//! room's secret.

use super::{PROFILE, RoomKeys, kind, once_key, open_once, seal_once};
use crate::{
    ClientSecret, Malformed, bytes_reader::Reader, frame::TAG, keys::verify, record::NOTES,
};

/// Bytes of a note's payload at most.
pub const NOTE_PAYLOAD: usize = 3_072;
/// Bytes before what is sealed.
const HEADER: usize = 17;

/// What somebody leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The client key.
    pub client: [u8; 32],
    /// Unix seconds, as its writer says.
    pub written: u64,
    /// See section 12 of the protocol.
    pub profile: Vec<u8>,
    /// What it says.
    pub payload: Vec<u8>,
}

fn write_text(plain: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    plain.extend(length.to_le_bytes());
    plain.extend(text);
}

fn read_text(reader: &mut Reader<'_>, most: usize) -> Result<Vec<u8>, Malformed> {
    let length = usize::from(reader.u16()?);
    if length > most {
        return Err(Malformed);
    }
    Ok(reader.take(length)?.to_vec())
}

impl Note {
    /// Signs, pads and seals; `random` are 16 fresh random bytes. [`Note::client`] is the secret's.
    pub fn seal(
        &self,
        room: &RoomKeys,
        client: &ClientSecret,
        random: [u8; 16],
    ) -> Result<Vec<u8>, Malformed> {
        if self.profile.len() > PROFILE || self.payload.len() > NOTE_PAYLOAD {
            return Err(Malformed);
        }
        let mut plain = self.client.to_vec();
        plain.extend(self.written.to_le_bytes());
        write_text(&mut plain, &self.profile);
        write_text(&mut plain, &self.payload);
        let signature = client.sign("note", &[&room.id.0, &plain]);
        let mut sealed = vec![kind::NOTE];
        sealed.extend(random);
        sealed.extend(plain);
        sealed.extend(signature);
        let fits = NOTES.into_iter().find(|most| sealed.len() + TAG <= *most);
        sealed.resize(fits.ok_or(Malformed)? - TAG, 0);
        seal_once(
            &once_key(&room.note, &random, "note"),
            &room.id.0,
            &mut sealed,
            HEADER,
        )?;
        Ok(sealed)
    }

    /// Opens and checks the signature, which is given back too: it names the note.
    pub fn open(room: &RoomKeys, sealed: &[u8]) -> Result<(Self, [u8; 64]), Malformed> {
        let mut reader = Reader::new(sealed);
        if reader.u8()? != kind::NOTE {
            return Err(Malformed);
        }
        let random = reader.take(16)?;
        let plain = open_once(
            &once_key(&room.note, random, "note"),
            &room.id.0,
            reader.rest(),
        )?;
        let mut reader = Reader::new(&plain);
        let note = Self {
            client: reader.array()?,
            written: reader.u64()?,
            profile: read_text(&mut reader, PROFILE)?,
            payload: read_text(&mut reader, NOTE_PAYLOAD)?,
        };
        let signature: [u8; 64] = reader.array()?;
        let padding = reader.rest();
        let signed = plain.len() - padding.len() - signature.len();
        let fields: [&[u8]; 2] = [&room.id.0, &plain[..signed]];
        let is_valid = padding.iter().all(|byte| *byte == 0)
            && verify(&note.client, "note", &fields, &signature);
        is_valid.then_some((note, signature)).ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RoomId, RoomSecret};

    fn room() -> RoomKeys {
        RoomKeys::new(RoomId([1; 16]), &RoomSecret::new([2; 32]))
    }

    fn note(secret: &ClientSecret, profile: usize, payload: usize) -> Note {
        Note {
            client: secret.public(),
            written: 7,
            profile: vec![3; profile],
            payload: vec![4; payload],
        }
    }

    proptest! {
        #[test]
        fn what_is_left_is_read(profile in 0..=PROFILE, payload in 0..=NOTE_PAYLOAD) {
            let secret = ClientSecret::new([5; 32]);
            let left = note(&secret, profile, payload);
            let sealed = left.seal(&room(), &secret, [6; 16]).unwrap();
            prop_assert!(NOTES.contains(&sealed.len()));
            prop_assert_eq!(Note::open(&room(), &sealed).unwrap().0, left);
        }
    }

    #[test]
    fn nothing_else_opens() {
        let secret = ClientSecret::new([5; 32]);
        let sealed = note(&secret, 9, 9).seal(&room(), &secret, [6; 16]).unwrap();
        for index in [0, 1, 17, 200, 511] {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(Note::open(&room(), &changed).is_err(), "{index}");
        }
        let elsewhere = RoomKeys::new(RoomId([9; 16]), &RoomSecret::new([2; 32]));
        assert!(Note::open(&elsewhere, &sealed).is_err());
        // Signed by somebody else.
        let forged = note(&secret, 9, 9).seal(&room(), &ClientSecret::new([8; 32]), [6; 16]);
        assert!(Note::open(&room(), &forged.unwrap()).is_err());
        let long = note(&secret, 0, NOTE_PAYLOAD + 1);
        assert!(long.seal(&room(), &secret, [6; 16]).is_err());
    }
}

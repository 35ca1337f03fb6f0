//! A box's descriptor: what everybody may know of it, signed by itself, with an end. Section 11 of the
//! protocol.

use core::net::{IpAddr, SocketAddr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};

use crate::{
    Malformed, NodeId, NoiseKey,
    bytes_reader::Reader,
    keys::{labelled, verify},
};

/// Seconds that a descriptor lives at most.
pub const LONGEST_LIFE: u64 = 14 * 86_400;
/// Seconds that a descriptor may come from the future, because clocks differ.
const SKEW: u64 = 600;
/// Entries of each list at most.
const PLACES: usize = 4;
/// Bytes of the longest descriptor.
pub const LONGEST: usize = 178 + 2 * PLACES * 256 + PLACES * 19 + 3;

/// What everybody may know of a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its name.
    pub node: NodeId,
    /// Its key for sessions.
    pub noise: NoiseKey,
    /// A public key that all boxes of one operator name, or zeros.
    pub operator: [u8; 32],
    /// 1 entry, 2 middle, 4 room.
    pub roles: u8,
    /// When it was signed, Unix seconds.
    pub issued: u64,
    /// When it ends, Unix seconds.
    pub expires: u64,
    /// Where clients reach it: `ws://…/relay`, `wss://…/relay`, or for WebTransport `https://…/relay#` and
    /// hashes of certificates. At most four.
    pub urls: Vec<String>,
    /// Where boxes reach it on the mesh, UDP. At most four.
    pub addresses: Vec<SocketAddr>,
    /// Relays of the mesh by which boxes reach it: `https://…`. At most four.
    pub relays: Vec<String>,
}

impl Descriptor {
    /// The bytes that the box's node key has to sign.
    pub fn to_sign(&self) -> Vec<u8> {
        labelled("descriptor", &[&self.body()])
    }

    /// The whole, as it travels.
    pub fn write(&self, signature: &[u8; 64]) -> Vec<u8> {
        let mut bytes = self.body();
        bytes.extend(signature);
        bytes
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(self.node.0);
        bytes.extend(self.noise.0);
        bytes.extend(self.operator);
        bytes.push(self.roles);
        bytes.extend(self.issued.to_le_bytes());
        bytes.extend(self.expires.to_le_bytes());
        write_texts(&mut bytes, &self.urls);
        let addresses = &self.addresses[..self.addresses.len().min(PLACES)];
        bytes.push(count(addresses.len()));
        for address in addresses {
            match address.ip() {
                IpAddr::V4(ip) => {
                    bytes.push(4);
                    bytes.extend(ip.octets());
                }
                IpAddr::V6(ip) => {
                    bytes.push(6);
                    bytes.extend(ip.octets());
                }
            }
            bytes.extend(address.port().to_le_bytes());
        }
        write_texts(&mut bytes, &self.relays);
        bytes
    }

    /// Reads one that is signed by its box and valid at `now`, Unix seconds. There is only one way to
    /// write a descriptor.
    ///
    /// # Errors
    /// Anything else.
    pub fn read(bytes: &[u8], now: u64) -> Result<Self, Malformed> {
        if bytes.len() > LONGEST {
            return Err(Malformed);
        }
        let (body, signature) = bytes.split_last_chunk::<64>().ok_or(Malformed)?;
        let mut reader = Reader::new(body);
        if reader.u8()? != 1 {
            return Err(Malformed);
        }
        let descriptor = Self {
            node: NodeId(reader.array()?),
            noise: NoiseKey(reader.array()?),
            operator: reader.array()?,
            roles: reader.u8()?,
            issued: reader.u64()?,
            expires: reader.u64()?,
            urls: read_texts(&mut reader, is_url)?,
            addresses: read_addresses(&mut reader)?,
            relays: read_texts(&mut reader, is_relay)?,
        };
        let life = descriptor.expires.checked_sub(descriptor.issued);
        let is_valid = life.is_some_and(|life| life <= LONGEST_LIFE)
            && descriptor.issued <= now.saturating_add(SKEW)
            && now < descriptor.expires
            && descriptor.roles & !7 == 0
            && reader.rest().is_empty()
            && verify(&descriptor.node.0, "descriptor", &[body], signature);
        is_valid.then_some(descriptor).ok_or(Malformed)
    }
}

/// Whose descriptor this says it is; nothing is checked.
pub fn node(bytes: &[u8]) -> Option<NodeId> {
    Some(NodeId(*bytes.get(1..)?.first_chunk()?))
}

#[allow(clippy::cast_possible_truncation)] // no list and no text is that long
const fn count(length: usize) -> u8 {
    length as u8
}

fn write_texts(bytes: &mut Vec<u8>, texts: &[String]) {
    let texts: Vec<&[u8]> = texts
        .iter()
        .map(String::as_bytes)
        .filter(|text| text.len() <= 255)
        .take(PLACES)
        .collect();
    bytes.push(count(texts.len()));
    for text in texts {
        bytes.push(count(text.len()));
        bytes.extend(text);
    }
}

/// Whether clients can go there: a WebSocket's URL, or WebTransport's with one or two hashes of
/// certificates, SHA-256 in base64url.
fn is_url(text: &str) -> bool {
    let starts = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    match text.split_once('#') {
        None => starts(&["ws://", "wss://"]) && text.ends_with("/relay"),
        Some((place, hashes)) => {
            let is_hash = |hash: &str| URL_SAFE_NO_PAD.decode(hash).is_ok_and(|b| b.len() == 32);
            place.starts_with("https://")
                && place.ends_with("/relay")
                && hashes.split(',').count() <= 2
                && hashes.split(',').all(is_hash)
        }
    }
}

fn is_relay(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

fn read_texts(
    reader: &mut Reader<'_>,
    fits: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Malformed> {
    let number = usize::from(reader.u8()?);
    if number > PLACES {
        return Err(Malformed);
    }
    (0..number)
        .map(|_| {
            let length = usize::from(reader.u8()?);
            let text = std::str::from_utf8(reader.take(length)?).map_err(|_| Malformed)?;
            let fits = fits(text) && text.bytes().all(|byte| byte.is_ascii_graphic());
            fits.then(|| text.to_owned()).ok_or(Malformed)
        })
        .collect()
}

fn read_addresses(reader: &mut Reader<'_>) -> Result<Vec<SocketAddr>, Malformed> {
    let number = usize::from(reader.u8()?);
    if number > PLACES {
        return Err(Malformed);
    }
    (0..number)
        .map(|_| {
            let ip: IpAddr = match reader.u8()? {
                4 => reader.array::<4>()?.into(),
                6 => reader.array::<16>()?.into(),
                _ => return Err(Malformed),
            };
            Ok(SocketAddr::new(ip, reader.u16()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn descriptor(key: &SigningKey) -> Descriptor {
        Descriptor {
            node: NodeId(key.verifying_key().to_bytes()),
            noise: NoiseKey([2; 32]),
            operator: [0; 32],
            roles: 7,
            issued: 1_000,
            expires: 1_000 + LONGEST_LIFE,
            urls: vec![
                "ws://192.0.2.1:8081/relay".into(),
                "wss://a.example/relay".into(),
            ],
            addresses: vec![
                "192.0.2.1:4241".parse().unwrap(),
                "[2001:db8::1]:9".parse().unwrap(),
            ],
            relays: vec!["https://relay.example/".into()],
        }
    }

    fn signed(descriptor: &Descriptor, key: &SigningKey) -> Vec<u8> {
        descriptor.write(&key.sign(&descriptor.to_sign()).to_bytes())
    }

    #[test]
    fn what_a_box_signed_is_read_while_it_is_valid() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let descriptor = descriptor(&key);
        let bytes = signed(&descriptor, &key);
        assert_eq!(Descriptor::read(&bytes, 1_000).unwrap(), descriptor);
        assert!(Descriptor::read(&bytes, descriptor.expires - 1).is_ok());
        assert!(Descriptor::read(&bytes, descriptor.expires).is_err());
        assert!(Descriptor::read(&bytes, 399).is_err());
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(Descriptor::read(&changed, 1_000).is_err(), "byte {index}");
            assert!(Descriptor::read(&bytes[..index], 1_000).is_err());
        }
    }

    #[test]
    fn what_no_box_should_say_is_refused_though_signed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        type Change = fn(&mut Descriptor);
        let wrong: [Change; 6] = [
            |it| it.expires += 1,
            |it| it.expires = it.issued - 1,
            |it| it.roles = 8,
            |it| it.node = NodeId([9; 32]),
            |it| it.urls = vec!["http://192.0.2.1/relay".into()],
            |it| it.relays = vec!["https://a b/".into()],
        ];
        for (number, change) in wrong.into_iter().enumerate() {
            let mut descriptor = descriptor(&key);
            change(&mut descriptor);
            let bytes = signed(&descriptor, &key);
            assert!(Descriptor::read(&bytes, 1_000).is_err(), "change {number}");
        }
    }

    #[test]
    fn the_longest_fits() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut descriptor = descriptor(&key);
        descriptor.urls = vec![format!("ws://{}/relay", "a".repeat(244)); 4];
        descriptor.addresses = vec!["[2001:db8::1]:9".parse().unwrap(); 4];
        descriptor.relays = vec![format!("https://{}", "a".repeat(247)); 4];
        let bytes = signed(&descriptor, &key);
        assert_eq!(bytes.len(), LONGEST);
        assert_eq!(Descriptor::read(&bytes, 1_000).unwrap(), descriptor);
    }
}

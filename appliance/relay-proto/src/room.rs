//! A room's name, secret, tickets and invitation. The name commits to owner and policy, so a box
//! can enforce both without having been told anything by anybody.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use crate::{
    ClientSecret, Code, Malformed, NodeId, NoiseKey, Rule,
    bytes_reader::Reader,
    keys::{labelled, verify},
};

/// Bits of a room's policy.
pub mod policy {
    /// Nobody enters without a ticket.
    pub const TICKET: u8 = 1;
    /// One hop is allowed.
    pub const DIRECT: u8 = 2;
    /// Nobody enters without an entitlement on chain.
    pub const ENTITLEMENT: u8 = 4;
}

/// The beginning of the hash of a [`RoomName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub [u8; 16]);

/// What a box learns of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomName {
    /// See [`policy`].
    pub policy: u8,
    /// Ed25519 public key, or zeros.
    pub owner: [u8; 32],
    /// Derived from the secret.
    pub salt: [u8; 32],
    /// If the policy has [`policy::ENTITLEMENT`], and only then.
    pub rule: Option<Rule>,
}

impl RoomName {
    /// The room's id.
    pub fn id(&self) -> RoomId {
        let rule = self.rule.map(|rule| rule.write());
        let rule = rule.as_ref().map_or(&[][..], |rule| rule);
        let fields = [&[self.policy], &self.owner[..], &self.salt, rule];
        let hash = Sha256::digest(labelled("room", &fields));
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        RoomId(id)
    }
}

/// The rule that a policy wants to follow.
pub(crate) fn rule_of(policy: u8, reader: &mut Reader<'_>) -> Result<Option<Rule>, Malformed> {
    let follows = policy & policy::ENTITLEMENT != 0;
    follows.then(|| Rule::read(reader)).transpose()
}

/// What the members share and no box is told.
#[derive(Clone)]
pub struct RoomSecret(pub(crate) zeroize::Zeroizing<[u8; 32]>);

impl fmt::Debug for RoomSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomSecret")
    }
}

impl RoomSecret {
    /// From 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }

    /// The secret of a parcel's public room: anybody can compute it.
    pub fn of_parcel(chain: u64, contract: &[u8; 20], x: i16, y: i16) -> Self {
        let hash = Sha256::digest(labelled(
            "parcel",
            &[
                &chain.to_le_bytes(),
                contract,
                &x.to_le_bytes(),
                &y.to_le_bytes(),
            ],
        ));
        Self::new(hash.into())
    }

    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        let derived = Hkdf::<Sha256>::new(Some(b"cosmos-relay/1"), &*self.0)
            .expand(purpose.as_bytes(), &mut key);
        debug_assert!(derived.is_ok(), "32 bytes are not too many for HKDF");
        key
    }

    /// What the room's name is salted with.
    pub fn salt(&self) -> [u8; 32] {
        self.derive("room")
    }
}

/// A right to enter: the owner signed the ticket key, the ticket key signs client keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Ed25519 public key.
    pub key: [u8; 32],
    /// Unix seconds.
    pub expires: u64,
    /// By the owner over room id, ticket key and expiry.
    pub issued: [u8; 64],
    /// By the ticket key over room id and client key.
    pub admits: [u8; 64],
}

impl Ticket {
    /// Reads the 168 bytes that stand in `JOIN`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let ticket = Self {
            key: reader.array()?,
            expires: reader.u64()?,
            issued: reader.array()?,
            admits: reader.array()?,
        };
        reader.end()?;
        Ok(ticket)
    }

    /// The 168 bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = self.key.to_vec();
        bytes.extend(self.expires.to_le_bytes());
        bytes.extend(self.issued);
        bytes.extend(self.admits);
        bytes
    }

    /// Whether it lets this client in. `unix` in seconds.
    pub fn check(&self, room: &RoomName, client: &[u8; 32], unix: u64) -> Result<(), Code> {
        let id = room.id();
        let expires = self.expires.to_le_bytes();
        let valid = unix < self.expires
            && verify(
                &room.owner,
                "ticket",
                &[&id.0, &self.key, &expires],
                &self.issued,
            )
            && verify(&self.key, "admit", &[&id.0, client], &self.admits);
        valid.then_some(()).ok_or(Code::Ticket)
    }
}

/// A ticket's private half, as it stands in an invitation.
#[derive(Debug, Clone)]
pub struct TicketSecret {
    /// The ticket key.
    pub key: ClientSecret,
    /// Unix seconds.
    pub expires: u64,
    /// By the owner.
    pub issued: [u8; 64],
}

impl TicketSecret {
    /// The owner issues a ticket for a room.
    pub fn issue(owner: &ClientSecret, room: RoomId, key: ClientSecret, expires: u64) -> Self {
        let issued = owner.sign("ticket", &[&room.0, &key.public(), &expires.to_le_bytes()]);
        Self {
            key,
            expires,
            issued,
        }
    }

    /// The ticket for a client key.
    pub fn admit(&self, room: RoomId, client: &[u8; 32]) -> Ticket {
        Ticket {
            key: self.key.public(),
            expires: self.expires,
            issued: self.issued,
            admits: self.key.sign("admit", &[&room.0, client]),
        }
    }
}

/// A box that may host the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomBox {
    /// Its name.
    pub node: NodeId,
    /// Its key for sessions.
    pub noise: NoiseKey,
}

/// All that somebody needs to enter a room.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// See [`policy`].
    pub policy: u8,
    /// Ed25519 public key, or zeros.
    pub owner: [u8; 32],
    /// The members' secret.
    pub secret: RoomSecret,
    /// Boxes in order, 1 to 8.
    pub boxes: Vec<RoomBox>,
    /// If the policy wants one.
    pub ticket: Option<TicketSecret>,
    /// If the policy has [`policy::ENTITLEMENT`], and only then.
    pub rule: Option<Rule>,
}

const SCHEME: &str = "cosmos-room:";

impl Invitation {
    /// What a box learns of the room.
    pub fn name(&self) -> RoomName {
        RoomName {
            policy: self.policy,
            owner: self.owner,
            salt: self.secret.salt(),
            rule: self.rule,
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = text
            .strip_prefix(SCHEME)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .ok_or(Malformed)?;
        let mut reader = Reader::new(&bytes);
        if reader.u8()? != 1 {
            return Err(Malformed);
        }
        let (policy, owner) = (reader.u8()?, reader.array()?);
        let secret = RoomSecret::new(reader.array()?);
        let count = reader.u8()?;
        if !(1..=8).contains(&count) || policy > 7 {
            return Err(Malformed);
        }
        let mut boxes = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            boxes.push(RoomBox {
                node: NodeId(reader.array()?),
                noise: NoiseKey(reader.array()?),
            });
        }
        let ticket = match reader.u8()? {
            0 => None,
            1 => Some(TicketSecret {
                key: ClientSecret::new(reader.array()?),
                expires: reader.u64()?,
                issued: reader.array()?,
            }),
            _ => return Err(Malformed),
        };
        let rule = rule_of(policy, &mut reader)?;
        reader.end()?;
        Ok(Self {
            policy,
            owner,
            secret,
            boxes,
            ticket,
            rule,
        })
    }

    /// The text form. It is a secret.
    pub fn text(&self) -> String {
        let mut bytes = vec![1, self.policy];
        bytes.extend(self.owner);
        bytes.extend(*self.secret.0);
        bytes.push(u8::try_from(self.boxes.len()).unwrap_or(u8::MAX));
        for place in &self.boxes {
            bytes.extend(place.node.0);
            bytes.extend(place.noise.0);
        }
        bytes.push(u8::from(self.ticket.is_some()));
        if let Some(ticket) = &self.ticket {
            bytes.extend(ticket.key.seed());
            bytes.extend(ticket.expires.to_le_bytes());
            bytes.extend(ticket.issued);
        }
        bytes.extend(self.rule.iter().flat_map(Rule::write));
        format!("{SCHEME}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl crate::record::Block {
    /// Whether the room's owner signed it.
    pub fn is_signed(&self, room: &RoomName) -> bool {
        let (issued, until) = (self.issued.to_le_bytes(), self.until.to_le_bytes());
        let fields: [&[u8]; 4] = [&room.id().0, &self.key, &issued, &until];
        verify(&room.owner, "block", &fields, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> (ClientSecret, Invitation) {
        let owner = ClientSecret::new([1; 32]);
        let mut invitation = Invitation {
            policy: policy::TICKET,
            owner: owner.public(),
            secret: RoomSecret::new([2; 32]),
            boxes: vec![RoomBox {
                node: NodeId([3; 32]),
                noise: NoiseKey([4; 32]),
            }],
            ticket: None,
            rule: None,
        };
        let key = ClientSecret::new([5; 32]);
        let id = invitation.name().id();
        invitation.ticket = Some(TicketSecret::issue(&owner, id, key, 1_000));
        (owner, invitation)
    }

    #[test]
    fn an_invitation_reads_back() {
        let (_, invitation) = invitation();
        let text = invitation.text();
        let read = Invitation::parse(&text).unwrap();
        assert_eq!(read.text(), text);
        assert_eq!(read.name().id(), invitation.name().id());
        assert!(Invitation::parse(&text[..text.len() - 2]).is_err());
        assert!(Invitation::parse("cosmos-room:").is_err());
    }

    #[test]
    fn a_ticket_is_for_one_room_one_client_and_some_time() {
        let (_, invitation) = invitation();
        let name = invitation.name();
        let client = ClientSecret::new([6; 32]).public();
        let ticket = invitation.ticket.unwrap().admit(name.id(), &client);
        let ticket = Ticket::parse(&ticket.write()).unwrap();
        assert_eq!(ticket.check(&name, &client, 999), Ok(()));
        assert_eq!(ticket.check(&name, &client, 1_000), Err(Code::Ticket));
        assert_eq!(ticket.check(&name, &[7; 32], 999), Err(Code::Ticket));
        let other = RoomName { policy: 0, ..name };
        assert_eq!(ticket.check(&other, &client, 999), Err(Code::Ticket));
        let ownerless = RoomName {
            owner: [0; 32],
            ..name
        };
        assert_eq!(ticket.check(&ownerless, &client, 999), Err(Code::Ticket));
    }
}

//! The contracts' events, taken from their interfaces, and what they say in the domain's words.
//! Anybody may publish and place, so every field is a stranger's.

use alloy::{
    primitives::{B256, U256},
    rpc::types::Log,
    sol,
    sol_types::SolEvent,
};
use seedbox_core::{ContentHash, InfoHash, Model, Parcel, Placement, Pose, WalletAddress};
use seedbox_store::chain::Contract;

use crate::{Deployment, projection::Event};

#[allow(clippy::too_many_arguments)] // generated functions take an event's fields one by one
mod interfaces {
    use super::sol;

    sol!("../../contracts/src/interfaces/IGate.sol");
    sol!("../../contracts/src/interfaces/ILand.sol");
    sol!("../../contracts/src/interfaces/IModel.sol");
    sol!("../../contracts/src/interfaces/IPlacement.sol");
    sol! {
        /// EIP-721.
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
        /// EIP-721.
        event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
        /// EIP-721.
        event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
        /// Of contracts with an owner, by OpenZeppelin.
        event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
        /// ERC-4906.
        event MetadataUpdate(uint256 _tokenId);
        /// `ModelPublished` with its strings as they are: nobody makes sure that they are UTF-8.
        event RawModelPublished(
            uint256 indexed modelId,
            address indexed creator,
            bytes20 infoHash,
            bytes32 contentHash,
            uint64 size,
            address gate,
            bytes name,
            bytes sources
        );
    }
}
pub(crate) use interfaces::{
    Approval, ApprovalForAll, IGate, ILand, IModel, IPlacement, MetadataUpdate,
    OwnershipTransferred, RawModelPublished, Transfer,
};

/// First topics of the events that the box reads: all that change the contracts' storage.
pub(crate) const EVENTS: [B256; 13] = [
    Transfer::SIGNATURE_HASH,
    Approval::SIGNATURE_HASH,
    ApprovalForAll::SIGNATURE_HASH,
    OwnershipTransferred::SIGNATURE_HASH,
    ILand::ParcelOperatorChanged::SIGNATURE_HASH,
    IModel::ModelPublished::SIGNATURE_HASH,
    IModel::GateChanged::SIGNATURE_HASH,
    IModel::FlagsChanged::SIGNATURE_HASH,
    IModel::RoyaltyChanged::SIGNATURE_HASH,
    IModel::ConsentChanged::SIGNATURE_HASH,
    IPlacement::Placed::SIGNATURE_HASH,
    IPlacement::Moved::SIGNATURE_HASH,
    IPlacement::Removed::SIGNATURE_HASH,
];

/// Bytes of a model's name that are kept.
const MAX_NAME: usize = 256;

/// Bytes of a model's further magnet parameters; longer ones are dropped whole.
const MAX_SOURCES: usize = 1024;

/// Why a log is not an event that the box can use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it is of none of the contracts")]
    ForeignContract,
    #[error("it does not decode")]
    Malformed,
    #[error("it names an ID out of range")]
    OutOfRange,
}

impl RawModelPublished {
    /// Reads a `ModelPublished` log.
    pub(crate) fn of(log: &Log) -> Result<Self, Unusable> {
        let data = &log.inner.data;
        let topics = <Self as SolEvent>::decode_topics(data.topics().iter().copied())
            .map_err(|_| Unusable::Malformed)?;
        let body = Self::abi_decode_data(&data.data).map_err(|_| Unusable::Malformed)?;
        Ok(Self::new(topics, body))
    }
}

/// The contract that a log is of.
pub(crate) fn contract_of(deployment: &Deployment, log: &Log) -> Result<Contract, Unusable> {
    let address = WalletAddress(log.address().into_array());
    Contract::ALL
        .into_iter()
        .find(|contract| deployment.address(*contract) == address)
        .ok_or(Unusable::ForeignContract)
}

/// What a log means to the box; `None` if it concerns the contracts' storage alone.
pub(crate) fn decode(deployment: &Deployment, log: &Log) -> Result<Option<Event>, Unusable> {
    let topic = *log.topic0().ok_or(Unusable::Malformed)?;
    match contract_of(deployment, log)? {
        Contract::Land if topic == Transfer::SIGNATURE_HASH => {
            let event: Transfer = event(log)?;
            Ok(Some(Event::LandTransferred {
                parcel: parcel(event.tokenId)?,
                from: account(event.from),
                to: account(event.to),
            }))
        }
        Contract::Model if topic == Transfer::SIGNATURE_HASH => {
            let event: Transfer = event(log)?;
            Ok(Some(Event::ModelTransferred(
                id(event.tokenId)?,
                account(event.to),
            )))
        }
        Contract::Land => Ok(None),
        Contract::Model => decode_model(log, topic),
        Contract::Placement => decode_placement(log, topic).map(Some),
    }
}

fn decode_model(log: &Log, topic: B256) -> Result<Option<Event>, Unusable> {
    Ok(Some(match topic {
        IModel::ModelPublished::SIGNATURE_HASH => {
            let event = RawModelPublished::of(log)?;
            Event::ModelPublished(Model {
                id: id(event.modelId)?,
                info_hash: InfoHash(event.infoHash.0),
                content_hash: ContentHash(event.contentHash.0),
                size: event.size,
                gate: account(event.gate),
                name: display_name(&String::from_utf8_lossy(&event.name)),
                sources: magnet_parameters(&event.sources),
                owner: None,
            })
        }
        IModel::GateChanged::SIGNATURE_HASH => {
            let event: IModel::GateChanged = event(log)?;
            Event::GateChanged(id(event.modelId)?, account(event.gate))
        }
        _ => return Ok(None),
    }))
}

fn decode_placement(log: &Log, topic: B256) -> Result<Event, Unusable> {
    match topic {
        IPlacement::Placed::SIGNATURE_HASH => {
            let event: IPlacement::Placed = event(log)?;
            let placement = Placement {
                id: id(event.placementId)?,
                model: id(event.modelId)?,
                pose: pose(&event.pose),
            };
            Ok(Event::Placed(parcel(event.parcelId)?, placement))
        }
        IPlacement::Moved::SIGNATURE_HASH => {
            let event: IPlacement::Moved = event(log)?;
            Ok(Event::Moved(id(event.placementId)?, pose(&event.pose)))
        }
        IPlacement::Removed::SIGNATURE_HASH => {
            let event: IPlacement::Removed = event(log)?;
            Ok(Event::Removed(id(event.placementId)?))
        }
        _ => Err(Unusable::Malformed),
    }
}

pub(crate) fn event<E: SolEvent>(log: &Log) -> Result<E, Unusable> {
    E::decode_log_data(&log.inner.data).map_err(|_| Unusable::Malformed)
}

fn id(id: U256) -> Result<u64, Unusable> {
    u64::try_from(id).map_err(|_| Unusable::OutOfRange)
}

fn parcel(token: U256) -> Result<Parcel, Unusable> {
    Parcel::from_token_id(id(token)?).map_err(|_| Unusable::OutOfRange)
}

fn account(address: alloy::primitives::Address) -> Option<WalletAddress> {
    (!address.is_zero()).then(|| WalletAddress(address.into_array()))
}

fn pose(pose: &IPlacement::Pose) -> Pose {
    Pose {
        x: pose.x,
        y: pose.y,
        z: pose.z,
        rotation: [pose.qx, pose.qy, pose.qz, pose.qw],
        scale: pose.scale,
    }
}

/// A name fit for display: bounded, on one line, without characters that turn text around.
fn display_name(name: &str) -> String {
    let harmless = |c: char| {
        let turns_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns_around {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let mut bounded = String::new();
    for c in name.chars().map(harmless) {
        if bounded.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        bounded.push(c);
    }
    bounded
}

/// Magnet parameters are percent-encoded; what is too long or holds anything else is dropped,
/// since half a parameter would mean something else.
fn magnet_parameters(sources: &[u8]) -> String {
    let sound = sources.len() <= MAX_SOURCES && sources.iter().all(u8::is_ascii_graphic);
    let text = if sound { sources } else { &[] };
    text.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests;

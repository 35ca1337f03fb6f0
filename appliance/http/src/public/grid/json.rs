//! The grid's JSON: parcels with the field names that land-map clients know, and what stands on
//! them. Hashes and addresses are `0x` and lower-case digits, as Ethereum's own APIs have them.

use std::collections::BTreeMap;

use seedbox_core::{
    InfoHash, ModelId, Parcel, ParcelState, Placement, UnixTime, WalletAddress, grid::ListedModel,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A parcel as land maps show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridTile)]
pub(super) struct Tile {
    /// `x,y`.
    #[schema(example = "-2,7")]
    id: String,
    /// West to east.
    x: i16,
    /// South to north.
    y: i16,
    /// Always `owned`: parcels that nobody holds are not listed.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Always false, as the two below: parcels are not joined to estates.
    top: bool,
    left: bool,
    top_left: bool,
    /// Address of the holder.
    owner: String,
    /// ERC-721 token ID, decimal.
    token_id: String,
    /// When the grid changed last, Unix seconds: this parcel has not changed later.
    updated_at: u64,
}

/// A parcel and what stands on it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridParcel)]
pub(super) struct ParcelWithContent {
    #[serde(flatten)]
    tile: Tile,
    /// What stands on it, at most 255 with the lowest IDs.
    placements: Vec<Standing>,
}

/// A model standing on a parcel.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GridPlacement)]
struct Standing {
    /// ID of the placement.
    id: u64,
    /// ID of the model.
    model: u64,
    /// Millimetres from the parcel's corner: eastwards, up, northwards.
    position: [i32; 3],
    /// Unit quaternion (x, y, z, w) times 32767.
    rotation: [i16; 4],
    /// Scale times 1000.
    scale: u32,
}

/// A model and where its content is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridModel)]
pub(super) struct ModelWithLink {
    /// Token ID.
    id: u64,
    /// Name as published. Strangers wrote it.
    name: String,
    /// BitTorrent v1 info hash, 40 digits.
    info_hash: String,
    /// SHA-256 of the content, 64 digits.
    content_hash: String,
    /// Content size in bytes, as published.
    size: u64,
    /// Flags as published.
    flags: u8,
    /// Address of the contract that unlocks it; null if it is free.
    #[schema(required)]
    gate: Option<String>,
    /// Magnet link (BEP 9) as the model's contract writes it.
    magnet: String,
}

impl Tile {
    pub(super) fn new(parcel: Parcel, owner: WalletAddress, updated_at: Option<UnixTime>) -> Self {
        Tile {
            id: format!("{},{}", parcel.x, parcel.y),
            x: parcel.x,
            y: parcel.y,
            kind: "owned",
            top: false,
            left: false,
            top_left: false,
            owner: hex_of(&owner.0),
            token_id: parcel.token_id().to_string(),
            updated_at: updated_at.unwrap_or_default().0,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl ParcelWithContent {
    pub(super) fn new(parcel: Parcel, state: &ParcelState, updated_at: Option<UnixTime>) -> Self {
        ParcelWithContent {
            tile: Tile::new(parcel, state.owner, updated_at),
            placements: state.placements.iter().map(Standing::from).collect(),
        }
    }

    pub(super) fn id(&self) -> &str {
        self.tile.id()
    }
}

impl From<&Placement> for Standing {
    fn from(placement: &Placement) -> Self {
        let pose = &placement.pose;
        Standing {
            id: placement.id,
            model: placement.model,
            position: [pose.x, pose.y, pose.z],
            rotation: pose.rotation,
            scale: pose.scale,
        }
    }
}

impl From<&ListedModel> for ModelWithLink {
    fn from(model: &ListedModel) -> Self {
        ModelWithLink {
            id: model.id,
            name: model.name.clone(),
            info_hash: model.info_hash.to_string(),
            content_hash: model.content_hash.to_string(),
            size: model.size,
            flags: model.flags,
            gate: model.gate.map(|gate| hex_of(&gate.0)),
            magnet: magnet(model.info_hash, &model.name, model.size, &model.sources),
        }
    }
}

/// Models by ID, as they go out.
pub(super) fn models(models: &BTreeMap<ModelId, ListedModel>) -> Vec<ModelWithLink> {
    models.values().map(ModelWithLink::from).collect()
}

/// `0x` and lower-case digits.
pub(in crate::public) fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The link that the model's contract writes too.
fn magnet(info_hash: InfoHash, name: &str, size: u64, sources: &str) -> String {
    let mut link = format!("magnet:?xt=urn:btih:{info_hash}&dn=");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            link.push_str(&format!("%{byte:02X}"));
        }
    }
    link.push_str(&format!("&xl={size}"));
    if !sources.is_empty() {
        link.push('&');
        link.push_str(sources);
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magnet_link_survives_any_name() {
        let link = magnet(InfoHash([0xab; 20]), "Turm & Tor ß", 5, "tr=x");
        let hash = "ab".repeat(20);
        let expected = format!("magnet:?xt=urn:btih:{hash}&dn=Turm%20%26%20Tor%20%C3%9F&xl=5&tr=x");
        assert_eq!(link, expected);
        assert!(magnet(InfoHash([1; 20]), "", 5, "").ends_with("&dn=&xl=5"));
    }
}

//! SSZ decoding (consensus specifications, `ssz/simple-serialize.md`). What a container looks like
//! depends on its fork, and on the preset's committee size.

use ::ssz::{DecodeError, SszDecoder, SszDecoderBuilder};
use ruint::aliases::U256;

use crate::{
    BeaconBlockHeader, Bootstrap, Bytes, CommitteeProof, Error, ExecutionHeader, FinalityProof,
    Fork, Header, Network, Root, SyncAggregate, SyncCommittee, Update, execution::MAX_EXTRA_DATA,
};

/// A fixed-size or (`None`) a variable-size field.
type Field = Option<usize>;

const ROOT: Field = Some(32);
const NUMBER: Field = Some(8);
const BEACON_HEADER: usize = 8 + 8 + 3 * 32;
const EXECUTION_BRANCH: usize = 4;

/// Reads a `LightClientBootstrap` of `fork`.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::UnsupportedFork`].
pub fn bootstrap(network: &Network, fork: Fork, bytes: &[u8]) -> Result<Bootstrap, Error> {
    read("bootstrap", bytes, fork, |shape| {
        let committee = shape.committee(network);
        let depth = shape.committee_depth();
        let mut fields = Fields::of(bytes, &[None, Some(committee), Some(32 * depth)])?;
        Ok(Bootstrap {
            header: fields.next_with(|bytes| shape.header(bytes))?,
            current_sync_committee: fields.next_with(sync_committee)?,
            current_sync_committee_branch: fields.next_with(roots)?,
        })
    })
}

/// Reads a `LightClientUpdate` of `fork`.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::UnsupportedFork`].
pub fn update(network: &Network, fork: Fork, bytes: &[u8]) -> Result<Update, Error> {
    read("update", bytes, fork, |shape| {
        let layout = [
            None,
            Some(shape.committee(network)),
            Some(32 * shape.committee_depth()),
            None,
            Some(32 * shape.finality_depth()),
            Some(shape.aggregate(network)),
            NUMBER,
        ];
        let mut fields = Fields::of(bytes, &layout)?;
        let attested_header = fields.next_with(|bytes| shape.header(bytes))?;
        let committee = fields.next_with(sync_committee)?;
        let committee_branch = fields.next_with(roots)?;
        let finalized = fields.next_with(|bytes| shape.header(bytes))?;
        let finality_branch = fields.next_with(roots)?;
        Ok(Update {
            attested_header,
            next_sync_committee: committee_proof(committee, committee_branch)?,
            finality: finality_proof(finalized, finality_branch)?,
            sync_aggregate: fields.next_with(|bytes| aggregate(network, bytes))?,
            signature_slot: fields.number()?,
        })
    })
}

/// A committee with its proof, or `None` where both are left out.
pub(crate) fn committee_proof(
    committee: SyncCommittee,
    branch: Vec<Root>,
) -> Result<Option<CommitteeProof>, DecodeError> {
    if branch.iter().any(|node| *node != Root::ZERO) {
        return Ok(Some(CommitteeProof { committee, branch }));
    }
    if committee.is_empty() {
        return Ok(None);
    }
    Err(invalid("a next sync committee without its proof"))
}

/// A finalized header with its proof, or `None` where both are left out.
pub(crate) fn finality_proof(
    header: Header,
    branch: Vec<Root>,
) -> Result<Option<FinalityProof>, DecodeError> {
    if branch.iter().any(|node| *node != Root::ZERO) {
        return Ok(Some(FinalityProof { header, branch }));
    }
    if header.is_empty() {
        return Ok(None);
    }
    Err(invalid("a finalized header without its proof"))
}

/// A container's shape in one fork.
#[derive(Clone, Copy)]
pub(crate) struct Shape(Fork);

impl Shape {
    /// The shape of this fork's containers.
    ///
    /// # Errors
    /// [`Error::UnsupportedFork`].
    pub(crate) fn of(fork: Fork) -> Result<Self, Error> {
        Fork::named(fork.name()).map(Self)
    }

    pub(crate) fn committee_depth(self) -> usize {
        self.0.next_committee_index().ilog2() as usize
    }

    pub(crate) fn finality_depth(self) -> usize {
        self.0.finality_index().ilog2() as usize
    }

    pub(crate) fn has_blob_gas(self) -> bool {
        self.0.has_blob_gas()
    }

    fn committee(self, network: &Network) -> usize {
        48 * (network.preset.committee_size() + 1)
    }

    fn aggregate(self, network: &Network) -> usize {
        network.preset.committee_size() / 8 + 96
    }

    fn header(self, bytes: &[u8]) -> Result<Header, DecodeError> {
        let layout = [Some(BEACON_HEADER), None, Some(32 * EXECUTION_BRANCH)];
        let mut fields = Fields::of(bytes, &layout)?;
        Ok(Header {
            beacon: fields.next_with(beacon_header)?,
            execution: fields.next_with(|bytes| self.execution_header(bytes))?,
            execution_branch: fields.next_with(roots)?,
        })
    }

    fn execution_header(self, bytes: &[u8]) -> Result<ExecutionHeader, DecodeError> {
        let mut layout = vec![ROOT, Some(20), ROOT, ROOT, Some(256), ROOT];
        layout.extend([NUMBER; 4]);
        layout.extend([None, ROOT, ROOT, ROOT, ROOT]);
        if self.has_blob_gas() {
            layout.extend([NUMBER; 2]);
        }
        let mut fields = Fields::of(bytes, &layout)?;
        let mut header = ExecutionHeader {
            parent_hash: fields.bytes()?,
            fee_recipient: fields.bytes()?,
            state_root: fields.bytes()?,
            receipts_root: fields.bytes()?,
            logs_bloom: fields.bytes()?,
            prev_randao: fields.bytes()?,
            block_number: fields.number()?,
            gas_limit: fields.number()?,
            gas_used: fields.number()?,
            timestamp: fields.number()?,
            extra_data: fields.next_with(|bytes| Ok(bytes.to_vec()))?,
            base_fee_per_gas: U256::from_le_bytes(fields.bytes::<32>()?.0),
            block_hash: fields.bytes()?,
            transactions_root: fields.bytes()?,
            withdrawals_root: fields.bytes()?,
            blob_gas_used: None,
            excess_blob_gas: None,
        };
        if header.extra_data.len() > MAX_EXTRA_DATA {
            return Err(invalid("extra_data of more than 32 bytes"));
        }
        if self.has_blob_gas() {
            header.blob_gas_used = Some(fields.number()?);
            header.excess_blob_gas = Some(fields.number()?);
        }
        Ok(header)
    }
}

fn read<T>(
    what: &'static str,
    bytes: &[u8],
    fork: Fork,
    decode: impl FnOnce(Shape) -> Result<T, DecodeError>,
) -> Result<T, Error> {
    // Twice the largest that there is: a mainnet update has 27 kB.
    const LIMIT: usize = 64 * 1024;
    if bytes.len() > LIMIT {
        return Err(Error::TooLarge {
            what,
            bytes: bytes.len(),
            limit: LIMIT,
        });
    }
    decode(Shape::of(fork)?).map_err(|error| Error::malformed(what, format_args!("{error:?}")))
}

fn beacon_header(bytes: &[u8]) -> Result<BeaconBlockHeader, DecodeError> {
    let mut fields = Fields::of(bytes, &[NUMBER, NUMBER, ROOT, ROOT, ROOT])?;
    Ok(BeaconBlockHeader {
        slot: fields.number()?,
        proposer_index: fields.number()?,
        parent_root: fields.bytes()?,
        state_root: fields.bytes()?,
        body_root: fields.bytes()?,
    })
}

fn sync_committee(bytes: &[u8]) -> Result<SyncCommittee, DecodeError> {
    let mut keys = bytes
        .chunks(48)
        .map(Bytes::from_slice)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| invalid("a sync committee of another length"))?;
    let aggregate_pubkey = keys.pop().ok_or_else(|| invalid("an empty committee"))?;
    Ok(SyncCommittee {
        pubkeys: keys,
        aggregate_pubkey,
    })
}

fn aggregate(network: &Network, bytes: &[u8]) -> Result<SyncAggregate, DecodeError> {
    let bits = network.preset.committee_size() / 8;
    let mut fields = Fields::of(bytes, &[Some(bits), Some(96)])?;
    Ok(SyncAggregate {
        participation: fields.next_with(|bytes| Ok(participation(bytes)))?,
        signature: fields.bytes()?,
    })
}

/// The bits of a bit vector, lowest first.
pub(crate) fn participation(bytes: &[u8]) -> Vec<bool> {
    let bits = |byte: &u8| {
        let byte = *byte;
        (0..8).map(move |bit| byte >> bit & 1 == 1)
    };
    bytes.iter().flat_map(bits).collect()
}

fn roots(bytes: &[u8]) -> Result<Vec<Root>, DecodeError> {
    bytes
        .chunks(32)
        .map(Bytes::from_slice)
        .collect::<Option<_>>()
        .ok_or_else(|| invalid("a branch of another length"))
}

fn invalid(reason: &str) -> DecodeError {
    DecodeError::BytesInvalid(reason.into())
}

/// The fields of a container one after the other.
struct Fields<'a>(SszDecoder<'a>);

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8], layout: &[Field]) -> Result<Self, DecodeError> {
        let mut builder = SszDecoderBuilder::new(bytes);
        for field in layout {
            // An offset takes the place of a field without a fixed size.
            const OFFSET: usize = 4;
            builder.register_type_parameterized(field.is_some(), field.unwrap_or(OFFSET))?;
        }
        builder.build().map(Self)
    }

    fn next_with<T>(
        &mut self,
        decode: impl FnOnce(&'a [u8]) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.0.decode_next_with(decode)
    }

    fn bytes<const N: usize>(&mut self) -> Result<Bytes<N>, DecodeError> {
        self.next_with(|bytes| {
            Bytes::from_slice(bytes).ok_or_else(|| invalid("a field of another length"))
        })
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.bytes()?.0))
    }
}

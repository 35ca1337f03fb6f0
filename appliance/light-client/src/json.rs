//! The beacon API's answers (`/eth/v1/beacon/light_client/…`), bounded in size and strict in shape.
//! The fork is read before anything else, so that data of an unknown one is never interpreted.

use serde::{Deserialize, Serialize, de::DeserializeOwned, de::IgnoredAny};

use crate::{
    Bootstrap, Bytes, Error, Fork, Header, Network, Root, SyncAggregate, SyncCommittee, Update,
    execution::MAX_EXTRA_DATA,
    ssz::{Shape, committee_proof, finality_proof, participation},
};

/// The most bytes of a bootstrap; a real one has 60 kB.
pub const MAX_BOOTSTRAP: usize = 256 * 1024;
/// The most bytes of one update with a sync committee; a real one has 60 kB.
pub const MAX_UPDATE: usize = 256 * 1024;
/// The most bytes of a finality or optimistic update; a real one has 6 kB.
pub const MAX_SHORT_UPDATE: usize = 64 * 1024;

/// The length of `execution_branch`.
const EXECUTION_DEPTH: usize = 4;

/// Reads the answer of `bootstrap/{block root}`.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Malformed`], [`Error::UnknownFork`], [`Error::UnsupportedFork`].
pub fn bootstrap(network: &Network, body: &[u8]) -> Result<Bootstrap, Error> {
    const WHAT: &str = "bootstrap";
    limit(WHAT, body, MAX_BOOTSTRAP)?;
    let fork: Versioned<IgnoredAny> = parse(WHAT, body)?;
    let reader = Reader::of(WHAT, network, &fork.version)?;
    let answer: Versioned<BootstrapData> = parse(WHAT, body)?;
    reader.bootstrap(answer.data)
}

/// Reads the answer of `updates` with up to `count` updates.
///
/// # Errors
/// As [`bootstrap`].
pub fn updates(network: &Network, body: &[u8], count: usize) -> Result<Vec<Update>, Error> {
    const WHAT: &str = "updates";
    limit(WHAT, body, count.saturating_mul(MAX_UPDATE))?;
    let forks: Vec<Versioned<IgnoredAny>> = parse(WHAT, body)?;
    if forks.len() > count {
        let detail = format!("{} updates when {count} were asked for", forks.len());
        return Err(Error::malformed(WHAT, detail));
    }
    let readers = forks
        .iter()
        .map(|answer| Reader::of(WHAT, network, &answer.version))
        .collect::<Result<Vec<_>, _>>()?;
    let answers: Vec<Versioned<UpdateData>> = parse(WHAT, body)?;
    readers
        .iter()
        .zip(answers)
        .map(|(reader, answer)| reader.update(answer.data, Kind::Full))
        .collect()
}

/// Reads the answer of `finality_update`.
///
/// # Errors
/// As [`bootstrap`].
pub fn finality_update(network: &Network, body: &[u8]) -> Result<Update, Error> {
    short_update("finality update", network, body, Kind::Finality)
}

/// Reads the answer of `optimistic_update`.
///
/// # Errors
/// As [`bootstrap`].
pub fn optimistic_update(network: &Network, body: &[u8]) -> Result<Update, Error> {
    short_update("optimistic update", network, body, Kind::Optimistic)
}

fn short_update(
    what: &'static str,
    network: &Network,
    body: &[u8],
    kind: Kind,
) -> Result<Update, Error> {
    limit(what, body, MAX_SHORT_UPDATE)?;
    let fork: Versioned<IgnoredAny> = parse(what, body)?;
    let reader = Reader::of(what, network, &fork.version)?;
    let answer: Versioned<UpdateData> = parse(what, body)?;
    reader.update(answer.data, kind)
}

fn limit(what: &'static str, body: &[u8], limit: usize) -> Result<(), Error> {
    let bytes = body.len();
    if bytes > limit {
        return Err(Error::TooLarge { what, bytes, limit });
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::malformed(what, error))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Finality,
    Optimistic,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Versioned<T> {
    pub(crate) version: String,
    pub(crate) data: T,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct BootstrapData {
    pub(crate) header: Header,
    pub(crate) current_sync_committee: SyncCommittee,
    pub(crate) current_sync_committee_branch: Vec<Root>,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct AggregateData {
    #[serde(with = "hexadecimal")]
    pub(crate) sync_committee_bits: Vec<u8>,
    pub(crate) sync_committee_signature: Bytes<96>,
}

/// All three kinds of updates; the shorter ones have no committee or finalized header.
#[derive(Deserialize, Serialize)]
pub(crate) struct UpdateData {
    pub(crate) attested_header: Header,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_sync_committee: Option<SyncCommittee>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_sync_committee_branch: Option<Vec<Root>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finalized_header: Option<Header>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finality_branch: Option<Vec<Root>>,
    pub(crate) sync_aggregate: AggregateData,
    #[serde(with = "quoted")]
    pub(crate) signature_slot: u64,
}

/// Checks lengths and fields against one fork's shape.
struct Reader {
    what: &'static str,
    shape: Shape,
    committee_size: usize,
}

impl Reader {
    fn of(what: &'static str, network: &Network, version: &str) -> Result<Self, Error> {
        Ok(Self {
            what,
            shape: Shape::of(Fork::named(version)?)?,
            committee_size: network.preset.committee_size(),
        })
    }

    fn bootstrap(&self, data: BootstrapData) -> Result<Bootstrap, Error> {
        self.header(&data.header)?;
        self.committee(&data.current_sync_committee)?;
        let branch = data.current_sync_committee_branch;
        self.length(
            "current_sync_committee_branch",
            branch.len(),
            self.shape.committee_depth(),
        )?;
        Ok(Bootstrap {
            header: data.header,
            current_sync_committee: data.current_sync_committee,
            current_sync_committee_branch: branch,
        })
    }

    fn update(&self, data: UpdateData, kind: Kind) -> Result<Update, Error> {
        self.header(&data.attested_header)?;
        let missing = |field: &str| Error::malformed(self.what, format_args!("no {field}"));
        let next_sync_committee = if kind == Kind::Full {
            let committee = data
                .next_sync_committee
                .ok_or_else(|| missing("next_sync_committee"))?;
            let branch = data
                .next_sync_committee_branch
                .ok_or_else(|| missing("next_sync_committee_branch"))?;
            self.committee(&committee)?;
            self.length(
                "next_sync_committee_branch",
                branch.len(),
                self.shape.committee_depth(),
            )?;
            committee_proof(committee, branch).map_err(|e| self.malformed(&e))?
        } else {
            None
        };
        let finality = if kind == Kind::Optimistic {
            None
        } else {
            let header = data
                .finalized_header
                .ok_or_else(|| missing("finalized_header"))?;
            let branch = data
                .finality_branch
                .ok_or_else(|| missing("finality_branch"))?;
            self.header(&header)?;
            self.length("finality_branch", branch.len(), self.shape.finality_depth())?;
            finality_proof(header, branch).map_err(|e| self.malformed(&e))?
        };
        let aggregate = data.sync_aggregate;
        let participation = participation(&aggregate.sync_committee_bits);
        self.length(
            "sync_committee_bits",
            participation.len(),
            self.committee_size,
        )?;
        Ok(Update {
            attested_header: data.attested_header,
            next_sync_committee,
            finality,
            sync_aggregate: SyncAggregate {
                participation,
                signature: aggregate.sync_committee_signature,
            },
            signature_slot: data.signature_slot,
        })
    }

    fn header(&self, header: &Header) -> Result<(), Error> {
        self.length(
            "execution_branch",
            header.execution_branch.len(),
            EXECUTION_DEPTH,
        )?;
        if header.execution.extra_data.len() > MAX_EXTRA_DATA {
            return Err(Error::malformed(
                self.what,
                "extra_data of more than 32 bytes",
            ));
        }
        if header.execution.has_blob_gas() != Some(self.shape.has_blob_gas()) {
            return Err(Error::malformed(
                self.what,
                "blob gas is not as in its version",
            ));
        }
        Ok(())
    }

    fn committee(&self, committee: &SyncCommittee) -> Result<(), Error> {
        self.length("pubkeys", committee.pubkeys.len(), self.committee_size)
    }

    fn length(&self, field: &str, found: usize, expected: usize) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        let detail = format_args!("{found} items in {field}, {expected} are right").to_string();
        Err(Error::malformed(self.what, detail))
    }

    fn malformed(&self, error: &::ssz::DecodeError) -> Error {
        Error::malformed(self.what, format_args!("{error:?}"))
    }
}

/// Numbers written as decimal strings.
pub(crate) mod quoted {
    use std::{borrow::Cow, fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        number: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// As [`quoted`], for a number that may be left out.
pub(crate) mod quoted_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Number(#[serde(with = "super::quoted")] u64);

    pub(crate) fn serialize<S: Serializer>(
        number: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        number.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        let number = Option::<Number>::deserialize(deserializer)?;
        Ok(number.map(|Number(number)| number))
    }
}

/// Bytes of any length written as hexadecimal digits after `0x`.
pub(crate) mod hexadecimal {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map_err(D::Error::custom)
    }
}

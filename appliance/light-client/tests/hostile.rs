//! Bytes of strangers: whatever comes in, an answer comes out and never a panic.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::LazyLock;

use proptest::prelude::*;
use seedbox_light_client::{Error, Fork, Network, Preset, Store, json, ssz};

const SUITE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/vectors/spec-deneb/supply_sync_committee_from_past_update"
);
const MAINNET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/mainnet-capella");

fn minimal() -> Network {
    Network {
        preset: Preset::Minimal,
        ..Network::mainnet()
    }
}

fn vector(prefix: &str) -> Vec<u8> {
    let files = std::fs::read_dir(SUITE).unwrap();
    let path = files
        .map(|file| file.unwrap().path())
        .find(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(prefix) && name.ends_with("_snappy")
        })
        .unwrap();
    let compressed = std::fs::read(path).unwrap();
    snap::raw::Decoder::new()
        .decompress_vec(&compressed)
        .unwrap()
}

static BOOTSTRAP: LazyLock<Vec<u8>> = LazyLock::new(|| vector("bootstrap"));
static UPDATE: LazyLock<Vec<u8>> = LazyLock::new(|| vector("update"));
static FINALITY: LazyLock<Vec<u8>> =
    LazyLock::new(|| std::fs::read(format!("{MAINNET}/finality.json")).unwrap());

fn forks() -> impl Strategy<Value = Fork> {
    let forks = [
        Fork::Capella,
        Fork::Deneb,
        Fork::Electra,
        Fork::Fulu,
        Fork::Gloas,
    ];
    prop::sample::select(forks.to_vec())
}

fn read_everything(fork: Fork, bytes: &[u8]) {
    for network in [Network::mainnet(), minimal()] {
        let _ = ssz::bootstrap(&network, fork, bytes);
        let _ = ssz::update(&network, fork, bytes);
        let _ = json::bootstrap(&network, bytes);
        let _ = json::updates(&network, bytes, 2);
        let _ = json::finality_update(&network, bytes);
        let _ = json::optimistic_update(&network, bytes);
    }
    let _ = Network::from_json(bytes);
}

/// `bytes` with some of them replaced, and cut or lengthened.
fn damaged(bytes: &'static LazyLock<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (places, 0..=2usize, any::<prop::sample::Index>()).prop_map(|(places, shape, end)| {
        let mut bytes = bytes.to_vec();
        for (place, byte) in places {
            // The lengths and offsets are at the beginning.
            let place = place.index(bytes.len());
            let place = if byte % 2 == 0 { place } else { place % 300 };
            bytes[place] = byte;
        }
        match shape {
            0 => bytes.truncate(end.index(bytes.len())),
            1 => bytes.extend([0; 7]),
            _ => {}
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_panic(fork in forks(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_everything(fork, &bytes);
    }

    #[test]
    fn no_damage_panics_or_is_believed(bytes in damaged(&BOOTSTRAP), fork in forks()) {
        read_everything(fork, &bytes);
        let network = minimal();
        let whole = ssz::bootstrap(&network, Fork::Deneb, &BOOTSTRAP).unwrap();
        if let Ok(read) = ssz::bootstrap(&network, Fork::Deneb, &bytes)
            && read != whole
        {
            let mut network = network;
            network.forks.iter_mut().for_each(|fork| fork.epoch = 0);
            network.forks.truncate(2);
            Store::new(network, whole.header.beacon.root(), read).unwrap_err();
        }
    }

    #[test]
    fn no_damaged_update_panics(bytes in damaged(&UPDATE), fork in forks(), slot in any::<u64>()) {
        read_everything(fork, &bytes);
        let mut network = minimal();
        network.forks.iter_mut().for_each(|fork| fork.epoch = 0);
        network.forks.truncate(2);
        let bootstrap = ssz::bootstrap(&network, Fork::Deneb, &BOOTSTRAP).unwrap();
        let root = bootstrap.header.beacon.root();
        let mut store = Store::new(network.clone(), root, bootstrap).unwrap();
        if let Ok(update) = ssz::update(&network, Fork::Deneb, &bytes) {
            let _ = store.process(update, slot);
            let _ = store.force_update(slot);
        }
    }

    #[test]
    fn no_damaged_json_panics(bytes in damaged(&FINALITY)) {
        read_everything(Fork::Capella, &bytes);
    }
}

#[test]
fn what_is_too_long_is_not_even_read() {
    let network = Network::mainnet();
    let long = vec![b' '; json::MAX_BOOTSTRAP + 1];
    let longest = json::bootstrap(&network, &long[1..]);
    assert!(matches!(longest, Err(Error::Malformed { .. })));
    let longest = ssz::update(&network, Fork::Fulu, &long[..64 * 1024]);
    assert!(matches!(longest, Err(Error::Malformed { .. })));
    let too_large = |result: Result<(), Error>| matches!(result, Err(Error::TooLarge { .. }));
    assert!(too_large(json::bootstrap(&network, &long).map(drop)));
    assert!(too_large(json::updates(&network, &long, 1).map(drop)));
    assert!(!too_large(json::updates(&network, &long, 2).map(drop)));
    let long = &long[..=json::MAX_SHORT_UPDATE];
    assert!(too_large(json::finality_update(&network, long).map(drop)));
    assert!(too_large(json::optimistic_update(&network, long).map(drop)));
    assert!(too_large(ssz::update(&network, Fork::Fulu, long).map(drop)));
    assert!(too_large(
        ssz::bootstrap(&network, Fork::Fulu, long).map(drop)
    ));
}

#[test]
fn shapes_are_exact() {
    let network = Network::mainnet();
    let finality = String::from_utf8(FINALITY.clone()).unwrap();
    json::finality_update(&network, finality.as_bytes()).unwrap();
    let refuses = |from: &str, to: &str| {
        assert!(finality.contains(from), "{from}");
        let lie = finality.replacen(from, to, 1);
        let read = json::finality_update(&network, lie.as_bytes());
        assert!(
            matches!(read, Err(Error::Malformed { .. })),
            "{to}: {read:?}"
        );
    };
    refuses("\"execution_branch\":[", "\"execution_branch\":[\"0x\",");
    let root = format!("\"0x{}\",", "00".repeat(32));
    refuses(
        "\"execution_branch\":[",
        &format!("\"execution_branch\":[{root}"),
    );
    refuses(
        "\"finality_branch\":[",
        &format!("\"finality_branch\":[{root}"),
    );
    refuses(
        "\"sync_committee_bits\":\"0x",
        "\"sync_committee_bits\":\"0x00",
    );
    refuses(
        "\"extra_data\":\"0x",
        &format!("\"extra_data\":\"0x{}", "00".repeat(33)),
    );
    let longest = format!("\"extra_data\":\"0x{}\",\"was\":\"0x", "00".repeat(32));
    let longest = finality.replacen("\"extra_data\":\"0x", &longest, 1);
    json::finality_update(&network, longest.as_bytes()).unwrap();
    refuses(
        "\"gas_used\":\"",
        "\"excess_blob_gas\":\"0\",\"gas_used\":\"",
    );
    refuses("\"slot\":\"", "\"slot\":\"-");
    refuses("\"finalized_header\"", "\"finalised_header\"");
    let other = json::bootstrap(&network, finality.as_bytes());
    assert!(matches!(other, Err(Error::Malformed { .. })));
    let bootstrap = std::fs::read_to_string(format!("{MAINNET}/bootstrap.json")).unwrap();
    let key = format!("\"pubkeys\":[\"0x{}\",", "00".repeat(48));
    let lie = bootstrap.replacen("\"pubkeys\":[", &key, 1);
    let read = json::bootstrap(&network, lie.as_bytes());
    assert!(matches!(read, Err(Error::Malformed { .. })));
    let updates = std::fs::read(format!("{MAINNET}/updates.json")).unwrap();
    let more = json::updates(&network, &updates, 5).unwrap_err();
    assert!(more.to_string().contains("6 updates"), "{more}");
}

#[test]
fn extra_data_has_32_bytes_at_most() {
    let network = minimal();
    // It is the last thing in a bootstrap.
    let lengthened = |length: usize| {
        let mut bytes = BOOTSTRAP.to_vec();
        let read = ssz::bootstrap(&network, Fork::Deneb, &bytes).unwrap();
        bytes.extend(vec![7; length - read.header.execution.extra_data.len()]);
        ssz::bootstrap(&network, Fork::Deneb, &bytes)
    };
    let longest = lengthened(32).unwrap();
    assert_eq!(longest.header.execution.extra_data.len(), 32);
    assert!(matches!(lengthened(33), Err(Error::Malformed { .. })));
    assert!(matches!(lengthened(34), Err(Error::Malformed { .. })));
}

#[test]
fn nothing_goes_without_its_proof() {
    let network = Network::mainnet();
    let without = |text: &str, field: &str, depth: usize| {
        let root = format!("\"0x{}\"", "00".repeat(32));
        let zeros = vec![root; depth].join(",");
        let start = text.find(&format!("\"{field}\":[")).unwrap() + field.len() + 4;
        let end = start + text[start..].find(']').unwrap();
        format!("{}{zeros}{}", &text[..start], &text[end..])
    };
    let finality = String::from_utf8(FINALITY.clone()).unwrap();
    let lie = without(&finality, "finality_branch", 6);
    let read = json::finality_update(&network, lie.as_bytes()).unwrap_err();
    assert!(read.to_string().contains("without its proof"), "{read}");
    let updates = std::fs::read_to_string(format!("{MAINNET}/updates.json")).unwrap();
    let lie = without(&updates, "next_sync_committee_branch", 5);
    let read = json::updates(&network, lie.as_bytes(), 6).unwrap_err();
    assert!(read.to_string().contains("without its proof"), "{read}");
}

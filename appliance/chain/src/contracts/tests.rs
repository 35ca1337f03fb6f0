//! Events there and back, and what strangers may put into them.

use alloy::primitives::{Address, Bytes, U256};
use proptest::prelude::*;
use seedbox_core::{BlockRef, UnixTime};

use super::*;
use crate::{
    made_up_chain::{deployment, log},
    projection::{
        Projection,
        tests::{any_event, model, transferred},
    },
};

fn logged(event: &Event) -> Log {
    let block = BlockRef {
        number: 7,
        hash: [7; 32],
        timestamp: UnixTime(7),
    };
    log(&block, 0, event)
}

fn published(name: &str, sources: &str) -> Model {
    let event = Event::ModelPublished(Model {
        name: name.into(),
        sources: sources.into(),
        ..model(1, 1)
    });
    match decode(&deployment(), &logged(&event)) {
        Ok(Some(Event::ModelPublished(model))) => model,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn every_event_reads_as_it_was_written(event in any_event()) {
        prop_assert_eq!(decode(&deployment(), &logged(&event)), Ok(Some(event)));
    }

    #[test]
    fn no_log_makes_the_reader_panic(
        topics in proptest::collection::vec(any::<[u8; 32]>(), 0..5),
        known in 0usize..EVENTS.len() + 2,
        contract in 0xa0u8..0xa5,
        data in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut topics: Vec<B256> = topics.into_iter().map(B256::from).collect();
        if let (Some(topic), Some(first)) = (EVENTS.get(known), topics.first_mut()) {
            *first = *topic;
        }
        let mut log = Log::default();
        log.inner.address = Address::repeat_byte(contract);
        log.inner.data = alloy::primitives::LogData::new_unchecked(topics, Bytes::from(data));
        let _ = decode(&deployment(), &log);
        let _ = Projection::default().replay(&deployment(), &log, &mut Vec::new());
    }
}

#[test]
fn a_name_is_bounded_and_harmless() {
    assert_eq!(published("Häuschen 🏠", "").name, "Häuschen 🏠");
    assert_eq!(
        published("a\nb\u{7}\u{202e}c", "").name,
        "a\u{fffd}b\u{fffd}\u{fffd}c"
    );
    let long = published(&"ä".repeat(100_000), "").name;
    assert_eq!(long.len(), MAX_NAME);
}

#[test]
fn magnet_parameters_come_whole_or_not_at_all() {
    let sources = "tr=udp%3A%2F%2Ftracker.example%3A80&ws=http%3A%2F%2Fbox";
    assert_eq!(published("", sources).sources, sources);
    assert_eq!(
        published("", &"a".repeat(MAX_SOURCES)).sources.len(),
        MAX_SOURCES
    );
    assert_eq!(published("", &"a".repeat(MAX_SOURCES + 1)).sources, "");
    assert_eq!(published("", "tr=a\n&xs=b").sources, "");
}

#[test]
fn text_that_is_no_utf8_is_still_a_name() {
    let mut log = logged(&Event::ModelPublished(Model {
        name: "wxyz".into(),
        ..model(1, 1)
    }));
    let data = log.inner.data.data.to_vec();
    let at = data.windows(4).position(|w| w == b"wxyz").unwrap();
    let mut broken = data;
    broken[at] = 0xff;
    log.inner.data.data = broken.into();
    assert!(matches!(
        decode(&deployment(), &log),
        Ok(Some(Event::ModelPublished(_)))
    ));
}

#[test]
fn ids_out_of_range_and_foreign_contracts_are_told_apart() {
    let mut log = logged(&transferred(Parcel { x: 0, y: 0 }, None, 1));
    log.inner.data.topics_mut_unchecked()[3] = U256::from(1u64 << 32).into();
    assert_eq!(decode(&deployment(), &log), Err(Unusable::OutOfRange));
    log.inner.data.topics_mut_unchecked()[3] = U256::MAX.into();
    assert_eq!(decode(&deployment(), &log), Err(Unusable::OutOfRange));
    log.inner.data.topics_mut_unchecked().pop();
    assert_eq!(decode(&deployment(), &log), Err(Unusable::Malformed));
    log.inner.address = Address::repeat_byte(9);
    assert_eq!(decode(&deployment(), &log), Err(Unusable::ForeignContract));
}

//! Batches, undoing and readings as a power cut would find them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use seedbox_core::{ContentHash, InfoHash, Pose};

use super::*;

fn block(number: u64) -> BlockRef {
    BlockRef {
        number,
        hash: [u8::try_from(number % 251).unwrap(); 32],
        timestamp: UnixTime(number),
    }
}

fn wallet(byte: u8) -> WalletAddress {
    WalletAddress([byte; 20])
}

fn open(folder: &Path) -> Store {
    Store::open(&folder.join("seedbox.db")).unwrap()
}

const PARCEL: Parcel = Parcel { x: -3, y: 4 };

/// One of every kind of row, with the values that are hardest on SQLite's signed integers.
fn rows() -> Vec<Row> {
    let model = Model {
        id: u64::MAX,
        info_hash: InfoHash([1; 20]),
        content_hash: ContentHash([2; 32]),
        size: u64::MAX,
        gate: Some(wallet(3)),
        name: "nul \0 and 🏠".into(),
        sources: "tr=x".into(),
        owner: None,
    };
    let placement = Placement {
        id: 1 << 63,
        model: u64::MAX,
        pose: Pose {
            x: i32::MIN,
            y: i32::MAX,
            z: 0,
            rotation: [i16::MIN, i16::MAX, 0, -1],
            scale: u32::MAX,
        },
    };
    vec![
        Row::Parcel(PARCEL, Some(wallet(1))),
        Row::Model(model.id, Some(Box::new(model))),
        Row::ModelOwner(u64::MAX, Some(wallet(2))),
        Row::Placement(placement.id, Some((PARCEL, placement))),
        Row::Slot(
            Contract::Model,
            [7; 32],
            [[0; 30].as_slice(), &[9, 0]].concat().try_into().unwrap(),
        ),
        Row::Slot(Contract::Placement, [0xff; 32], [0xff; 32]),
    ]
}

fn none(row: &Row) -> Row {
    match row {
        Row::Parcel(parcel, _) => Row::Parcel(*parcel, None),
        Row::Model(id, _) => Row::Model(*id, None),
        Row::ModelOwner(id, _) => Row::ModelOwner(*id, None),
        Row::Placement(id, _) => Row::Placement(*id, None),
        Row::Slot(contract, path, _) => Row::Slot(*contract, *path, [0; 32]),
    }
}

fn batch(number: u64, changes: Vec<(Row, Row)>) -> Batch {
    Batch {
        blocks: vec![block(number)],
        undo: changes
            .iter()
            .map(|(before, _)| Undo {
                block: number,
                before: before.clone(),
            })
            .collect(),
        rows: changes.into_iter().map(|(_, after)| after).collect(),
        ..Batch::default()
    }
}

async fn only(store: &Store) -> Reading {
    let mut readings = store.chain_readings(Some("source".into())).await.unwrap();
    assert_eq!(readings.len(), 1);
    readings.remove(0)
}

#[tokio::test]
async fn what_was_written_is_read_back_and_can_be_undone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let id = store.begin_chain_reading("source".into()).await.unwrap();
    store.apply_chain_batch(id, batch(1, vec![])).await.unwrap();
    let created = rows().into_iter().map(|row| (none(&row), row)).collect();
    store
        .apply_chain_batch(id, batch(2, created))
        .await
        .unwrap();
    let moved = (
        Row::Parcel(PARCEL, Some(wallet(1))),
        Row::Parcel(PARCEL, Some(wallet(9))),
    );
    let gone = rows()
        .into_iter()
        .skip(1)
        .map(|row| (row.clone(), none(&row)));
    let third = [moved].into_iter().chain(gone).collect();
    store.apply_chain_batch(id, batch(3, third)).await.unwrap();
    drop(store);

    let store = open(folder.path());
    let reading = only(&store).await;
    assert_eq!(reading.tip, Some(block(3)));
    assert_eq!(reading.rows, [Row::Parcel(PARCEL, Some(wallet(9)))]);

    let restored = store.undo_chain_blocks(id, 2).await.unwrap();
    assert_eq!(restored.len(), rows().len());
    let reading = only(&store).await;
    assert_eq!((reading.tip, reading.rows), (Some(block(2)), rows()));

    store.undo_chain_blocks(id, 1).await.unwrap();
    let reading = only(&store).await;
    assert_eq!((reading.tip, reading.rows), (Some(block(1)), vec![]));
    assert_eq!(reading.blocks, [block(1)]);
}

#[tokio::test]
async fn the_journal_ends_at_the_floor_but_the_first_block_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let id = store.begin_chain_reading("source".into()).await.unwrap();
    for number in 1..=9 {
        let owner = |number: u64| (number > 1).then(|| wallet(u8::try_from(number).unwrap()));
        let change = (
            Row::Parcel(PARCEL, owner(number)),
            Row::Parcel(PARCEL, owner(number + 1)),
        );
        let floor = number.saturating_sub(3);
        let batch = Batch {
            floor,
            ..batch(number, vec![change])
        };
        store.apply_chain_batch(id, batch).await.unwrap();
    }
    let numbers: Vec<_> = only(&store).await.blocks.iter().map(|b| b.number).collect();
    assert_eq!(numbers, [1, 6, 7, 8, 9]);
    for below in [1, 5, 10] {
        assert!(store.undo_chain_blocks(id, below).await.is_err(), "{below}");
    }
    assert_eq!(store.undo_chain_blocks(id, 6).await.unwrap().len(), 3);
    assert_eq!(
        only(&store).await.rows,
        [Row::Parcel(PARCEL, Some(wallet(7)))]
    );
}

#[tokio::test]
async fn a_failing_batch_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let id = store.begin_chain_reading("source".into()).await.unwrap();
    let mut half = batch(
        1,
        vec![(
            Row::Parcel(PARCEL, None),
            Row::Parcel(PARCEL, Some(wallet(1))),
        )],
    );
    half.blocks.push(block(1)); // the second of the same height does not fit
    assert!(store.apply_chain_batch(id, half).await.is_err());
    let reading = only(&store).await;
    assert_eq!(
        (reading.tip, reading.rows, reading.blocks),
        (None, vec![], vec![])
    );
}

#[tokio::test]
async fn the_finished_reading_stays_until_the_next_one_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = store.begin_chain_reading("source".into()).await.unwrap();
    let row = (
        Row::Parcel(PARCEL, None),
        Row::Parcel(PARCEL, Some(wallet(1))),
    );
    store
        .apply_chain_batch(first, batch(1, vec![row]))
        .await
        .unwrap();
    store.complete_chain_reading(first).await.unwrap();

    store.begin_chain_reading("source".into()).await.unwrap();
    let second = store.begin_chain_reading("source".into()).await.unwrap();
    let readings = store.chain_readings(Some("source".into())).await.unwrap();
    assert_eq!(
        readings.iter().map(|r| r.complete).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(readings[0].rows.len(), 1);

    store.complete_chain_reading(second).await.unwrap();
    assert_eq!(only(&store).await.id, second);
    assert!(only(&store).await.rows.is_empty());
}

#[tokio::test]
async fn another_source_forgets_the_old_one_and_none_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.begin_chain_reading("source".into()).await.unwrap();
    assert_eq!(store.chain_readings(None).await.unwrap().len(), 1);
    assert_eq!(
        store.chain_readings(Some("other".into())).await.unwrap(),
        []
    );
    assert_eq!(store.chain_readings(None).await.unwrap(), []);
}

#[tokio::test]
async fn wallets_are_linked_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for byte in [2, 1, 2] {
        store.link_wallet(wallet(byte)).await.unwrap();
    }
    assert_eq!(store.wallets().await.unwrap(), [wallet(1), wallet(2)]);
    store.unlink_wallet(wallet(1)).await.unwrap();
    store.unlink_wallet(wallet(7)).await.unwrap();
    assert_eq!(store.wallets().await.unwrap(), [wallet(2)]);
}

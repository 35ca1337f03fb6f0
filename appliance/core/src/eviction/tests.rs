//! The eviction rules against generated inventories.

use proptest::prelude::*;

use super::*;
use crate::{
    AsOf, BlockRef, Demand, InfoHash, Owned, OwnedWallet, UnixTime, WalletAddress, classify,
};

fn item(id: u8, reserved: u64, requests: u64, other_seeds: u32) -> Item {
    Item {
        info_hash: InfoHash([id; 20]),
        reserved,
        accepted: false,
        demand: Demand {
            requests,
            other_seeds,
            ..Demand::default()
        },
    }
}

fn community(items: Vec<Item>) -> Classified {
    classify(items, &Owned::default(), UnixTime(0), 0)
}

fn names(plan: &Plan) -> Vec<InfoHash> {
    plan.victims.iter().map(Evictable::info_hash).collect()
}

#[test]
fn the_least_missed_goes_first() {
    let all = community(vec![
        item(1, 10, 9, 0),
        item(2, 10, 1, 0),
        item(3, 10, 9, 50),
    ]);
    let plan = plan(&all.evictable, 15, u64::MAX).unwrap();
    assert_eq!(names(&plan), [InfoHash([3; 20]), InfoHash([2; 20])]);
    assert_eq!(plan.freed, 20);
}

#[test]
fn superfluous_victims_are_spared() {
    let all = community(vec![item(1, 10, 1, 9), item(2, 100, 9, 9)]);
    let plan = plan(&all.evictable, 100, u64::MAX).unwrap();
    assert_eq!(
        names(&plan),
        [InfoHash([2; 20])],
        "the large one alone is enough"
    );
    let all = community(vec![
        item(1, 5, 1, 9),
        item(2, 10, 3, 9),
        item(3, 100, 99, 9),
    ]);
    let plan = super::plan(&all.evictable, 12, u64::MAX).unwrap();
    assert_eq!(names(&plan), [InfoHash([1; 20]), InfoHash([2; 20])]);
}

#[test]
fn stale_ownership_refuses_instead_of_evicting() {
    let wallet = OwnedWallet {
        address: WalletAddress([7; 20]),
        parcels: vec![],
    };
    let block = BlockRef {
        number: 1,
        hash: [0; 32],
        timestamp: UnixTime(0),
    };
    let as_of = Some(AsOf {
        block,
        observed_at: UnixTime(1_000),
    });
    let owned = Owned {
        wallets: vec![wallet],
        as_of,
    };
    let room = Room {
        quota: 100,
        reserved: 100,
        disk_available: 1_000,
    };
    let ask = Ask::Community { size: 10 };

    let fresh = classify(vec![item(1, 100, 1, 0)], &owned, UnixTime(1_060), 60);
    assert!(admit(ask, room, &fresh).is_ok());
    let wrong_clock = classify(vec![item(1, 100, 1, 0)], &owned, UnixTime(999), 60);
    assert!(admit(ask, room, &wrong_clock).is_err());
    let stale = classify(vec![item(1, 100, 1, 0)], &owned, UnixTime(1_061), 60);
    assert_eq!(
        admit(ask, room, &stale),
        Err(RefusalReason::OwnershipUncertain {
            needed: 10,
            free: 0
        })
    );
}

#[test]
fn one_community_torrent_cannot_empty_the_cache() {
    let room = Room {
        quota: 100,
        reserved: 0,
        disk_available: 1_000,
    };
    let nothing = Classified::default();
    assert!(admit(Ask::Community { size: 25 }, room, &nothing).is_ok());
    assert_eq!(
        admit(Ask::Community { size: 26 }, room, &nothing),
        Err(RefusalReason::TooLargeForCache {
            size: 26,
            limit: 25
        })
    );
    assert!(
        admit(
            Ask::Protected {
                size: 26,
                limit: 26
            },
            room,
            &nothing
        )
        .is_ok()
    );
}

#[test]
fn a_closer_fit_is_taken_among_what_is_missed_about_as_much() {
    let large_and_small = |small_requests| {
        community(vec![
            item(1, 100 << 20, 1, 0),
            item(2, 20 << 20, small_requests, 0),
        ])
    };
    let (need, spare) = (15 << 20, 10 << 20);
    let all = large_and_small(1);
    let plan = super::plan(&all.evictable, need, spare).unwrap();
    assert_eq!(names(&plan), [InfoHash([2; 20])]);
    let plan = super::plan(&all.evictable, need, u64::MAX).unwrap();
    assert_eq!(names(&plan), [InfoHash([1; 20])], "the lowest score");
    let all = large_and_small(5);
    let plan = super::plan(&all.evictable, need, spare).unwrap();
    assert_eq!(
        names(&plan),
        [InfoHash([1; 20])],
        "the other is missed more"
    );
}

proptest! {
    #[test]
    fn a_plan_frees_enough_and_nothing_needless(
        sizes in prop::collection::vec((1u64..1_000, 1u64..50, 0u32..20), 0..40),
        need in 0u64..20_000,
        spare in 0u64..2_000,
    ) {
        let items: Vec<Item> = sizes
            .iter()
            .enumerate()
            .map(|(i, &(size, requests, seeds))| item(u8::try_from(i).unwrap(), size, requests, seeds))
            .collect();
        let total: u64 = items.iter().map(|i| i.reserved).sum();
        let all = community(items.clone());
        match plan(&all.evictable, need, spare) {
            None => prop_assert!(total < need),
            Some(plan) => {
                let sizes: Vec<u64> = plan
                    .victims
                    .iter()
                    .map(|v| v.item().reserved)
                    .collect();
                prop_assert_eq!(sizes.iter().sum::<u64>(), plan.freed);
                prop_assert!(plan.freed >= need);
                prop_assert!(sizes.iter().all(|size| plan.freed - size < need));
            }
        }
    }
}

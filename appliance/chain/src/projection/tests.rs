//! The projection against what the contracts mean, and undoing against never having done.

use proptest::{collection::vec, option, prelude::*};
use seedbox_core::{ContentHash, InfoHash};

use super::*;
use crate::made_up_chain::wallet;

pub(crate) fn model(id: ModelId, content: u8) -> Model {
    Model {
        id,
        info_hash: InfoHash([content; 20]),
        content_hash: ContentHash([content; 32]),
        size: u64::MAX - u64::from(content),
        gate: None,
        name: format!("model {id}"),
        sources: String::new(),
        owner: None,
    }
}

pub(crate) fn placement(id: PlacementId, model: ModelId) -> Placement {
    Placement {
        id,
        model,
        pose: Pose {
            x: -5,
            y: i32::MIN,
            z: 7,
            rotation: [0, -1, i16::MIN, 32767],
            scale: 1000,
        },
    }
}

fn any_wallet() -> impl Strategy<Value = Option<WalletAddress>> {
    option::weighted(0.9, (1u8..4).prop_map(wallet))
}

fn any_parcel() -> impl Strategy<Value = Parcel> {
    (-1i16..2, -1i16..2).prop_map(|(x, y)| Parcel { x, y })
}

fn any_pose() -> impl Strategy<Value = Pose> {
    (any::<[i32; 3]>(), any::<[i16; 4]>(), any::<u32>()).prop_map(|([x, y, z], rotation, scale)| {
        Pose {
            x,
            y,
            z,
            rotation,
            scale,
        }
    })
}

pub(crate) fn transferred(parcel: Parcel, from: Option<u8>, to: u8) -> Event {
    Event::LandTransferred {
        parcel,
        from: from.map(wallet),
        to: Some(wallet(to)),
    }
}

/// Events about so few things that they meet each other.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (any_parcel(), any_wallet(), any_wallet())
            .prop_map(|(parcel, from, to)| Event::LandTransferred { parcel, from, to }),
        (0u64..4, any_wallet()).prop_map(|(id, w)| Event::ModelTransferred(id, w)),
        (0u64..4, any_wallet(), any::<u8>()).prop_map(|(id, gate, c)| Event::ModelPublished(
            Model {
                gate,
                ..model(id, c)
            }
        )),
        (0u64..4, any_wallet()).prop_map(|(id, gate)| Event::GateChanged(id, gate)),
        (any_parcel(), 0u64..6, 0u64..4, any_pose()).prop_map(|(parcel, id, model, pose)| {
            Event::Placed(parcel, Placement { id, model, pose })
        }),
        (0u64..6, any_pose()).prop_map(|(id, pose)| Event::Moved(id, pose)),
        (0u64..6).prop_map(Event::Removed),
    ]
}

proptest! {
    #[test]
    fn undoing_is_never_having_done(before in vec(any_event(), 0..30), after in vec(any_event(), 0..30)) {
        let mut projection = Projection::default();
        for event in before {
            projection.apply(event);
        }
        let remembered = projection.clone();
        let changes: Vec<_> = after.into_iter().flat_map(|e| projection.apply(e)).collect();
        for (before, after) in changes.into_iter().rev() {
            prop_assert_eq!(projection.set(before), after);
        }
        prop_assert_eq!(projection, remembered);
    }

    #[test]
    fn setting_the_changed_rows_is_applying(events in vec(any_event(), 0..60)) {
        let mut projection = Projection::default();
        let rows: Vec<Row> = events.into_iter().flat_map(|e| projection.apply(e)).map(|(_, after)| after).collect();
        prop_assert_eq!(rows.into_iter().collect::<Projection>(), projection);
    }
}

#[test]
fn a_model_on_owned_land_is_found_from_the_wallet() {
    let mut projection = Projection::default();
    let parcel = Parcel { x: 3, y: -4 };
    // The token's Transfer comes before its publication, as the contract emits them.
    projection.apply(Event::ModelTransferred(9, Some(wallet(2))));
    projection.apply(Event::ModelPublished(model(9, 1)));
    projection.apply(transferred(parcel, None, 1));
    projection.apply(Event::Placed(parcel, placement(5, 9)));
    let grid = projection.grid(None, None);
    let owned = grid.owned_by(&[wallet(1), wallet(2)]);
    assert_eq!(owned[0].parcels[0].placements[0].model.id, 9);
    assert_eq!(
        owned[0].parcels[0].placements[0].model.owner,
        Some(wallet(2))
    );
    assert!(owned[1].parcels.is_empty());

    projection.apply(transferred(parcel, Some(1), 2));
    let grid = projection.grid(None, None);
    assert!(grid.owned_by(&[wallet(1)])[0].parcels.is_empty());
    assert!(
        grid.owned_by(&[wallet(2)])[0].parcels[0]
            .placements
            .is_empty(),
        "a sale ends what the seller had placed"
    );

    projection.apply(Event::Placed(parcel, placement(6, 9)));
    assert_eq!(
        projection.grid(None, None).parcels[&parcel]
            .placements
            .len(),
        1
    );
    projection.apply(Event::Moved(5, placement(5, 9).pose));
    assert_eq!(
        projection.grid(None, None).parcels[&parcel]
            .placements
            .len(),
        1
    );
    projection.apply(Event::Removed(6));
    assert!(
        projection.grid(None, None).parcels[&parcel]
            .placements
            .is_empty()
    );
}

#[test]
fn what_says_nothing_new_changes_nothing() {
    let mut projection = Projection::default();
    assert_eq!(projection.apply(Event::Removed(1)), []);
    assert_eq!(projection.apply(Event::Moved(1, placement(1, 1).pose)), []);
    assert_eq!(projection.apply(Event::GateChanged(1, None)), []);
    let transfer = transferred(Parcel { x: 0, y: 0 }, None, 1);
    assert_eq!(projection.apply(transfer.clone()).len(), 1);
    assert_eq!(projection.apply(transfer), []);
}

//! What the owner reads and orders.

use axum::http::{Method, StatusCode};
use seedbox_core::{
    Alerts, ContentHash, Health, InfoHash, Model, Owned, OwnedParcel, OwnedPlacement, OwnedWallet,
    Parcel, Pose, Refusal, RefusalReason, UnixTime, WalletAddress, alerts,
};
use serde_json::json;

use super::harness::{TestBox, request};
use crate::OrderError;

#[tokio::test]
async fn the_status_is_one_object_with_one_sentence() {
    let (test_box, cookie) = TestBox::claimed().await;
    let status = || async { test_box.get("/api/v1/status", Some(&cookie)).await.json() };
    let well = status().await;
    assert_eq!(well["health"], "well");
    assert_eq!(well["sentence"], "Everything is secured.");
    assert_eq!(well["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(well["now"], 1_000_000);
    assert_eq!(well["wallets"], 1);
    assert_eq!(well["seeder"]["torrents"], 1);

    assert_eq!(well["alerts"], json!([]));

    let told = Alerts::default().replaced(alerts::of_wallets(0), UnixTime(999_000));
    test_box.appliance.alerts.send_replace(told.into());
    let unlinked = status().await;
    assert_eq!(unlinked["health"], "attention");
    let alert = &unlinked["alerts"][0];
    assert_eq!(
        (&alert["id"], &alert["since"]),
        (&json!("no-wallet"), &json!(999_000))
    );
    assert_eq!(alert["words"], unlinked["sentence"]);

    test_box.appliance.chain.send_modify(|chain| {
        chain.health = Health::Failing;
        chain.sentence = "No endpoint answers.".to_owned();
    });
    let failing = status().await;
    assert_eq!(failing["health"], "failing");
    assert_eq!(failing["sentence"], "No endpoint answers.");
    let healthz = test_box.get("/healthz", None).await;
    assert_eq!(healthz.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(healthz.json()["chain"], "failing");
}

#[tokio::test]
async fn torrents_are_listed_added_and_removed() {
    let (test_box, cookie) = TestBox::claimed().await;
    let listed = test_box.get("/api/v1/torrents", Some(&cookie)).await.json();
    assert_eq!(listed["torrents"][0]["info_hash"], "01".repeat(20));
    assert_eq!(listed["torrents"][0]["state"], "seeding");
    let add = json!({ "magnet": " magnet:?xt=urn:btih:x " });
    let added = test_box.post("/api/v1/torrents", Some(&cookie), &add).await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.json(), json!({ "info_hash": "09".repeat(20) }));
    let path = format!("/api/v1/torrents/{}", "ab".repeat(20));
    let removed = test_box.delete(&path, Some(&cookie)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let expected = [
        "add magnet:?xt=urn:btih:x".to_owned(),
        format!("remove {}", "ab".repeat(20)),
    ];
    assert_eq!(test_box.orders(), expected);
}

#[tokio::test]
async fn an_orders_error_says_why() {
    let (test_box, cookie) = TestBox::claimed().await;
    let full = RefusalReason::QuotaFull {
        needed: 5,
        free: 1,
        evictable: 2,
    };
    let words = || "because".to_owned();
    for (error, status, kind) in [
        (OrderError::Invalid(words()), 422, "invalid-request"),
        (OrderError::NotFound(words()), 404, "not-found"),
        (OrderError::Conflict(words()), 409, "conflict"),
        (OrderError::Failed(words()), 500, "internal"),
    ] {
        *test_box.appliance.next_error.lock().unwrap() = Some(error);
        let path = format!("/api/v1/torrents/{}", "ab".repeat(20));
        let answer = test_box.delete(&path, Some(&cookie)).await;
        answer.is_problem(status, kind);
        assert_eq!(answer.json()["detail"], "because");
    }
    for (reason, status, code) in [
        (full, 507, "quota-full"),
        (RefusalReason::NotOnChain, 409, "not-on-chain"),
        (RefusalReason::Busy, 503, "busy"),
    ] {
        *test_box.appliance.next_error.lock().unwrap() = Some(reason.into());
        let add = json!({ "magnet": "magnet:?" });
        let answer = test_box.post("/api/v1/torrents", Some(&cookie), &add).await;
        answer.is_problem(status, "refused");
        assert_eq!(answer.json()["refusal"], code);
    }
}

#[tokio::test]
async fn a_quota_is_set_on_its_volume() {
    let (test_box, cookie) = TestBox::claimed().await;
    let patch = |body: serde_json::Value| {
        let path = "/api/v1/volumes/usb%20disk";
        test_box.admin(request(Method::PATCH, path, Some(&cookie), Some(&body)))
    };
    let answer = patch(json!({ "quota": 50_000_000_000_u64 })).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert_eq!(test_box.orders(), ["quota usb disk 50000000000"]);
    for wrong in [json!(-1), json!(1.5), json!("1"), json!(null)] {
        let answer = patch(json!({ "quota": wrong })).await;
        answer.is_problem(422, "invalid-request");
    }
}

#[tokio::test]
async fn wallets_show_what_stands_on_their_land() {
    let (test_box, cookie) = TestBox::claimed().await;
    let model = Model {
        id: 7,
        info_hash: InfoHash([2; 20]),
        content_hash: ContentHash([3; 32]),
        size: 1000,
        gate: None,
        name: "a fountain".to_owned(),
        sources: String::new(),
        owner: Some(WalletAddress([1; 20])),
    };
    let pose = Pose {
        x: 1,
        y: 2,
        z: 3,
        rotation: [0, 0, 0, 32767],
        scale: 1000,
    };
    let placements = vec![OwnedPlacement { id: 4, pose, model }];
    let parcel = Parcel { x: -1, y: 5 };
    let wallets = vec![OwnedWallet {
        address: WalletAddress([1; 20]),
        parcels: vec![OwnedParcel { parcel, placements }],
    }];
    let owned = Owned {
        wallets,
        as_of: None,
    };
    test_box.appliance.owned.send_replace(owned.into());
    let told = test_box.get("/api/v1/wallets", Some(&cookie)).await.json();
    assert_eq!(told["as_of"], json!(null));
    let parcel = &told["wallets"][0]["parcels"][0];
    assert_eq!((&parcel["x"], &parcel["y"]), (&json!(-1), &json!(5)));
    let model = &parcel["placements"][0]["model"];
    assert_eq!(model["name"], "a fountain");
    assert_eq!(model["info_hash"], "02".repeat(20));
    assert_eq!(model["gate"], json!(null));
}

#[tokio::test]
async fn refusals_are_told_with_code_and_words() {
    let (test_box, cookie) = TestBox::claimed().await;
    test_box.appliance.seeder.send_modify(|seeder| {
        seeder.refusals.push(Refusal {
            info_hash: InfoHash([5; 20]),
            name: "a castle".to_owned(),
            at: UnixTime(77),
            protected: true,
            reason: RefusalReason::NoPeers { seconds: 60 },
        });
    });
    let told = test_box.get("/api/v1/refusals", Some(&cookie)).await.json();
    let refusal = &told["refusals"][0];
    assert_eq!(refusal["code"], "no-peers");
    assert_eq!(refusal["protected"], true);
    assert!(refusal["detail"].as_str().unwrap().contains("60 s"));
    let status = test_box.get("/api/v1/status", Some(&cookie)).await.json();
    assert_eq!(status["seeder"]["protected_refusals"], 1);
}

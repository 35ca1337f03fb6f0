//! Who may have a model or enter a parcel: what is proved, what is told, and what is not known.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use seedbox_core::{
    Access, Basis, BlockRef, PassProof, Subject, Trust, UnixTime, VouchedBlock, WalletAddress,
};
use serde_json::json;

use super::harness::{Answer, TestBox};

const MODEL: &str = "/v1/models/abababababababababababababababababababab";
const WALLET: &str = "0x0202020202020202020202020202020202020202";

async fn get(test_box: &TestBox, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    test_box.public(request, 1).await
}

fn access(allowed: bool, trust: Option<Trust>, basis: Basis) -> Access {
    Access {
        subject: Subject::Model(5),
        wallet: WalletAddress([2; 20]),
        allowed,
        block: block(),
        trust,
        observed_at: UnixTime(1),
        basis,
    }
}

fn block() -> BlockRef {
    BlockRef {
        number: 9,
        hash: [9; 32],
        timestamp: UnixTime(90),
    }
}

fn proof(expiry: u8) -> Basis {
    let mut value = [0; 32];
    value[31] = expiry;
    Basis::Proved(Box::new(PassProof {
        header_rlp: vec![1, 2],
        account: WalletAddress([3; 20]),
        account_proof: vec![vec![4], vec![5, 6]],
        storage_hash: [7; 32],
        slot: [0; 32],
        key: [8; 32],
        value,
        storage_proof: vec![vec![10]],
    }))
}

#[tokio::test]
async fn a_proved_pass_goes_out_with_its_proof() {
    let test_box = TestBox::unclaimed().await;
    let answer = Some(access(true, Some(Trust::Signed), proof(100)));
    *test_box.appliance.access.lock().unwrap() = answer;
    let got = get(&test_box, &format!("{MODEL}/access/{WALLET}")).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.header("cache-control"), "no-store");
    assert_eq!(
        test_box.orders(),
        [format!("access {} {WALLET}", "ab".repeat(20))]
    );
    let word = |byte: &str| format!("0x{}", byte.repeat(32));
    let mut body = got.json();
    let age = body["age"].take();
    assert!(age.as_u64() > Some(0));
    let expected = json!({
        "subject": format!("0x{:064x}", 5), "wallet": WALLET,
        "allowed": true, "how": "proved", "trust": "signed",
        "block": {"number": 9, "hash": word("09"), "timestamp": 90},
        "observedAt": 1, "age": null,
        "gate": format!("0x{}", "03".repeat(20)), "expiry": 100, "told": null,
        "proof": {
            "headerRlp": "0x0102", "account": format!("0x{}", "03".repeat(20)),
            "accountProof": ["0x04", "0x0506"], "storageHash": word("07"), "slot": word("00"),
            "key": word("08"), "value": format!("0x{:064x}", 100), "storageProof": ["0x0a"],
        },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn what_is_told_is_never_called_proved() {
    let test_box = TestBox::unclaimed().await;
    let told = Basis::Told {
        gate: WalletAddress([4; 20]),
        agree: 2,
        of: 3,
    };
    for (basis, how) in [(told, "told"), (Basis::Free, "free")] {
        let answer = Some(access(true, None, basis));
        *test_box.appliance.access.lock().unwrap() = answer;
        let got = get(&test_box, &format!("{MODEL}/access/{WALLET}"))
            .await
            .json();
        assert_eq!(got["how"], how);
        assert_eq!(got["trust"], "unproved");
        assert!(got["proof"].is_null() && got["expiry"].is_null(), "{got}");
        assert_eq!(got["told"].is_null(), how == "free");
        assert_eq!(got["gate"].is_null(), how == "free");
    }
}

#[tokio::test]
async fn a_parcel_has_an_entrance_too() {
    let test_box = TestBox::unclaimed().await;
    let answer = Some(access(false, Some(Trust::Rpc), proof(0)));
    *test_box.appliance.access.lock().unwrap() = answer;
    let got = get(&test_box, &format!("/v1/parcels/-3/4/access/{WALLET}")).await;
    assert_eq!(test_box.orders(), [format!("enter -3,4 {WALLET}")]);
    let body = got.json();
    assert_eq!(
        (&body["allowed"], &body["how"]),
        (&json!(false), &json!("proved"))
    );
    assert!(body["expiry"].is_null(), "there never was a pass");
    for wrong in [
        "/v1/parcels/40000/4/access/0x02",
        "/v1/parcels/1/4/access/0x02",
    ] {
        get(&test_box, wrong)
            .await
            .is_problem(422, "invalid-request");
    }
}

#[tokio::test]
async fn not_to_know_is_no_no() {
    let test_box = TestBox::unclaimed().await;
    let got = get(&test_box, &format!("{MODEL}/access/{WALLET}")).await;
    got.is_problem(503, "unavailable");
    assert!(got.json().get("allowed").is_none());
}

#[tokio::test]
async fn a_client_has_only_so_many_questions() {
    let test_box = TestBox::unclaimed().await;
    let answer = Some(access(true, None, Basis::Free));
    *test_box.appliance.access.lock().unwrap() = answer;
    let path = format!("{MODEL}/access/{WALLET}");
    let mut answered = 0;
    let refused = loop {
        let got = get(&test_box, &path).await;
        if got.status != StatusCode::OK {
            break got;
        }
        answered += 1;
        assert!(answered < 1000);
    };
    assert!(answered >= 240);
    refused.is_problem(429, "too-many-requests");
    assert_eq!(test_box.orders().len(), answered, "the box was not asked");
    // Orders are counted apart.
    let order = Request::post(format!("{MODEL}/request")).body(Body::empty());
    let order = test_box.public(order.unwrap(), 1).await;
    assert_eq!(order.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn every_answer_says_how_much_the_chain_is_worth() {
    let (test_box, cookie) = TestBox::claimed().await;
    let vouched = |trust| VouchedBlock {
        block: block(),
        trust,
        slot: None,
    };
    for (proved, name) in [
        (None, "unproved"),
        (Some(Trust::Rpc), "rpc"),
        (Some(Trust::Quorum { agree: 2, of: 3 }), "quorum"),
        (Some(Trust::Signed), "signed"),
        (Some(Trust::Finalized), "finalized"),
    ] {
        let chain = &test_box.appliance.chain;
        chain.send_modify(|chain| chain.proved = proved.map(vouched));
        for path in [MODEL, "/grid/world", "/grid/head", "/healthz", "/nothing"] {
            assert_eq!(
                get(&test_box, path).await.header("chain-trust"),
                name,
                "{path}"
            );
        }
        for path in ["/api/v1/status", "/api/v1/wallets"] {
            let got = test_box.get(path, Some(&cookie)).await;
            assert_eq!(got.status, StatusCode::OK, "{path}");
            assert_eq!(got.header("chain-trust"), name, "{path}");
        }
    }
    let exposed = get(&test_box, MODEL).await;
    let exposed = exposed.header("access-control-expose-headers");
    assert!(exposed.contains("chain-trust"), "{exposed}");
}

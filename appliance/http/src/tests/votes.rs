//! Votes: what is posted is listed and counted, and what is no vote is refused.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use seedbox_core::votes::{Measure, Proposal, set_digest};
use serde_json::{Value, json};

use super::harness::{Answer, TestBox};

async fn post(test_box: &TestBox, body: &Value) -> Answer {
    let request = Request::post("/v1/votes")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    test_box.public(request, 1).await
}

async fn get(test_box: &TestBox, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    test_box.public(request, 1).await
}

fn proposal() -> String {
    let proposal = Proposal::about("a fountain", Measure::Land, 9);
    format!("0x{}", hex::encode(proposal.bytes()))
}

fn vote(voter: u8, choice: u8) -> Value {
    json!({
        "proposal": proposal(),
        "choice": choice,
        "voter": format!("0x{}", format!("{voter:02x}").repeat(20)),
        "signature": format!("0x{}", "07".repeat(65)),
    })
}

#[tokio::test]
async fn what_is_posted_is_listed_and_counted() {
    let test_box = TestBox::unclaimed().await;
    let path = format!("/v1/votes/{}", proposal());
    let none = get(&test_box, &path).await;
    assert_eq!(
        none.json()["digest"],
        format!("0x{}", hex::encode(set_digest(Vec::new())))
    );
    let first = post(&test_box, &vote(1, 2)).await;
    assert_eq!(
        (first.status, first.json()["new"].clone()),
        (StatusCode::CREATED, json!(true))
    );
    assert_eq!(post(&test_box, &vote(1, 2)).await.status, StatusCode::OK);
    assert_eq!(
        post(&test_box, &vote(2, 2)).await.status,
        StatusCode::CREATED
    );
    let all = get(&test_box, &path).await.json();
    assert_eq!(all["measure"], "land");
    assert_eq!(all["block"], 9);
    assert_eq!(
        all["tally"],
        json!([{"choice": 2, "votes": 2, "weight": "10"}])
    );
    assert_eq!(all["votes"].as_array().unwrap().len(), 2);
    assert_eq!(all["votes"][0]["signature"], vote(1, 2)["signature"]);
    let listed = get(&test_box, "/v1/votes").await.json();
    assert_eq!(listed[0]["proposal"], proposal());
}

#[tokio::test]
async fn what_is_no_vote_is_refused() {
    let test_box = TestBox::unclaimed().await;
    for (field, value) in [
        ("proposal", json!("0x00")),
        ("proposal", json!(format!("0x{}", "03".repeat(32)))),
        ("choice", json!(256)),
        ("voter", json!("0x12")),
        ("signature", json!("0x12")),
        ("weight", json!("5")),
    ] {
        let mut wrong = vote(1, 2);
        wrong[field] = value;
        let answer = post(&test_box, &wrong).await;
        assert!(
            answer.status.is_client_error(),
            "{field}: {}",
            answer.status
        );
    }
    assert_eq!(
        get(&test_box, "/v1/votes/0x12").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(test_box.appliance.votes.lock().unwrap().is_empty());
}

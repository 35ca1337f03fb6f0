//! What a monitor reads: well-formed numbers, and nobody's identity.

use axum::http::StatusCode;
use seedbox_core::{VolumeState, VolumeStatus};

use super::{fake_appliance::torrent, harness::TestBox};

#[tokio::test]
async fn numbers_are_told_without_a_session_and_without_identities() {
    let test_box = TestBox::unclaimed().await;
    test_box.appliance.seeder.send_modify(|seeder| {
        seeder.torrents.push(torrent(2));
        seeder.volumes.push(VolumeStatus {
            id: "volume-identity".into(),
            path: "/media/holiday".into(),
            state: VolumeState::Ready,
            quota: 50,
            protected: 20,
            community: 10,
            disk_free: Some(70),
            reserve: 0,
        });
    });
    let answer = test_box.get("/metrics", None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    for line in [
        "seedbox_seeder_health 0",
        "seedbox_torrents{keep=\"owned\",state=\"seeding\"} 2",
        "seedbox_uploaded_bytes 20",
        "seedbox_volume_quota_bytes{volume=\"0\"} 50",
        "# TYPE seedbox_evicted_total counter",
    ] {
        assert!(
            answer.text.lines().any(|l| l == line),
            "{line}:\n{}",
            answer.text
        );
    }
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(
            line.starts_with("seedbox_") && value.parse::<u64>().is_ok(),
            "{line}"
        );
    }
    for identity in ["volume-identity", "holiday", "torrent 1", "0101"] {
        assert!(!answer.text.contains(identity), "{identity}");
    }
}

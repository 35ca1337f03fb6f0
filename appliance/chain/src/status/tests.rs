//! The sentences the owner reads.

use seedbox_core::BlockRef;

use super::*;

fn endpoint(name: &str, active: bool, error: Option<&str>) -> EndpointStatus {
    EndpointStatus {
        name: name.into(),
        active,
        error: error.map(str::to_owned),
    }
}

fn seen(block: u64, observed_at: u64) -> View {
    View {
        as_of: Some(AsOf {
            block: BlockRef {
                number: block,
                hash: [1; 32],
                timestamp: UnixTime(9_990),
            },
            observed_at: UnixTime(observed_at),
        }),
        head: Some(block),
        position: Some(block),
        ..View::default()
    }
}

fn said(view: &View, endpoints: &[EndpointStatus]) -> (Health, String) {
    let situation = Situation {
        chain_id: Some(31337),
        endpoints,
        trust: &TrustStatus::default(),
        now: UnixTime(10_000),
        stale_after: Duration::from_secs(32),
        max_ownership_age: Duration::from_secs(3_600),
    };
    let status = status(view, &situation);
    (status.health, status.sentence)
}

#[test]
fn following() {
    let well = [endpoint("http://a:1", true, None)];
    let expected = "Following chain 31337 at block 120, confirmed 2 s ago.";
    assert_eq!(
        said(&seen(120, 9_998), &well),
        (Health::Well, expected.into())
    );
}

#[test]
fn following_through_another_endpoint() {
    let endpoints = [
        endpoint("http://a:1", false, Some("cannot be reached: refused")),
        endpoint("http://b:2", true, None),
    ];
    let expected = "Following chain 31337 at block 120, confirmed 2 s ago through http://b:2: \
                    http://a:1 cannot be reached: refused.";
    assert_eq!(
        said(&seen(120, 9_998), &endpoints),
        (Health::Attention, expected.into())
    );
}

#[test]
fn no_endpoint_answers() {
    let dead = [endpoint(
        "http://a:1",
        false,
        Some("did not answer within 15 s"),
    )];
    let expected = "The chain has not answered for 3 minutes; serving block 120. \
                    http://a:1 did not answer within 15 s.";
    assert_eq!(
        said(&seen(120, 9_800), &dead),
        (Health::Failing, expected.into())
    );
    assert_eq!(said(&seen(120, 9_990), &dead).0, Health::Attention);
    assert!(
        said(&seen(120, 10), &dead)
            .1
            .contains("Nothing is deleted until it answers")
    );
    assert_eq!(said(&View::default(), &dead).0, Health::Failing);
}

#[test]
fn reading_and_reading_again() {
    let unknown = [endpoint("http://a:1", false, None)];
    let mut view = View::default();
    let expected = "Connecting to chain 31337.";
    assert_eq!(said(&view, &unknown), (Health::Starting, expected.into()));
    (view.position, view.head) = (Some(50), Some(120));
    let expected = "Reading chain 31337: block 50 of 120.";
    assert_eq!(said(&view, &unknown), (Health::Starting, expected.into()));

    let mut view = seen(120, 5_000);
    (view.position, view.head) = (Some(121), Some(200));
    let expected = "Catching up with chain 31337: block 121 of 200; serving block 120, 83 minutes \
                    old.";
    assert_eq!(said(&view, &unknown), (Health::Starting, expected.into()));
    view.rereading = true;
    let (health, sentence) = said(&view, &unknown);
    assert_eq!(health, Health::Attention);
    assert!(sentence.contains("was replaced") && sentence.contains("serving block 120"));
}

#[test]
fn nothing_configured() {
    let situation = Situation {
        chain_id: None,
        endpoints: &[],
        trust: &TrustStatus::default(),
        now: UnixTime(10_000),
        stale_after: Duration::from_secs(32),
        max_ownership_age: Duration::from_secs(3_600),
    };
    let bare = status(&View::default(), &situation);
    assert_eq!(bare.sentence, "No chain is configured.");
    assert_eq!(bare.health, Health::Attention);
    let known = status(&seen(120, 9_000), &situation);
    assert_eq!(
        known.sentence,
        "No chain is configured; serving block 120 as seen 16 minutes ago."
    );
}

#[test]
fn an_idle_chain_is_named() {
    let well = [endpoint("http://a:1", true, None)];
    let mut view = seen(120, 9_998);
    view.as_of.as_mut().unwrap().block.timestamp = UnixTime(1_000);
    let (health, sentence) = said(&view, &well);
    assert_eq!(health, Health::Well);
    assert!(
        sentence.ends_with("The block itself is 2 hours old."),
        "{sentence}"
    );
}

#[test]
fn an_endpoint_that_is_behind_for_a_moment_is_no_alarm() {
    let behind = [endpoint(
        "http://a:1",
        true,
        Some("is at block 119, behind block 120"),
    )];
    assert_eq!(said(&seen(120, 9_990), &behind).0, Health::Well);
    let (health, sentence) = said(&seen(120, 9_800), &behind);
    assert_eq!(health, Health::Failing);
    assert!(
        sentence.contains("serving block 120. http://a:1 is at block 119"),
        "{sentence}"
    );
}

#[test]
fn after_a_restart_the_known_state_is_served_while_connecting() {
    let mut view = seen(120, 5_000);
    view.head = None;
    let (health, sentence) = said(&view, &[endpoint("http://a:1", false, None)]);
    assert_eq!(health, Health::Starting);
    assert!(
        sentence.contains("connecting; serving block 120"),
        "{sentence}"
    );
}

#[test]
fn trust_that_was_asked_for_and_is_missing_is_said() {
    let endpoints = [endpoint("http://a:1", true, None)];
    let mut trust = TrustStatus {
        level: Trust::Finalized,
        health: Health::Failing,
        sentence: "No light.".into(),
        ..TrustStatus::default()
    };
    let told = |trust: &TrustStatus| {
        let situation = Situation {
            chain_id: Some(31337),
            endpoints: &endpoints,
            trust,
            now: UnixTime(10_000),
            stale_after: Duration::from_secs(32),
            max_ownership_age: Duration::from_secs(3_600),
        };
        let status = status(&seen(120, 9_999), &situation);
        assert_eq!(&status.trust, trust);
        (status.health, status.sentence)
    };
    let (health, sentence) = told(&trust);
    assert_eq!(health, Health::Failing);
    assert!(sentence.starts_with("Following chain") && sentence.ends_with("No light."));
    trust.health = Health::Well;
    assert_eq!(told(&trust).0, Health::Well);
    // The endpoints' own faults are told by themselves.
    trust.level = Trust::Rpc;
    trust.health = Health::Failing;
    assert_eq!(told(&trust).0, Health::Well);
}

//! The service, told step by step what to do, over a program that stands in for `rauc`.

use std::{fs, os::unix::fs::symlink, path::Path};

use seedbox_core::{UnixTime, UpdateOutcome};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;

const DAY: u64 = 24 * 3600;

struct TestBox {
    service: Service,
    store: Store,
    folder: TempDir,
}

impl TestBox {
    /// One that runs from slot A.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Not written here: a file that was just open for writing is not always let run.
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service/tests/rauc");
        symlink(program, folder.path().join("rauc")).unwrap();
        fs::write(folder.path().join("next"), "A").unwrap();
        let store = Store::open(&folder.path().join("box.db")).unwrap();
        Self {
            service: service(folder.path(), &store).await,
            store,
            folder,
        }
    }

    /// One that the owner has given a bundle.
    async fn with_a_bundle() -> Self {
        let mut test_box = Self::new().await;
        test_box.tick().await;
        test_box.send().await.unwrap();
        test_box
    }

    /// The process starts anew, in the same run of the machine.
    async fn start_anew(&mut self) {
        self.service = service(self.folder.path(), &self.store).await;
    }

    /// The machine starts anew, from slot A.
    async fn restart_machine(&mut self) {
        fs::remove_file(self.folder.path().join("run")).unwrap();
        self.start_anew().await;
    }

    fn set(&self, what: &str) {
        fs::write(self.folder.path().join(what), "").unwrap();
    }

    fn unset(&self, what: &str) {
        fs::remove_file(self.folder.path().join(what)).unwrap();
    }

    fn is_set(&self, what: &str) -> bool {
        self.folder.path().join(what).exists()
    }

    async fn tick(&mut self) {
        self.service.look_around().await.unwrap();
    }

    /// Does the work that is under way, if any.
    async fn work(&mut self) {
        if self.service.work.is_some() {
            let done = under_way(&mut self.service.work).await;
            self.service.done(done).await.unwrap();
        }
    }

    async fn order(&mut self, order: Order) -> Result<(), OrderError> {
        let (answer, answered) = oneshot::channel();
        self.service.obey(order, answer).await.unwrap();
        self.work().await;
        answered.await.unwrap()
    }

    async fn send(&mut self) -> Result<(), OrderError> {
        let content = futures::stream::iter([Ok("a bundle".into())]).boxed();
        let size = Some(8);
        self.order(Order::Receive { size, content }).await
    }

    async fn install(&mut self) {
        let allow_downgrade = false;
        self.order(Order::Install { allow_downgrade })
            .await
            .unwrap();
    }

    fn status(&self) -> UpdateStatus {
        self.service.status.borrow().clone()
    }

    fn failure(&self) -> Option<String> {
        match self.status().outcome {
            Some(UpdateOutcome::Failed { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    fn has_bundle(&self) -> bool {
        incoming::bundle(&self.service.config).exists()
    }

    fn restart_at(&self) -> Option<UnixTime> {
        match self.status().phase {
            UpdatePhase::Installed { restart_at, .. } => restart_at,
            phase => panic!("{phase:?}"),
        }
    }
}

async fn service(folder: &Path, store: &Store) -> Service {
    let config = Config {
        enabled: true,
        rauc: folder.join("rauc"),
        folder: folder.join("updates"),
        restart: folder.join("restart"),
        confirmed: folder.join("confirmed"),
        reason: folder.join("failed"),
        this_run: folder.join("run"),
        ..Config::disabled("0.1.0".parse().unwrap())
    };
    Service::new(config, store.clone()).await.unwrap().0
}

fn unheard() -> UpdatePhase {
    UpdatePhase::Installing {
        bundle: Bundle {
            version: "0.2.0".into(),
            notes: String::new(),
            downgrade: false,
        },
        percent: None,
    }
}

fn installed() -> UpdatePhase {
    UpdatePhase::Installed {
        version: "0.2.0".into(),
        restart_at: None,
    }
}

/// A box whose process was started anew while `rauc` writes.
async fn started_anew_while_writing() -> TestBox {
    let mut test_box = TestBox::with_a_bundle().await;
    let (answer, _) = oneshot::channel();
    let allow_downgrade = false;
    let order = Order::Install { allow_downgrade };
    test_box.service.obey(order, answer).await.unwrap();
    test_box.set("writing");
    test_box.start_anew().await;
    test_box.tick().await;
    test_box
}

#[tokio::test]
async fn a_writing_that_goes_on_after_a_new_start_is_waited_for() {
    let mut test_box = started_anew_while_writing().await;
    assert_eq!(test_box.status().phase, unheard());
    let refused = test_box.send().await.unwrap_err();
    assert!(matches!(refused, OrderError::Conflict(_)), "{refused}");
    let refused = test_box.order(Order::Discard).await.unwrap_err();
    assert!(matches!(refused, OrderError::Conflict(_)), "{refused}");
    assert!(test_box.has_bundle());
    assert!(test_box.service.trouble.is_none(), "it does answer");

    test_box.unset("writing");
    fs::write(test_box.folder.path().join("next"), "B").unwrap();
    test_box.tick().await;
    assert_eq!(test_box.status().phase, installed());
    assert!(!test_box.has_bundle());
    // And remembered as written: from slot A again, it was tried and given up.
    fs::write(test_box.folder.path().join("next"), "A").unwrap();
    test_box.restart_machine().await;
    test_box.tick().await;
    let outcome = test_box.status().outcome;
    assert!(
        matches!(outcome, Some(UpdateOutcome::RolledBack { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_writing_that_ended_early_unseen_is_told_at_once() {
    let mut test_box = started_anew_while_writing().await;
    test_box.unset("writing");
    test_box.tick().await;
    test_box.work().await;
    assert!(test_box.failure().unwrap().contains("interrupted"));
    let phase = test_box.status().phase;
    assert!(matches!(phase, UpdatePhase::Verified(_)), "{phase:?}");
}

#[tokio::test]
async fn what_became_of_an_installation_that_is_not_heard_any_more_is_found_out() {
    let mut test_box = TestBox::with_a_bundle().await;
    test_box.set("deaf");
    test_box.set("writing");
    test_box.install().await;
    assert_eq!(test_box.status().phase, unheard());
    fs::write(test_box.folder.path().join("next"), "B").unwrap();
    test_box.unset("writing");
    test_box.tick().await;
    assert_eq!(test_box.status().phase, installed());
    assert_eq!(test_box.failure(), None);
}

#[tokio::test]
async fn an_installation_that_failed_is_told_and_may_be_tried_again() {
    let mut test_box = TestBox::with_a_bundle().await;
    test_box.set("broken");
    test_box.install().await;
    test_box.work().await;
    assert_eq!(
        test_box.failure().as_deref(),
        Some("the card cannot be written")
    );
    test_box.unset("broken");
    test_box.install().await;
    assert_eq!(test_box.status().phase, installed());
    assert_eq!(test_box.failure(), None);
}

#[tokio::test]
async fn an_interruption_is_told_until_another_bundle_comes() {
    let mut test_box = started_anew_while_writing().await;
    test_box.unset("writing");
    for _ in 0..2 {
        test_box.restart_machine().await;
        test_box.tick().await;
        test_box.work().await;
        let phase = test_box.status().phase;
        assert!(matches!(phase, UpdatePhase::Verified(_)), "{phase:?}");
        assert!(test_box.failure().unwrap().contains("interrupted"));
    }
    test_box.send().await.unwrap();
    assert_eq!(test_box.failure(), None);
}

#[tokio::test]
async fn a_bundle_that_could_not_be_checked_stays_and_is_checked_again() {
    let mut test_box = TestBox::new().await;
    test_box.tick().await;
    test_box.set("killed");
    let error = test_box.send().await.unwrap_err();
    assert!(matches!(error, OrderError::Unchecked(_)), "{error}");
    assert!(error.to_string().contains("tries again"), "{error}");
    assert!(test_box.has_bundle());
    assert_eq!(test_box.failure(), None);

    test_box.unset("killed");
    pass(AGAIN).await;
    test_box.tick().await;
    test_box.work().await;
    let phase = test_box.status().phase;
    assert!(matches!(phase, UpdatePhase::Verified(_)), "{phase:?}");

    test_box.set("strange");
    let error = test_box.send().await.unwrap_err();
    assert!(matches!(error, OrderError::Untrusted(_)), "{error}");
    assert!(!test_box.has_bundle());
    assert!(test_box.failure().is_some());
}

#[tokio::test]
async fn that_rauc_cannot_be_asked_is_told_once_it_lasts() {
    let mut test_box = TestBox::new().await;
    test_box.set("silent");
    test_box.tick().await;
    assert_eq!(test_box.status().trouble, None, "it may only be late");
    pass(Duration::from_secs(200)).await;
    test_box.tick().await;
    assert_eq!(test_box.status().trouble, None);
    pass(Duration::from_secs(101)).await;
    test_box.tick().await;
    assert!(test_box.status().trouble.is_some());
    test_box.unset("silent");
    test_box.tick().await;
    assert_eq!(test_box.status().trouble, None);
    assert_eq!(test_box.status().slot.as_deref(), Some("A"));
}

#[tokio::test]
async fn a_bundle_that_can_never_be_checked_is_told_too() {
    let mut test_box = TestBox::new().await;
    test_box.tick().await;
    test_box.set("killed");
    test_box.send().await.unwrap_err();
    for _ in 0..5 {
        assert_eq!(test_box.status().trouble, None);
        pass(AGAIN).await;
        // It says which slot runs, and that is all.
        test_box.tick().await;
        test_box.work().await;
    }
    assert!(test_box.status().trouble.is_some());
    assert!(test_box.has_bundle());
}

#[tokio::test]
async fn a_planned_restart_comes_when_its_time_has_passed_and_not_when_the_clock_is_set() {
    let mut test_box = planned(5 * 3600).await;
    let at = test_box.restart_at().unwrap();
    // The network sets the clock forward by half a year.
    let set = UnixTime(at.0 + 180 * DAY);
    test_box.service.mind_restart(set).await.unwrap();
    assert!(!test_box.is_set("restart"));
    let renamed = test_box.restart_at().unwrap();
    assert!(renamed.seconds_since(set).abs_diff(5 * 3600) < 60);

    pass(Duration::from_secs(5 * 3600 + 1)).await;
    let night = UnixTime(set.0 + 5 * 3600 + 1);
    test_box.service.mind_restart(night).await.unwrap();
    assert!(test_box.is_set("restart"));
    assert_eq!(test_box.restart_at(), None);
}

#[tokio::test]
async fn a_planned_restart_is_remembered_and_can_be_taken_back() {
    let mut test_box = planned(3600).await;
    let at = test_box.restart_at();
    test_box.start_anew().await;
    test_box.tick().await;
    assert_eq!(test_box.restart_at(), at);
    test_box.order(Order::CancelRestart).await.unwrap();
    assert_eq!(test_box.restart_at(), None);
    test_box.start_anew().await;
    test_box.tick().await;
    assert_eq!(test_box.restart_at(), None);
    pass(Duration::from_secs(2 * 3600)).await;
    test_box.tick().await;
    assert!(!test_box.is_set("restart"));
}

#[tokio::test]
async fn a_restart_that_was_missed_is_not_made_up_for_at_once() {
    let mut test_box = planned(3600).await;
    let late = seedbox_clock::now().0 - 5 * 3600;
    let attempt = test_box.service.memory.attempt.as_mut().unwrap();
    attempt.restart_at = Some(UnixTime(late));
    let memory = test_box.service.memory.clone();
    memory.write(&test_box.store).await.unwrap();
    test_box.start_anew().await;
    test_box.tick().await;
    assert!(!test_box.is_set("restart"));
    assert_eq!(test_box.restart_at(), Some(UnixTime(late + DAY)));
}

/// A box that restarts into an update after `seconds`.
async fn planned(seconds: u64) -> TestBox {
    let mut test_box = TestBox::with_a_bundle().await;
    test_box.install().await;
    let at = Some(UnixTime(seedbox_clock::now().0 + seconds));
    test_box.order(Order::Restart { at }).await.unwrap();
    assert_eq!(test_box.restart_at(), at);
    test_box
}

/// Lets time pass. It runs by itself otherwise: `rauc` is a process, for which a paused clock does
/// not wait.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

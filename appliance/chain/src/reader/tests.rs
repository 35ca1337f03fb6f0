//! The reader against made-up chains: catching up, forks, replaced chains, lies, restarts.

use alloy::rpc::types::Log;
use proptest::{collection::vec, prelude::*};
use seedbox_core::{LandGrid, Parcel, Trust};
use tempfile::TempDir;

use super::*;
use crate::{
    headers::VouchedHeader,
    made_up_chain::{MadeUpChain, deployment, log},
    projection::{
        Event,
        tests::{any_event, transferred},
    },
};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// A reader with a store of its own that survives it.
struct Desk {
    folder: TempDir,
    vouched: watch::Sender<Vouched>,
    reader: Reader,
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vouched = watch::Sender::default();
        let reader = open(&folder, &vouched).await;
        Self {
            folder,
            vouched,
            reader,
        }
    }

    /// As after a power cut: only what was written remains.
    async fn restart(self) -> Self {
        let Self {
            folder,
            vouched,
            reader,
        } = self;
        drop(reader);
        let reader = open(&folder, &vouched).await;
        Self {
            folder,
            vouched,
            reader,
        }
    }

    fn view(&self) -> View {
        self.reader.view.borrow().clone()
    }

    fn grid(&self) -> LandGrid {
        LandGrid {
            block: None,
            ..(*self.view().grid).clone()
        }
    }

    async fn look(&mut self, chain: &MadeUpChain) -> Result<(), Failure> {
        self.reader.look(chain, NOW).await
    }
}

async fn open(folder: &TempDir, vouched: &watch::Sender<Vouched>) -> Reader {
    let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
    let readings = store
        .chain_readings(Some(deployment().source()))
        .await
        .unwrap();
    let served = readings.iter().find(|r| r.complete).or(readings.first());
    let view = watch::Sender::new(served.map(View::of).unwrap_or_default());
    Reader::load(store, deployment(), readings, vouched.subscribe(), view)
        .await
        .unwrap()
}

async fn read_afresh(chain: &MadeUpChain) -> LandGrid {
    let mut desk = Desk::new().await;
    desk.look(chain).await.unwrap();
    desk.grid()
}

fn land(x: i16, owner: u8) -> Event {
    transferred(Parcel { x, y: 0 }, None, owner)
}

/// Every block mints a parcel or hands one on.
fn chain_of(blocks: u64) -> MadeUpChain {
    let mut chain = MadeUpChain::new(0);
    for number in 1..=blocks {
        let owner = u8::try_from(1 + number / 300).unwrap();
        chain.mine(&[land(i16::try_from(number % 300).unwrap(), owner)]);
    }
    chain
}

#[derive(Debug, Clone)]
enum Happening {
    Mined(Vec<Event>),
    Reorganised(usize, Vec<Vec<Event>>),
    Looked,
    Restarted,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let events = || vec(any_event(), 0..4);
    prop_oneof![
        4 => events().prop_map(Happening::Mined),
        2 => (1usize..6, vec(events(), 0..8)).prop_map(|(d, b)| Happening::Reorganised(d, b)),
        4 => Just(Happening::Looked),
        1 => Just(Happening::Restarted),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_happens_it_ends_as_if_read_afresh(happenings in vec(any_happening(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut chain, mut desk) = (MadeUpChain::new(0), Desk::new().await);
            for happening in happenings {
                match happening {
                    Happening::Mined(events) => chain.mine(&events),
                    Happening::Reorganised(depth, blocks) => {
                        chain.reorganise(depth);
                        blocks.iter().for_each(|events| chain.mine(events));
                    }
                    // A chain that was cut short and has not grown yet is no news.
                    Happening::Looked => drop(desk.look(&chain).await),
                    Happening::Restarted => desk = desk.restart().await,
                }
            }
            chain.reorganise(1);
            (0..12).for_each(|_| chain.mine(&[]));
            desk.look(&chain).await.unwrap();
            let afresh = read_afresh(&chain).await;
            assert_eq!(desk.grid(), afresh);
            assert_eq!(desk.view().as_of.unwrap().block, chain.tip());
            assert_eq!(desk.restart().await.grid(), afresh);
        });
    }
}

#[tokio::test]
async fn catches_up_over_ranges_that_the_endpoint_narrows() {
    let chain = chain_of(3_000);
    chain.widest_range.set(100);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid().parcels.len(), 300);
    assert_eq!(desk.view().as_of.unwrap().block, chain.tip());
    assert!(chain.asked.get() < 300, "{} questions", chain.asked.get());
}

#[tokio::test]
async fn a_look_at_a_quiet_chain_is_one_question() {
    let chain = chain_of(20);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    let before = chain.asked.get();
    desk.look(&chain).await.unwrap();
    assert_eq!(chain.asked.get() - before, 1);
}

#[tokio::test]
async fn undoes_hundreds_of_blocks() {
    let mut chain = chain_of(1_200);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    desk = desk.restart().await;
    chain.reorganise(300);
    (0..310).for_each(|_| chain.mine(&[land(-1, 2)]));
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.view().reorgs, 1);
    assert_eq!(desk.grid(), read_afresh(&chain).await);
    assert!(desk.restart().await.view().as_of.is_some());
}

#[tokio::test]
async fn the_epoch_is_the_last_change_however_the_chain_was_read() {
    let mut chain = chain_of(100);
    let changed = chain.tip();
    (0..1_500).for_each(|_| chain.mine(&[]));
    let mut desk = Desk::new().await;
    // At a place where only a range of logs is read, an endpoint makes up an event.
    let made_up = BlockRef {
        number: 150,
        ..changed
    };
    chain.lies.borrow_mut().push(log(&made_up, 0, &land(9, 9)));
    assert!(desk.look(&chain).await.is_err());
    chain.lies.borrow_mut().clear();
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid().changed, Some(changed));
    desk = desk.restart().await;
    assert_eq!(desk.grid().changed, Some(changed));
    // A change that is taken back gives the state its old name again.
    chain.mine(&[land(7, 7)]);
    let second = chain.tip();
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid().changed, Some(second));
    desk = desk.restart().await;
    assert_eq!(desk.grid().changed, Some(second));
    chain.reorganise(1);
    (0..600).for_each(|_| chain.mine(&[]));
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid().changed, Some(changed));
    desk = desk.restart().await;
    assert_eq!(desk.grid(), read_afresh(&chain).await);
}

#[tokio::test]
async fn a_replaced_chain_is_read_again_while_the_old_state_is_served() {
    let mut desk = Desk::new().await;
    desk.look(&chain_of(30)).await.unwrap();
    let known = desk.grid();
    assert_eq!(known.parcels.len(), 30);

    let mut other = MadeUpChain::new(1_000);
    (0..40).for_each(|_| other.mine(&[]));
    other.mine(&[land(7, 3)]);
    // Its logs cannot be read yet: the new reading begins and gets nowhere.
    let tip = other.tip();
    let foreign = log(&tip, 99, &land(8, 3));
    other.lies.borrow_mut().push(Log {
        removed: true,
        ..foreign
    });
    assert!(desk.look(&other).await.is_err());
    assert!(desk.view().rereading);
    assert_eq!(desk.grid(), known);
    // Not even a restart makes the box forget.
    desk = desk.restart().await;
    assert!(desk.view().rereading);
    assert_eq!(desk.grid(), known);

    other.lies.borrow_mut().clear();
    desk.look(&other).await.unwrap();
    assert!(!desk.view().rereading);
    assert_eq!(desk.grid().parcels.len(), 1);
    assert_eq!(desk.restart().await.grid().parcels.len(), 1);
}

#[tokio::test]
async fn a_reorganisation_beyond_the_journal_is_read_again() {
    let mut chain = chain_of(1_500);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    chain.reorganise(700);
    (0..720).for_each(|_| chain.mine(&[land(-2, 2)]));
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid(), read_afresh(&chain).await);
}

#[tokio::test]
async fn an_endpoint_that_is_behind_changes_nothing() {
    let mut desk = Desk::new().await;
    desk.look(&chain_of(1_500)).await.unwrap();
    let (known, as_of) = (desk.grid(), desk.view().as_of);
    for lagging in [1_499, 1_100, 500, 1] {
        let failure = desk.look(&chain_of(lagging)).await.unwrap_err();
        let tip = 1_500;
        let expected = EndpointError::Behind { head: lagging, tip };
        assert!(
            matches!(&failure, Failure::Endpoint(e) if *e == expected),
            "{failure}"
        );
    }
    assert_eq!((desk.grid(), desk.view().as_of), (known, as_of));
    assert_eq!(desk.view().reorgs, 0);
}

#[tokio::test]
async fn lies_are_noticed_and_change_nothing() {
    let mut chain = chain_of(12);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    let known = desk.grid();
    chain.mine(&[]);
    let tip = chain.tip();
    let truth = log(&tip, 0, &land(100, 2));
    let mut foreign = truth.clone();
    foreign.inner.address = alloy::primitives::Address::repeat_byte(9);
    let lies = [
        vec![foreign],
        vec![Log {
            block_number: Some(5),
            ..truth.clone()
        }],
        vec![Log {
            block_hash: Some([1; 32].into()),
            ..truth.clone()
        }],
        vec![Log {
            block_hash: None,
            ..truth.clone()
        }],
        vec![Log {
            removed: true,
            ..truth.clone()
        }],
        vec![truth.clone(), truth],
    ];
    for lie in lies {
        chain.lies.replace(lie);
        let failure = desk.look(&chain).await.unwrap_err();
        assert!(
            matches!(failure, Failure::Endpoint(EndpointError::Nonsense(_))),
            "{failure}"
        );
    }
    chain.lies.borrow_mut().clear();
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid(), known);
}

#[tokio::test]
async fn an_unusable_event_does_not_stop_the_reading() {
    let mut chain = chain_of(3);
    chain.mine(&[]);
    let tip = chain.tip();
    let mut unusable = log(&tip, 0, &land(1, 2));
    unusable.inner.data.topics_mut_unchecked().pop();
    chain.lies.borrow_mut().push(unusable);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid().parcels.len(), 3);
}

#[tokio::test]
async fn blocks_without_events_are_written_once_a_minute() {
    let mut chain = chain_of(5);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    chain.mine(&[]);
    desk.reader
        .look(&chain, UnixTime(NOW.0 + 30))
        .await
        .unwrap();
    assert_eq!(desk.view().as_of.unwrap().block.number, 6);
    desk = desk.restart().await;
    assert_eq!(desk.view().as_of.unwrap().block.number, 5);
    assert_eq!(desk.view().as_of.unwrap().observed_at, NOW);

    desk.look(&chain).await.unwrap();
    chain.mine(&[]);
    let later = UnixTime(NOW.0 + 90);
    desk.reader.look(&chain, later).await.unwrap();
    desk = desk.restart().await;
    let as_of = desk.view().as_of.unwrap();
    assert_eq!((as_of.block.number, as_of.observed_at), (7, later));

    chain.mine(&[]);
    desk.reader
        .look(&chain, UnixTime(NOW.0 + 100))
        .await
        .unwrap();
    desk.reader
        .look(&chain, UnixTime(NOW.0 + 101))
        .await
        .unwrap();
    desk.reader.flush().await.unwrap();
    assert_eq!(desk.restart().await.view().as_of.unwrap().block.number, 8);
}

#[tokio::test]
async fn waits_for_the_contracts_first_block() {
    let mut desk = Desk::new().await;
    let failure = desk.look(&MadeUpChain::new(0)).await.unwrap_err();
    let expected = EndpointError::BeforeStart { head: 0, start: 1 };
    assert!(matches!(failure, Failure::Endpoint(e) if e == expected));
    assert!(desk.view().as_of.is_none());
}

#[tokio::test]
async fn a_left_out_event_is_noticed_and_read_from_somebody_else() {
    let mut chain = chain_of(20);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    let before = desk.grid();
    let proved = desk.view().proved.unwrap();
    assert_eq!(proved.evidence.block, chain.tip());

    chain.mine(&[land(200, 7)]);
    chain.mine(&[]);
    let liar = chain.clone();
    liar.left_out.set(Some(21));
    for _ in 0..3 {
        let failure = desk.look(&liar).await.unwrap_err().to_string();
        let named = "events of Land: those up to block 21 do not add up";
        assert!(failure.contains(named), "{failure}");
        assert_eq!(desk.grid(), before, "what is not proved is not shown");
    }
    assert_eq!(desk.view().reorgs, 0);
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid(), read_afresh(&chain).await);
    assert_eq!(desk.view().proved.unwrap().evidence.block, chain.tip());
}

#[tokio::test]
async fn an_event_left_out_long_ago_is_noticed_at_the_first_proof() {
    let chain = chain_of(1_500);
    let liar = chain.clone();
    liar.left_out.set(Some(700));
    let mut desk = Desk::new().await;
    assert!(desk.look(&liar).await.is_err());
    assert_eq!(desk.grid(), LandGrid::default());
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid(), read_afresh(&chain).await);
}

#[tokio::test]
async fn what_was_told_before_the_lie_is_kept() {
    let chain = chain_of(1_500);
    let liar = chain.clone();
    liar.left_out.set(Some(1_234));
    let mut desk = Desk::new().await;
    let failure = desk.look(&liar).await.unwrap_err().to_string();
    assert!(failure.contains("up to block 1234 do not"), "{failure}");
    assert_eq!(desk.reader.working.tip.unwrap().number, 1_233);
    assert_eq!(desk.grid(), LandGrid::default(), "it is not shown");
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid(), read_afresh(&chain).await);
}

#[tokio::test]
async fn what_was_not_proved_is_taken_back_at_the_next_start() {
    let mut chain = chain_of(20);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    let before = desk.grid();
    for x in 100..120 {
        chain.mine(&[land(x, 7)]);
    }
    let liar = chain.clone();
    liar.left_out.set(Some(25));
    liar.fails_to_prove.set(true);
    assert!(desk.look(&liar).await.is_err());
    desk = desk.restart().await;
    assert_eq!(desk.grid(), before);
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.grid(), read_afresh(&chain).await);
}

#[tokio::test]
async fn without_proofs_nothing_is_shown_unless_the_owner_wants_it_so() {
    let mut chain = chain_of(20);
    chain.proves.set(false);
    let mut desk = Desk::new().await;
    assert!(desk.look(&chain).await.is_err());
    assert_eq!(desk.grid(), LandGrid::default());

    let mut believer = Desk::new().await;
    believer.reader.believe();
    believer.look(&chain).await.unwrap();
    assert!(believer.view().proved.is_none());

    chain.proves.set(true);
    chain.mine(&[]);
    desk.look(&chain).await.unwrap();
    assert!(desk.view().proved.is_some());
    assert_eq!(believer.grid(), desk.grid());

    chain.proves.set(false);
    chain.mine(&[land(200, 7)]);
    assert!(desk.look(&chain).await.is_err());
    assert!(!desk.grid().parcels.contains_key(&Parcel { x: 200, y: 0 }));
}

#[tokio::test]
async fn who_contradicts_the_vouched_chain_is_not_read() {
    let (chain, mut forged) = (chain_of(20), MadeUpChain::new(9));
    (0..30).for_each(|x| forged.mine(&[land(x, 9)]));
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    let before = desk.grid();

    let block = chain.tip();
    let evidence = chain.evidence(&block).await.unwrap();
    desk.vouched.send_replace(Vouched {
        header: Some(VouchedHeader {
            block,
            state_root: evidence.state_root.0,
            trust: Trust::Finalized,
            slot: Some(1),
        }),
        ..Vouched::default()
    });
    let failure = desk.look(&forged).await.unwrap_err().to_string();
    assert!(failure.contains("vouched for"), "{failure}");
    assert_eq!(desk.grid(), before);

    desk.look(&chain).await.unwrap();
    let view = desk.view();
    assert_eq!(view.vouched.unwrap().block, chain.tip());
    assert_eq!(view.proved.unwrap().trust, Trust::Finalized);
}

#[tokio::test]
async fn who_keeps_vouched_blocks_back_is_found_out_after_a_while() {
    let mut chain = chain_of(20);
    let old = chain.clone();
    let mut desk = Desk::new().await;
    desk.reader.expect_within(12);
    desk.look(&old).await.unwrap();
    chain.mine(&[land(250, 7)]);
    let evidence = chain.evidence(&chain.tip()).await.unwrap();
    let signed = VouchedHeader {
        block: chain.tip(),
        state_root: evidence.state_root.0,
        trust: Trust::Signed,
        slot: Some(2),
    };
    desk.vouched
        .send_modify(|vouched| vouched.signed = Some(signed));
    let later = |seconds| UnixTime(NOW.0 + seconds);
    desk.reader.look(&old, later(1)).await.unwrap();
    desk.reader.look(&old, later(12)).await.unwrap();
    let observed = desk.view().as_of.unwrap().observed_at;
    let failure = desk.reader.look(&old, later(14)).await.unwrap_err();
    let words = "is at block 20, but block 21 is vouched for";
    assert!(failure.to_string().contains(words), "{failure}");
    assert_eq!(
        desk.view().as_of.unwrap().observed_at,
        observed,
        "its age grows"
    );

    desk.reader.look(&chain, later(15)).await.unwrap();
    let view = desk.view();
    assert_eq!(view.vouched.unwrap().trust, Trust::Signed);
    assert_eq!(view.vouched_header.unwrap().block, chain.tip());
    assert_eq!(view.proved.unwrap().trust, Trust::Signed);
}

#[tokio::test]
async fn a_newer_header_is_vouched_for_less() {
    let mut chain = chain_of(20);
    let mut desk = Desk::new().await;
    desk.look(&chain).await.unwrap();
    let header = async |chain: &MadeUpChain, trust| VouchedHeader {
        block: chain.tip(),
        state_root: chain.evidence(&chain.tip()).await.unwrap().state_root.0,
        trust,
        slot: None,
    };
    let last = header(&chain, Trust::Finalized).await;
    chain.mine(&[]);
    let signed = header(&chain, Trust::Signed).await;
    desk.vouched.send_modify(|vouched| {
        (vouched.header, vouched.signed) = (Some(last), Some(signed));
    });
    desk.look(&chain).await.unwrap();
    // Nothing changed since the final block, so that more trust costs nothing …
    let view = desk.view();
    assert_eq!(view.proved.unwrap().trust, Trust::Finalized);
    // … and questions about the newest block are answered for what they are worth.
    let anchor = view.vouched_header.unwrap();
    assert_eq!((anchor.block, anchor.trust), (chain.tip(), Trust::Signed));

    chain.mine(&[land(251, 7)]);
    desk.look(&chain).await.unwrap();
    assert_eq!(desk.view().proved.unwrap().trust, Trust::Rpc);
    chain.reorganise(3);
    (0..4).for_each(|_| chain.mine(&[]));
    desk.vouched.send_replace(Vouched::default());
    desk.look(&chain).await.unwrap();
    assert_eq!(
        desk.view().vouched_header,
        None,
        "it is of a fork that is gone"
    );
}

//! Generated histories against the real engine, store and disk: nothing protected is ever evicted
//! and the accounting equals the disk, whatever happens in whatever order.

use std::{collections::BTreeSet, os::unix::fs::MetadataExt, path::Path, sync::OnceLock};

use proptest::prelude::*;
use seedbox_core::{
    AsOf, BlockRef, ContentHash, Keep, OwnedParcel, OwnedPlacement, OwnedWallet, Parcel, Pose,
    UnixTime, WalletAddress,
};
use tokio::runtime::Runtime;

use super::*;
use crate::{
    magnet::Magnet,
    metainfo::{Layout, Metainfo, create},
    volume::VOLUME_OVERHEAD,
};

/// Sizes of the torrents in play, in bytes.
const SIZES: [u32; 10] = [
    5_000, 20_000, 33_000, 50_000, 64_000, 90_000, 120_000, 150_000, 200_000, 240_000,
];

#[derive(Debug, Clone)]
enum Step {
    /// These stand on owned land, as the chain has just confirmed.
    Own(Vec<usize>),
    /// The chain has not been heard of for a long time.
    GoStale,
    /// The chain has never been read, or the clock was set back.
    Forget,
    /// Metadata of a wanted torrent arrived.
    Arrive(usize),
    Accept(usize),
    Remove(usize),
    /// Quota in kilobytes.
    SetQuota(u64),
    /// The process ends without a word and starts again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let torrent = 0..SIZES.len();
    prop_oneof![
        3 => prop::collection::vec(torrent.clone(), 0..4).prop_map(Step::Own),
        1 => Just(Step::GoStale),
        1 => Just(Step::Forget),
        16 => torrent.clone().prop_map(Step::Arrive),
        1 => torrent.clone().prop_map(Step::Accept),
        1 => torrent.prop_map(Step::Remove),
        2 => (100u64..700).prop_map(Step::SetQuota),
        1 => Just(Step::Crash),
    ]
}

fn torrents() -> &'static [Metainfo] {
    static TORRENTS: OnceLock<Vec<Metainfo>> = OnceLock::new();
    TORRENTS.get_or_init(|| {
        let make = |size: &u32| {
            let bytes = vec![(size % 251) as u8; *size as usize];
            let name = format!("model {size}");
            create(
                &name,
                &Layout::SingleFile(u64::from(*size)),
                bytes.as_slice(),
            )
            .unwrap()
            .metainfo
        };
        SIZES.iter().map(make).collect()
    })
}

fn config(volume: &Path) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        dht: false,
        trackers: vec![],
        peers: vec![],
        lan: vec![],
        volumes: vec![volume.to_owned()],
        quota: None,
        first_quota: None,
        reserve: 0,
        model_limit: 1 << 20,
        max_live: 4,
        max_ownership_age: Duration::from_secs(3600),
        metadata_timeout: Duration::from_secs(1),
    }
}

fn owned(which: &[usize], observed_at: Option<UnixTime>) -> Arc<Owned> {
    let placements = which
        .iter()
        .map(|&i| OwnedPlacement {
            id: i as u64,
            pose: Pose {
                x: 0,
                y: 0,
                z: 0,
                rotation: [0, 0, 0, 1],
                scale: 1000,
            },
            model: Model {
                id: i as u64 + 1,
                info_hash: torrents()[i].info_hash(),
                content_hash: ContentHash([0; 32]),
                size: torrents()[i].total(),
                gate: None,
                name: String::new(),
                sources: String::new(),
                owner: None,
            },
        })
        .collect();
    let parcels = vec![OwnedParcel {
        parcel: Parcel { x: 0, y: 0 },
        placements,
    }];
    let block = BlockRef {
        number: 1,
        hash: [0; 32],
        timestamp: UnixTime(0),
    };
    Arc::new(Owned {
        wallets: vec![OwnedWallet {
            address: WalletAddress([1; 20]),
            parcels,
        }],
        as_of: observed_at.map(|observed_at| AsOf { block, observed_at }),
    })
}

struct World {
    folder: tempfile::TempDir,
    session: Session,
    engine: Engine,
    owned: watch::Sender<Arc<Owned>>,
    owns: Vec<usize>,
    certain: bool,
}

async fn load(folder: &Path, session: &Session, owned: &watch::Sender<Arc<Owned>>) -> Engine {
    let store = Store::open(&folder.join("seedbox.db")).unwrap();
    let (_, grid) = watch::channel(Arc::new(LandGrid::default()));
    let stop = CancellationToken::new();
    let config = config(&folder.join("volume"));
    Engine::load(
        config,
        store,
        session.clone(),
        stop,
        owned.subscribe(),
        grid,
    )
    .await
    .unwrap()
    .0
}

impl World {
    async fn new(session: &Session) -> Self {
        // In memory where there is such a file system: the histories are many, the disk is slow.
        let shm = Path::new("/dev/shm");
        let folder = if shm.is_dir() {
            tempfile::tempdir_in(shm)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let (owned, _) = watch::channel(owned(&[], Some(now())));
        let engine = load(folder.path(), session, &owned).await;
        Self {
            folder,
            session: session.clone(),
            engine,
            owned,
            owns: vec![],
            certain: true,
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Own(which) => self.tell(which.clone(), Some(now())),
            Step::GoStale => self.tell(self.owns.clone(), Some(UnixTime(now().0 - 3_700))),
            Step::Forget => {
                let observed = self
                    .owns
                    .len()
                    .is_multiple_of(2)
                    .then(|| UnixTime(now().0 + 1_000));
                self.tell(self.owns.clone(), observed);
            }
            Step::Arrive(i) => {
                if !self
                    .engine
                    .torrents
                    .contains_key(&torrents()[*i].info_hash())
                {
                    let metainfo = torrents()[*i].clone();
                    let _ = self
                        .engine
                        .admit(metainfo, format!("{i}"), &[])
                        .await
                        .unwrap();
                }
            }
            Step::Accept(i) => self.accept(*i).await,
            Step::Remove(i) => self.remove(*i).await,
            Step::SetQuota(kilobytes) => {
                let id = self.engine.volumes[0].id.clone();
                let _ = self.engine.set_quota(&id, kilobytes * 1_000).await;
            }
            Step::Crash => self.crash().await,
        }
    }

    fn tell(&mut self, which: Vec<usize>, observed_at: Option<UnixTime>) {
        self.certain = observed_at.is_some_and(|at| at <= now() && now().0 - at.0 < 3_600);
        self.owned.send_replace(owned(&which, observed_at));
        self.owns = which;
        self.engine.learn_owned();
    }

    async fn accept(&mut self, i: usize) {
        let link = format!("magnet:?xt=urn:btih:{}", torrents()[i].info_hash());
        self.engine
            .accept(Magnet::parse(&link).unwrap())
            .await
            .unwrap();
        // The metadata never comes from peers here, only by `Arrive`.
        self.engine.wanted.clear();
    }

    async fn remove(&mut self, i: usize) {
        let _ = self.engine.remove(torrents()[i].info_hash()).await;
    }

    async fn crash(&mut self) {
        for hash in self.engine.torrents.keys() {
            self.session.remove(*hash).await;
        }
        self.engine = load(self.folder.path(), &self.session, &self.owned).await;
    }

    /// What is held and must not go by itself.
    fn protected(&self) -> BTreeSet<InfoHash> {
        let protected =
            |hash: &&InfoHash| !self.certain || self.engine.keep(**hash) != Keep::Community;
        self.engine
            .torrents
            .keys()
            .filter(protected)
            .copied()
            .collect()
    }

    fn held(&self) -> BTreeSet<InfoHash> {
        self.engine.torrents.keys().copied().collect()
    }

    async fn check_accounting(&self) {
        let volume = &self.engine.volumes[0];
        let promised = self
            .engine
            .store
            .reserved_on(volume.id.clone())
            .await
            .unwrap();
        let reserved: u64 = self.engine.torrents.values().map(|t| t.reserved).sum();
        assert_eq!(promised, reserved, "the store and the engine disagree");
        assert!(
            reserved + VOLUME_OVERHEAD <= volume.quota || reserved == 0,
            "over the quota"
        );
        let on_disk: BTreeSet<InfoHash> = volume.folders().unwrap().into_iter().collect();
        assert_eq!(on_disk, self.held(), "the disk holds something else");
        let used = occupied(&volume.root);
        assert!(
            used <= reserved + VOLUME_OVERHEAD,
            "{used} bytes used, {reserved} reserved"
        );
        let content: u64 = self.engine.torrents.values().map(Torrent::size).sum();
        assert!(
            used >= content,
            "{used} bytes used for {content} bytes of content"
        );
    }
}

fn occupied(path: &Path) -> u64 {
    let meta = std::fs::symlink_metadata(path).unwrap();
    let inside: u64 = if meta.is_dir() {
        std::fs::read_dir(path)
            .unwrap()
            .map(|entry| occupied(&entry.unwrap().path()))
            .sum()
    } else {
        0
    };
    inside + meta.blocks() * 512
}

/// Gives the number of evictions.
async fn live_through(session: &Session, history: &[Step]) -> u64 {
    let mut world = World::new(session).await;
    let id = world.engine.volumes[0].id.clone();
    world.engine.set_quota(&id, 400_000).await.unwrap();
    for step in history {
        let before = world.protected();
        world.take(step).await;
        let removed = match step {
            Step::Remove(i) => Some(torrents()[*i].info_hash()),
            _ => None,
        };
        for hash in before.iter().filter(|hash| Some(**hash) != removed) {
            assert!(
                world.held().contains(hash),
                "{step:?} lost the protected {hash}"
            );
        }
        world.check_accounting().await;
    }
    for hash in world.held() {
        session.remove(hash).await;
    }
    world.engine.tally.evicted
}

#[test]
fn never_evict_mine() {
    let runtime = Runtime::new().unwrap();
    let session = runtime
        .block_on(Session::start(
            &config(Path::new("/nonexistent")),
            CancellationToken::new(),
        ))
        .unwrap();
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(150);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let histories = prop::collection::vec(step(), 10..60);
    let evictions = std::cell::Cell::new(0u64);
    runner
        .run(&histories, |history| {
            let evicted = runtime.block_on(live_through(&session, &history));
            evictions.set(evictions.get() + evicted);
            Ok(())
        })
        .unwrap();
    eprintln!(
        "{cases} histories with {} evictions, none of anything protected",
        evictions.get()
    );
    assert!(
        evictions.get() > 0,
        "nothing was ever evicted, so this shows nothing"
    );
}

//! The land grid as visitors get it: bodies, caching, epochs that go, JSON, pictures, proofs.

use std::{io::Read, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use seedbox_core::{
    AsOf, BlockRef, ContentHash, InfoHash, LandGrid, Model, Parcel, ParcelProof, ParcelState,
    Placement, Pose, Trust, UnixTime, VouchedBlock, WalletAddress,
    grid::{Chunk, World},
};
use serde_json::{Value, json};

use super::harness::{TestBox, send};

pub(super) fn block(number: u64) -> BlockRef {
    BlockRef {
        number,
        hash: [u8::try_from(number).unwrap(); 32],
        timestamp: UnixTime(1_000 + number),
    }
}

pub(super) fn epoch(number: u64) -> String {
    format!(
        "{number}-{}",
        hex::encode([u8::try_from(number).unwrap(); 8])
    )
}

/// A world of `parcels` parcels in a row, changed last in block `changed`, where parcel (0, 0)
/// belongs to `owner` and has a model.
pub(super) fn world(changed: u64, parcels: i16, owner: u8) -> Arc<LandGrid> {
    let pose = Pose {
        x: 1,
        y: -2,
        z: 3,
        rotation: [0, 0, 0, 32767],
        scale: 1000,
    };
    let model = Model {
        id: 5,
        info_hash: InfoHash([5; 20]),
        content_hash: ContentHash([6; 32]),
        size: 7,
        gate: Some(WalletAddress([8; 20])),
        name: "a tower".to_owned(),
        sources: "tr=x".to_owned(),
        owner: None,
    };
    let state = |x| ParcelState {
        owner: WalletAddress([if x == 0 { owner } else { 2 }; 20]),
        placements: (x == 0)
            .then_some(Placement {
                id: 9,
                model: 5,
                pose,
            })
            .into_iter()
            .collect(),
    };
    let row = (0..parcels).map(|x| (Parcel { x, y: 0 }, state(x)));
    Arc::new(LandGrid {
        block: Some(block(changed + 1)),
        changed: Some(block(changed)),
        parcels: row.collect(),
        models: [(5, model)].into(),
    })
}

pub(super) async fn with_world(grid: Arc<LandGrid>) -> TestBox {
    let test_box = TestBox::unclaimed().await;
    update(&test_box, grid).await;
    test_box
}

pub(super) async fn update(test_box: &TestBox, grid: Arc<LandGrid>) {
    test_box.service.visitors.grid.update(grid).await;
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn get_with(test_box: &TestBox, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = Request::get(path).header(header::ORIGIN, "null");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = send(&test_box.service.public_router, request, 1).await;
    let (parts, body) = response.into_parts();
    Got {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, 1 << 24).await.unwrap().to_vec(),
    }
}

async fn get(test_box: &TestBox, path: &str) -> Got {
    get_with(test_box, path, &[]).await
}

#[tokio::test]
async fn nothing_is_claimed_before_the_chain_was_read() {
    let test_box = TestBox::unclaimed().await;
    for path in [
        "/grid/head",
        "/grid/world",
        "/grid/world.json",
        "/grid/deltas",
    ] {
        let got = get(&test_box, path).await;
        assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(got.json()["type"], "unavailable");
    }
    update(&test_box, Arc::new(LandGrid::default())).await;
    let got = get(&test_box, "/grid/head").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    let nothing_yet = LandGrid {
        block: Some(block(3)),
        ..LandGrid::default()
    };
    update(&test_box, Arc::new(nothing_yet)).await;
    let head = get(&test_box, "/grid/head").await.json();
    assert_eq!(head["epoch"], "0-0000000000000000");
    assert_eq!(head["epochBlock"], Value::Null);
}

#[tokio::test]
async fn the_head_tells_state_age_and_trust() {
    let test_box = with_world(world(7, 3, 1)).await;
    test_box.appliance.chain.send_modify(|chain| {
        chain.chain_id = Some(31337);
        chain.as_of = Some(AsOf {
            block: block(20),
            observed_at: UnixTime(999_990),
        });
    });
    let got = get(&test_box, "/grid/head").await;
    assert_eq!(got.header("cache-control"), "no-store");
    assert_eq!(got.header("access-control-allow-origin"), "*");
    let head = got.json();
    assert_eq!(head["epoch"], epoch(7));
    assert_eq!(head["epochBlock"]["hash"], format!("0x{}", "07".repeat(32)));
    assert_eq!(head["block"]["number"], 20);
    assert_eq!(head["age"], 10);
    assert_eq!(head["chainId"], 31337);
    assert_eq!(head["trust"], "unproved");
    test_box.appliance.chain.send_modify(|chain| {
        chain.proved = Some(VouchedBlock {
            block: block(20),
            trust: Trust::Finalized,
            slot: None,
        });
    });
    let proved = get(&test_box, "/grid/head").await.json();
    assert_eq!(proved["trust"], "finalized");
    assert_eq!((&head["parcels"], &head["models"]), (&json!(3), &json!(1)));
    let links = head["links"].as_object().unwrap();
    let fill = |link: &str| {
        let filled = [("{cx}", "0"), ("{cy}", "0"), ("{x}", "0"), ("{y}", "0")]
            .iter()
            .fold(link.to_owned(), |link, (name, value)| {
                link.replace(name, value)
            });
        let wallet = format!("0x{}", "01".repeat(20));
        filled
            .replace("{address}", &wallet)
            .replace("{zoom}/{tx}/{ty}", "3/0/0")
    };
    for (name, link) in links {
        if name == "deltas" || name == "proof" {
            continue;
        }
        let link = fill(link.as_str().unwrap());
        assert_eq!(get(&test_box, &link).await.status, StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn an_epochs_bodies_hold_for_ever_and_the_current_ones_until_they_change() {
    let grid = world(7, 40, 1);
    let test_box = with_world(Arc::clone(&grid)).await;
    for (path, immutable) in [
        (format!("/grid/{}/world", epoch(7)), true),
        (format!("/grid/{}/chunks/0/0", epoch(7)), true),
        ("/grid/world".to_owned(), false),
        ("/grid/chunks/0/0".to_owned(), false),
    ] {
        let got = get(&test_box, &path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        let caching = if immutable {
            "public, max-age=31536000, immutable"
        } else {
            "public, no-cache"
        };
        assert_eq!(got.header("cache-control"), caching);
        assert_eq!(got.header("grid-epoch"), epoch(7));
        assert_eq!(got.header("content-type"), "application/octet-stream");
        assert!(got.header("vary").contains("accept-encoding"));
        let exposed = got.header("access-control-expose-headers");
        assert!(exposed.contains("grid-epoch"), "{exposed}");
        let tag = got.header("etag").to_owned();
        let again = get_with(&test_box, &path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.header("grid-epoch"), epoch(7));
        let other = get_with(&test_box, &path, &[("if-none-match", "\"x\"")]).await;
        assert_eq!(other.status, StatusCode::OK);
    }
    let body = get(&test_box, "/grid/world").await.body;
    let decoded = World::decode(&body).unwrap();
    assert_eq!(decoded.epoch.name().to_string(), epoch(7));
    assert_eq!(decoded.parcels.len(), 40);
    let body = get(&test_box, "/grid/chunks/0/0").await.body;
    let chunk = Chunk::decode(&body).unwrap();
    assert_eq!(chunk.parcels.len(), 16);
    let origin = Parcel { x: 0, y: 0 };
    assert_eq!(chunk.parcels[&origin], grid.parcels[&origin]);
    let nowhere = get(&test_box, "/grid/chunks/-9/2047").await.body;
    assert!(Chunk::decode(&nowhere).unwrap().parcels.is_empty());
}

#[tokio::test]
async fn bodies_are_compressed_as_the_client_likes() {
    let test_box = with_world(world(7, 400, 1)).await;
    for path in ["/grid/world", "/grid/chunks/0/0.json", "/grid/world.json"] {
        let plain = get(&test_box, path).await;
        assert_eq!(plain.header("content-encoding"), "");
        let gzip = get_with(&test_box, path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(gzip.header("content-encoding"), "gzip");
        let mut inflated = Vec::new();
        flate2::read::GzDecoder::new(&gzip.body[..])
            .read_to_end(&mut inflated)
            .unwrap();
        assert_eq!(inflated, plain.body, "{path}");
        assert_ne!(gzip.header("etag"), plain.header("etag"));
        let known = [("if-none-match", gzip.header("etag"))];
        let again = get_with(&test_box, path, &known).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    }
    let plain = get(&test_box, "/grid/world").await;
    let zstd = get_with(
        &test_box,
        "/grid/world",
        &[("accept-encoding", "gzip, zstd")],
    )
    .await;
    assert_eq!(zstd.header("content-encoding"), "zstd");
    let decoded = zstd::bulk::decompress(&zstd.body, plain.body.len()).unwrap();
    assert_eq!(decoded, plain.body);
}

#[tokio::test]
async fn a_chunk_that_did_not_change_keeps_its_tag_over_epochs() {
    let test_box = with_world(world(7, 40, 1)).await;
    let tags = || async {
        let mut tags = Vec::new();
        for path in ["/grid/chunks/0/0", "/grid/chunks/1/0", "/grid/world"] {
            tags.push(get(&test_box, path).await.header("etag").to_owned());
        }
        tags
    };
    let before = tags().await;
    update(&test_box, world(8, 40, 3)).await;
    let after = tags().await;
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);
    assert_ne!(before[2], after[2]);
}

#[tokio::test]
async fn a_few_epochs_stay_and_older_ones_name_the_current() {
    let test_box = with_world(world(1, 3, 1)).await;
    for number in 2..=12 {
        update(&test_box, world(number, 3, u8::try_from(number).unwrap())).await;
    }
    let old = get(&test_box, &format!("/grid/{}/world", epoch(5))).await;
    assert_eq!(old.status, StatusCode::OK);
    let world_then = World::decode(&old.body).unwrap();
    let owner = world_then.parcels[&Parcel { x: 0, y: 0 }].owner;
    assert_eq!(owner, WalletAddress([5; 20]));
    for gone in [1, 2, 99] {
        for path in ["world", "chunks/0/0", "0/0/proof"] {
            let got = get(&test_box, &format!("/grid/{}/{path}", epoch(gone))).await;
            assert_eq!(got.status, StatusCode::GONE);
            assert_eq!(got.header("content-type"), "application/problem+json");
            let problem = got.json();
            assert_eq!(problem["type"], "gone");
            assert_eq!(problem["head"]["epoch"], epoch(12));
        }
    }
    let wrong = get(&test_box, "/grid/12/world").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = get(&test_box, "/grid/chunks/9999/0").await;
    assert_eq!(wrong.json()["type"], "invalid-request");
}

#[tokio::test]
async fn a_reorganisation_gives_a_state_its_old_name_again() {
    let test_box = with_world(world(1, 3, 1)).await;
    update(&test_box, world(2, 3, 2)).await;
    update(&test_box, world(1, 3, 1)).await;
    let head = get(&test_box, "/grid/head").await.json();
    assert_eq!(head["epoch"], epoch(1));
    let body = get(&test_box, &format!("/grid/{}/chunks/0/0", epoch(1)))
        .await
        .body;
    let owner = Chunk::decode(&body).unwrap().parcels[&Parcel { x: 0, y: 0 }].owner;
    assert_eq!(owner, WalletAddress([1; 20]));
    // What was undone can still be asked for by who was on the way to it.
    let undone = get(&test_box, &format!("/grid/{}/world", epoch(2))).await;
    assert_eq!(undone.status, StatusCode::OK);
}

#[tokio::test]
async fn json_has_the_names_that_map_clients_know() {
    let test_box = with_world(world(7, 20, 1)).await;
    let area = get(&test_box, "/grid/chunks/0/0.json").await.json();
    assert_eq!(area["ok"], true);
    assert_eq!(area["data"].as_object().unwrap().len(), 16);
    let tile = &area["data"]["0,0"];
    assert_eq!(tile["id"], "0,0");
    assert_eq!((&tile["x"], &tile["y"]), (&json!(0), &json!(0)));
    assert_eq!(tile["type"], "owned");
    assert_eq!(tile["owner"], format!("0x{}", "01".repeat(20)));
    assert_eq!(tile["tokenId"], "2147516416");
    assert_eq!(tile["updatedAt"], 1007);
    assert_eq!(tile["placements"][0]["model"], 5);
    assert_eq!(area["models"][0]["gate"], format!("0x{}", "08".repeat(20)));
    let world = get(&test_box, "/grid/world.json").await.json();
    assert_eq!(world["data"].as_object().unwrap().len(), 20);
    assert_eq!(
        world["data"]["19,0"]["owner"],
        format!("0x{}", "02".repeat(20))
    );
    let parcel = get(&test_box, "/grid/parcels/0/0.json").await.json();
    assert_eq!(parcel["id"], "0,0");
    let magnet = parcel["models"][0]["magnet"].as_str().unwrap();
    assert!(magnet.ends_with("&dn=a%20tower&xl=7&tr=x"), "{magnet}");
    let nobodys = get(&test_box, "/grid/parcels/0/-1.json").await;
    assert_eq!(nobodys.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wallets_property_comes_page_by_page() {
    let test_box = with_world(world(7, 25, 1)).await;
    let of = |byte: u8| format!("/grid/owners/0x{}.json", hex::encode([byte; 20]));
    let mine = get(&test_box, &of(1)).await.json();
    assert_eq!(mine["total"], 1);
    assert_eq!(mine["parcels"][0]["placements"][0]["id"], 9);
    assert_eq!(mine["models"][0]["infoHash"], "05".repeat(20));
    assert_eq!(mine["next"], Value::Null);
    let (mut seen, mut path) = (Vec::new(), format!("{}?limit=10", of(2)));
    loop {
        let page = get(&test_box, &path).await.json();
        assert_eq!(page["total"], 24);
        let parcels = page["parcels"].as_array().unwrap().clone();
        assert!(parcels.len() <= 10);
        seen.extend(parcels.iter().map(|parcel| parcel["x"].as_i64().unwrap()));
        let Some(next) = page["next"].as_u64() else {
            break;
        };
        path = format!("{}?limit=10&after={next}", of(2));
    }
    assert_eq!(seen, (1..25).collect::<Vec<_>>());
    let stranger = get(&test_box, &of(77)).await.json();
    assert_eq!(
        (&stranger["total"], &stranger["parcels"]),
        (&json!(0), &json!([]))
    );
    let wrong = get(&test_box, "/grid/owners/xyz.json").await;
    assert_eq!(wrong.json()["type"], "invalid-request");
}

#[tokio::test]
async fn pictures_show_owners_in_colours() {
    let test_box = with_world(world(7, 4, 1)).await;
    let got = get(&test_box, "/grid/tiles/5/0/0.png").await;
    assert_eq!(got.header("content-type"), "image/png");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&got.body))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (256, 256));
    let at = |x: usize, from_south: usize| {
        let start = ((255 - from_south) * 256 + x) * 3;
        [pixels[start], pixels[start + 1], pixels[start + 2]]
    };
    assert_eq!(at(40, 5), at(70, 5), "one owner, one colour");
    assert_ne!(at(5, 5), at(40, 5), "two owners, two colours");
    assert_eq!(at(200, 5), at(5, 200), "nobody's land");
    assert_ne!(at(5, 5), at(31, 5), "an edge");
    let known = [("if-none-match", got.header("etag"))];
    let again = get_with(&test_box, "/grid/tiles/5/0/0.png", &known).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(
        get(&test_box, "/grid/tiles/6/0/0.png").await.json()["type"],
        "invalid-request"
    );
}

#[tokio::test]
async fn a_proof_goes_out_as_it_is() {
    let test_box = with_world(world(7, 4, 1)).await;
    let path = format!("/grid/{}/-1/2/proof", epoch(7));
    let unproved = get(&test_box, &path).await;
    assert_eq!(unproved.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unproved.json()["type"], "unavailable");
    assert_eq!(test_box.orders(), ["prove -1,2"]);
    *test_box.appliance.proof.lock().unwrap() = Some(ParcelProof {
        block: block(9),
        header_rlp: vec![1, 2],
        account: WalletAddress([3; 20]),
        account_proof: vec![vec![4], vec![5, 6]],
        storage_hash: [7; 32],
        slot: [0; 32],
        key: [8; 32],
        value: [9; 32],
        storage_proof: vec![vec![10]],
        owner: Some(WalletAddress([11; 20])),
        trust: Trust::Rpc,
    });
    let got = get(&test_box, &path).await;
    assert_eq!(got.header("cache-control"), "no-store");
    let word = |byte: &str| format!("0x{}", byte.repeat(32));
    let expected = json!({
        "block": {"number": 9, "hash": word("09"), "headerRlp": "0x0102"},
        "account": format!("0x{}", "03".repeat(20)),
        "accountProof": ["0x04", "0x0506"],
        "storageHash": word("07"), "slot": word("00"), "key": word("08"), "value": word("09"),
        "storageProof": ["0x0a"],
        "owner": format!("0x{}", "0b".repeat(20)),
        "trust": "rpc",
    });
    assert_eq!(got.json(), expected);
}

//! A real anvil with the real contracts on it, and endpoints to it that can be cut.

use std::{
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::client::RpcClient,
    sol,
    sol_types::{SolCall, SolValue},
};
use seedbox_chain::{Config, Deployment, Handle, Service, TrustSetting};
use seedbox_core::WalletAddress;
use seedbox_store::Store;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

sol!("../../contracts/src/interfaces/ILand.sol");
sol!("../../contracts/src/interfaces/IModel.sol");
sol!("../../contracts/src/interfaces/IPlacement.sol");

const DEADLINE: Duration = Duration::from_secs(60);

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

fn anvil_binary() -> Option<PathBuf> {
    let folder = contracts().join("node_modules/@foundry-rs");
    std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin/anvil"))
        .find(|path| path.exists())
}

/// Whether anvil and the compiled contracts are there; says so if they are not.
pub(crate) fn available() -> bool {
    let found = anvil_binary().is_some() && contracts().join("out/Land.sol/Land.json").exists();
    if !found {
        eprintln!("left out: run `npm ci && npm run build` in contracts/ first");
    }
    found
}

/// Waits until a snapshot is as wished.
pub(crate) async fn until<T: Clone + std::fmt::Debug>(
    what: &str,
    receiver: &mut watch::Receiver<T>,
    wish: impl FnMut(&T) -> bool,
) -> T {
    let waited = tokio::time::timeout(DEADLINE, receiver.wait_for(wish)).await;
    let waited = waited.map(|ended| ended.map(|value| value.clone()));
    match waited {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => panic!("the service ended while waiting: {what}"),
        Err(_) => panic!("not in time: {what}; it is {:?}", *receiver.borrow()),
    }
}

pub(crate) struct Anvil {
    _process: Child,
    pub(crate) address: SocketAddr,
    client: RpcClient,
}

impl Anvil {
    pub(crate) async fn start(options: &[&str]) -> Self {
        let mut process = Command::new(anvil_binary().unwrap())
            .args(["--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("anvil ended");
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.trim().parse().unwrap();
            }
        };
        // Read on, or anvil blocks on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = RpcClient::new_http(format!("http://{address}").parse().unwrap());
        Self {
            _process: process,
            address,
            client,
        }
    }

    pub(crate) async fn ask(&self, method: &'static str, params: Value) -> Value {
        self.client
            .request(method, params)
            .await
            .unwrap_or_else(|e| panic!("{method}: {e}"))
    }

    pub(crate) async fn accounts(&self) -> Vec<Address> {
        serde_json::from_value(self.ask("eth_accounts", json!([])).await).unwrap()
    }

    /// Sends a transaction from the first account and returns its receipt.
    async fn transact(&self, to: Option<WalletAddress>, data: Vec<u8>) -> Value {
        let from = self.accounts().await[0];
        let mut transaction = json!({"from": from, "data": Bytes::from(data), "gas": "0x1c9c380"});
        if let Some(to) = to {
            transaction["to"] = json!(Address::from(to.0));
        }
        let hash = self.ask("eth_sendTransaction", json!([transaction])).await;
        let receipt = within(self.receipt(&hash)).await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt
    }

    async fn receipt(&self, transaction: &Value) -> Value {
        let mut poll = tokio::time::interval(Duration::from_millis(2));
        loop {
            let receipt = self
                .ask("eth_getTransactionReceipt", json!([transaction]))
                .await;
            if !receipt.is_null() {
                return receipt;
            }
            poll.tick().await;
        }
    }

    async fn create(&self, name: &str, arguments: Vec<u8>) -> WalletAddress {
        let path = contracts().join(format!("out/{name}.sol/{name}.json"));
        let artefact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let code: Bytes = serde_json::from_value(artefact["bytecode"]["object"].clone()).unwrap();
        let receipt = self
            .transact(None, [code.to_vec(), arguments].concat())
            .await;
        receipt["contractAddress"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Puts the contracts on the chain; the first account may mint land.
    pub(crate) async fn deploy(&self) -> Deployment {
        let owner = self.accounts().await[0];
        let bounds = ILand::Bounds {
            minX: i16::MIN,
            maxX: i16::MAX,
            minY: i16::MIN,
            maxY: i16::MAX,
        };
        let arguments = (owner, bounds, B256::ZERO).abi_encode_params();
        let land = self.create("Land", arguments).await;
        let model = self.create("Model", Vec::new()).await;
        let both = (Address::from(land.0), Address::from(model.0));
        let placement = self.create("Placement", both.abi_encode_params()).await;
        let chain_id = self.ask("eth_chainId", json!([])).await;
        Deployment {
            chain_id: u64::from_str_radix(&chain_id.as_str().unwrap()[2..], 16).unwrap(),
            block: 1,
            land,
            model,
            placement,
            access_pass: None,
            cybr: None,
        }
    }

    pub(crate) async fn mint(&self, deployment: &Deployment, x: i16, y: i16) {
        let to = self.accounts().await[0];
        let call = ILand::mintCall { to, x, y };
        self.transact(Some(deployment.land), call.abi_encode())
            .await;
    }

    pub(crate) async fn mint_batch(&self, deployment: &Deployment, ids: std::ops::Range<u32>) {
        let to = self.accounts().await[0];
        let parcel_ids = ids.collect();
        let call = ILand::mintBatchCall {
            to,
            parcelIds: parcel_ids,
        };
        self.transact(Some(deployment.land), call.abi_encode())
            .await;
    }

    /// Publishes a model whose info hash is 20 times `content`.
    pub(crate) async fn publish(&self, deployment: &Deployment, content: u8) {
        let call = IModel::publishCall {
            to: self.accounts().await[0],
            data: IModel::ModelData {
                infoHash: [content; 20].into(),
                contentHash: [content; 32].into(),
                size: 1000,
                gate: Address::ZERO,
                name: format!("model {content}"),
                sources: String::new(),
            },
        };
        self.transact(Some(deployment.model), call.abi_encode())
            .await;
    }

    pub(crate) async fn place(&self, deployment: &Deployment, parcel: u32, model: u64) {
        let pose = IPlacement::Pose {
            x: 1,
            y: 2,
            z: 3,
            qx: 0,
            qy: 0,
            qz: 0,
            qw: 32767,
            scale: 1000,
        };
        let call = IPlacement::placeCall {
            parcelId: U256::from(parcel),
            modelId: U256::from(model),
            pose,
        };
        self.transact(Some(deployment.placement), call.abi_encode())
            .await;
    }
}

/// A way to an endpoint that can be cut and mended, its address staying the same.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    task: JoinHandle<()>,
}

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = watch::Sender::new(Some(target));
        let targets = target.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut targets = targets.clone();
                tokio::spawn(async move {
                    let now = *targets.borrow_and_update();
                    let Some(now) = now else { return };
                    let Ok(mut far) = TcpStream::connect(now).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = targets.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            target,
            task,
        }
    }

    pub(crate) fn cut(&self) {
        self.target.send_replace(None);
    }

    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(Some(target));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The service, running.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), seedbox_chain::Error>>,
}

impl Running {
    pub(crate) async fn start(config: Config, database: &Path) -> Self {
        let store = Store::open(database).unwrap();
        let (service, handle) = Service::new(config, store).await.unwrap();
        let cancel = CancellationToken::new();
        let task = tokio::spawn(service.run(cancel.clone()));
        Self {
            handle,
            cancel,
            task,
        }
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        within(self.task).await.unwrap().unwrap();
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("not in time")
}

/// A configuration that looks often.
pub(crate) fn config(rpc: &[String], deployment: &Deployment) -> Config {
    Config {
        rpc: rpc.to_vec(),
        deployment: Some(deployment.clone()),
        poll_interval: Duration::from_millis(100),
        request_timeout: Duration::from_secs(5),
        // Anvil keeps words that are zero in its tries, so its state roots are not Ethereum's.
        trust: TrustSetting::Unproved,
        ..Config::default()
    }
}

/// The first account's wallet.
pub(crate) async fn first_wallet(anvil: &Arc<Anvil>) -> WalletAddress {
    WalletAddress(anvil.accounts().await[0].into_array())
}

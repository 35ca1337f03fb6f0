//! A local Ethereum chain with our contracts on it, and what people do there: mint, publish,
//! place, transfer. It can die, come back on the same port, and fork.

mod passes;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

mod crowd;
mod votes;
mod words;

pub use self::crowd::Order;
pub(crate) use self::words::storage_hash;
use crate::{
    abi::{Argument, encode},
    http::Client,
    models::Published,
    process::{Process, Usage},
    repository,
    wait::wait_until,
};

pub use self::passes::Subject;

/// The chain ID that anvil gives itself.
pub const CHAIN_ID: u64 = 31337;

/// A running chain.
pub struct Anvil {
    process: Process,
    address: SocketAddr,
    rpc: Client,
    folder: TempDir,
    accounts: Vec<String>,
    contracts: Contracts,
}

struct Contracts {
    land: Contract,
    model: Contract,
    placement: Contract,
    cybr: Contract,
    access_pass: Contract,
}

struct Contract {
    name: &'static str,
    address: String,
    artefact: Value,
}

impl Anvil {
    /// Starts a chain and deploys the contracts.
    ///
    /// # Errors
    /// Foundry or the contracts' artefacts are missing: `make setup` gets and builds them.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// The same with further options of anvil's.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(options: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let process = spawn(address.port(), folder.path(), options)?;
        Self::running_as(process, address, folder)
    }

    /// Deploys the contracts on a chain that `process` runs, a container maybe.
    ///
    /// # Errors
    /// It does not answer at `address`.
    pub fn running_as(mut process: Process, address: SocketAddr, folder: TempDir) -> Result<Self> {
        let rpc = Client::new(format!("http://{address}"));
        answers(&mut process, &rpc)?;
        let accounts: Vec<String> =
            serde_json::from_value(call(&rpc, "eth_accounts", &json!([]))?)?;
        let contracts = deploy(&rpc, &accounts[0])?;
        let anvil = Self {
            process,
            address,
            rpc,
            folder,
            accounts,
            contracts,
        };
        let c = &anvil.contracts;
        let deployment = json!({
            "chainId": CHAIN_ID, "block": 0, "cybr": c.cybr.address,
            "land": c.land.address, "model": c.model.address, "placement": c.placement.address,
            "accessPass": c.access_pass.address,
        });
        fs::write(anvil.deployment(), deployment.to_string())?;
        Ok(anvil)
    }

    /// Its RPC endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same endpoint over WebSocket.
    pub fn websocket_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The file that tells a box where the contracts are.
    pub fn deployment(&self) -> PathBuf {
        self.folder.path().join("deployment.json")
    }

    /// One of its ten funded accounts; the first owns the Land contract.
    pub fn account(&self, index: usize) -> &str {
        &self.accounts[index % self.accounts.len()]
    }

    /// Mints the parcel at `x`, `y` to somebody; gives its token ID.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn mint(&self, to: &str, x: i16, y: i16) -> Result<u64> {
        let arguments = [
            Argument::address(to),
            Argument::signed(x.into()),
            Argument::signed(y.into()),
        ];
        self.transact(
            self.account(0),
            &self.contracts.land,
            "mint(address,int16,int16)",
            &arguments,
        )?;
        let shifted = |coordinate: i16| u64::from(coordinate.cast_unsigned() ^ 0x8000);
        Ok((shifted(x) << 16) | shifted(y))
    }

    /// The JSON-RPC request by which a client asks who owns each of these parcels.
    ///
    /// # Errors
    /// The Land contract's artefact has no `ownerOf`.
    pub fn owners_question(&self, parcels: &[u64]) -> Result<Value> {
        let land = &self.contracts.land;
        let questions = parcels.iter().map(|parcel| {
            let data = land.call_data("ownerOf(uint256)", &[Argument::number(*parcel)])?;
            let call = json!([{"to": land.address, "data": data}, "latest"]);
            Ok(request("eth_call", &call))
        });
        Ok(Value::Array(questions.collect::<Result<_>>()?))
    }

    /// Address of the Land contract.
    pub fn land(&self) -> &str {
        &self.contracts.land.address
    }

    /// Address of the Model contract.
    pub fn model(&self) -> &str {
        &self.contracts.model.address
    }

    /// Address of the Placement contract.
    pub fn placement(&self) -> &str {
        &self.contracts.placement.address
    }

    /// What the chain's process has cost so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage> {
        self.process.usage()
    }

    /// Publishes a model, its token going to `to`; gives its token ID.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn publish(&self, to: &str, model: &Published) -> Result<u64> {
        self.publish_behind(to, model, "0x")
    }

    /// Publishes a model with a gate, its token going to `to`; gives its token ID.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn publish_behind(&self, to: &str, model: &Published, gate: &str) -> Result<u64> {
        let data = Argument::Tuple(vec![
            Argument::bytes(&hex::decode(&model.info_hash)?),
            Argument::bytes(&hex::decode(&model.content_hash)?),
            Argument::number(model.size),
            Argument::address(gate),
            Argument::Text(model.name.clone()),
            Argument::Text(model.sources.clone()),
        ]);
        let signature = "publish(address,(bytes20,bytes32,uint64,address,string,string))";
        let arguments = [Argument::address(to), data];
        let receipt = self.transact(
            self.account(0),
            &self.contracts.model,
            signature,
            &arguments,
        )?;
        first_topic(&receipt, &self.contracts.model, "ModelPublished")
    }

    /// Places a model on a parcel, by the parcel's holder; gives the placement's ID.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn place(&self, holder: &str, parcel: u64, model: u64) -> Result<u64> {
        let pose = [8000, 0, 8000, 0, 0, 0, 32767, 1000]
            .map(Argument::number)
            .to_vec();
        let signature = "place(uint256,uint256,(int32,int32,int32,int16,int16,int16,int16,uint32))";
        let arguments = [
            Argument::number(parcel),
            Argument::number(model),
            Argument::Tuple(pose),
        ];
        let receipt = self.transact(holder, &self.contracts.placement, signature, &arguments)?;
        first_topic(&receipt, &self.contracts.placement, "Placed")
    }

    /// Takes a placement away.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn remove(&self, holder: &str, placement: u64) -> Result<()> {
        let arguments = [Argument::number(placement)];
        self.transact(
            holder,
            &self.contracts.placement,
            "remove(uint256)",
            &arguments,
        )
        .map(drop)
    }

    /// Gives a parcel to somebody else.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn transfer_parcel(&self, from: &str, to: &str, parcel: u64) -> Result<()> {
        let arguments = [
            Argument::address(from),
            Argument::address(to),
            Argument::number(parcel),
        ];
        let signature = "transferFrom(address,address,uint256)";
        self.transact(from, &self.contracts.land, signature, &arguments)
            .map(drop)
    }

    /// Height of the newest block.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn height(&self) -> Result<u64> {
        number(&call(&self.rpc, "eth_blockNumber", &json!([]))?)
    }

    /// Hash of a block, `0x` and 64 digits.
    ///
    /// # Errors
    /// There is none.
    pub fn block_hash(&self, height: u64) -> Result<String> {
        let hash = &self.block(height)?["hash"];
        Ok(hash.as_str().context("no such block")?.to_owned())
    }

    /// A block as the node tells it, without its transactions.
    ///
    /// # Errors
    /// There is none.
    pub fn block(&self, height: u64) -> Result<Value> {
        block(&self.rpc, height)
    }

    /// Makes empty blocks.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn mine(&self, blocks: u64) -> Result<()> {
        call(&self.rpc, "anvil_mine", &json!([format!("{blocks:#x}")])).map(drop)
    }

    /// Replaces the newest `depth` blocks by empty ones with other hashes.
    ///
    /// # Errors
    /// The chain is not that long.
    pub fn reorganise(&self, depth: u64) -> Result<()> {
        let top = self.height()?;
        let before = self.block_hash(top)?;
        call(&self.rpc, "anvil_reorg", &json!([depth, []]))?;
        ensure!(self.block_hash(top)? != before, "the chain did not fork");
        Ok(())
    }

    /// Ends the chain, which remembers everything for [`Anvil::start_again`].
    ///
    /// # Errors
    /// It did not end.
    pub fn stop(&mut self) -> Result<()> {
        let (status, _) = self.process.end(Signal::INT, Duration::from_secs(10))?;
        ensure!(
            self.folder.path().join("state.json").exists(),
            "anvil ended with {status}, without its state"
        );
        Ok(())
    }

    /// Starts the stopped chain again on the same port. It adds a block at once: anvil brings
    /// back the newest state alone, so that a fork can reach down to that block and no further.
    ///
    /// # Errors
    /// The port was taken meanwhile.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = spawn(self.address.port(), self.folder.path(), &[])?;
        answers(&mut self.process, &self.rpc)?;
        self.mine(1)
    }

    /// Makes it hang, answering nothing, until [`Anvil::resume`].
    ///
    /// # Errors
    /// It is no more.
    pub fn freeze(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// Ends [`Anvil::freeze`].
    ///
    /// # Errors
    /// It is no more.
    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    fn transact(
        &self,
        from: &str,
        to: &Contract,
        signature: &str,
        arguments: &[Argument],
    ) -> Result<Value> {
        let data = to.call_data(signature, arguments)?;
        let transaction = json!([{"from": from, "to": to.address, "data": data}]);
        send(&self.rpc, &transaction).with_context(|| format!("{}.{signature}", to.name))
    }
}

impl Contract {
    fn call_data(&self, signature: &str, arguments: &[Argument]) -> Result<String> {
        let selector = self.artefact["methodIdentifiers"][signature]
            .as_str()
            .with_context(|| format!("{} has no {signature}", self.name))?;
        Ok(format!("0x{selector}{}", hex::encode(encode(arguments))))
    }
}

fn spawn(port: u16, folder: &Path, options: &[&str]) -> Result<Process> {
    let mut command = Command::new(repository().join("contracts/tools/anvil"));
    command.args(["--silent", "--port"]).arg(port.to_string());
    command.arg("--state").arg(folder.join("state.json"));
    // Its default folder is one for all, and grows with every run.
    command.arg("--cache-path").arg(folder.join("cache"));
    command.args(options);
    Process::start(&command, &folder.join("anvil.log"))
}

fn answers(process: &mut Process, rpc: &Client) -> Result<()> {
    wait_until("the chain to answer", Duration::from_secs(20), || {
        process.ensure_running()?;
        call(rpc, "eth_chainId", &json!([])).map(drop)
    })
}

fn deploy(rpc: &Client, owner: &str) -> Result<Contracts> {
    let create = |name, arguments: &[Argument]| create(rpc, owner, name, name, arguments);
    let grid = [i16::MIN, i16::MAX, i16::MIN, i16::MAX];
    let mut arguments = vec![Argument::address(owner)];
    arguments.extend(grid.map(|edge| Argument::signed(edge.into())));
    arguments.push(Argument::number(0)); // no grants
    let land = create("Land", &arguments)?;
    let model = create("Model", &[])?;
    let tokens = [
        Argument::address(&land.address),
        Argument::address(&model.address),
    ];
    let placement = create("Placement", &tokens)?;
    let million = Argument::number(1_000_000);
    let holder = Argument::address(owner);
    let cybr = create("Cybr", &[holder.clone(), holder, million.clone(), million])?;
    let [land_token, model_token] = tokens;
    let payment = Argument::address(&cybr.address);
    let access_pass = create("AccessPass", &[payment, land_token, model_token])?;
    Ok(Contracts {
        land,
        model,
        placement,
        cybr,
        access_pass,
    })
}

/// Puts a contract from one of our source files on the chain.
fn create(
    rpc: &Client,
    owner: &str,
    file: &str,
    name: &'static str,
    arguments: &[Argument],
) -> Result<Contract> {
    let path = repository().join(format!("contracts/out/{file}.sol/{name}.json"));
    let text = fs::read(&path)
        .with_context(|| format!("{} is missing: run `make setup contracts`", path.display()))?;
    let artefact: Value = serde_json::from_slice(&text)?;
    let code = artefact["bytecode"]["object"]
        .as_str()
        .context("no bytecode")?;
    let data = format!("{code}{}", hex::encode(encode(arguments)));
    let receipt = send(rpc, &json!([{"from": owner, "data": data}]))?;
    let address = receipt["contractAddress"]
        .as_str()
        .context("no contract address")?
        .to_owned();
    Ok(Contract {
        name,
        address,
        artefact,
    })
}

/// Sends a transaction from an account that the chain itself holds; gives its receipt.
fn send(rpc: &Client, transaction: &Value) -> Result<Value> {
    let hash = call(rpc, "eth_sendTransaction", transaction)?;
    let receipt = wait_until("the transaction's block", Duration::from_secs(10), || {
        let receipt = call(rpc, "eth_getTransactionReceipt", &json!([hash]))?;
        ensure!(!receipt.is_null(), "{hash} is in no block");
        Ok(receipt)
    })?;
    ensure!(
        receipt["status"] == "0x1",
        "the transaction was reverted: {receipt}"
    );
    Ok(receipt)
}

/// A block as a node tells it, without its transactions.
pub(crate) fn block(rpc: &Client, height: u64) -> Result<Value> {
    let which = format!("{height:#x}");
    let block = call(rpc, "eth_getBlockByNumber", &json!([which, false]))?;
    ensure!(block["hash"].is_string(), "there is no block {height}");
    Ok(block)
}

fn call(rpc: &Client, method: &str, parameters: &Value) -> Result<Value> {
    let answer: Value = rpc.post("", &request(method, parameters))?.json()?;
    ensure!(
        answer.get("error").is_none(),
        "{method}: {}",
        answer["error"]
    );
    Ok(answer["result"].clone())
}

fn request(method: &str, parameters: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
}

fn hexadecimal(number: u64) -> String {
    format!("{number:#x}")
}

fn first_topic(receipt: &Value, contract: &Contract, event: &str) -> Result<u64> {
    let logs = receipt["logs"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let address = contract.address.to_lowercase();
    // Our events carry the new ID as first indexed value; a token's Transfer has three of them.
    let log = logs
        .iter()
        .rev()
        .find(|log| {
            log["address"]
                .as_str()
                .is_some_and(|a| a.to_lowercase() == address)
        })
        .with_context(|| format!("no {event} in {receipt}"))?;
    number(&log["topics"][1])
}

fn number(value: &Value) -> Result<u64> {
    let digits = value
        .as_str()
        .context("not a number")?
        .trim_start_matches("0x");
    let digits = digits.trim_start_matches('0');
    Ok(if digits.is_empty() {
        0
    } else {
        u64::from_str_radix(digits, 16)?
    })
}

/// A TCP port on loopback that nobody uses at this moment.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_over_a_restart_and_forks() -> Result<()> {
        let mut anvil = Anvil::start()?;
        let holder = anvil.account(5).to_owned();
        let parcel = anvil.mint(&holder, -3, 4)?;
        assert_eq!(parcel, (0x7ffd << 16) | 0x8004);
        let model = Published {
            name: "a tower".into(),
            info_hash: "11".repeat(20),
            content_hash: "22".repeat(32),
            size: 5,
            sources: "tr=x".into(),
        };
        assert_eq!(anvil.publish(&holder, &model)?, 1);
        assert_eq!(anvil.publish(&holder, &model)?, 2);
        assert_eq!(anvil.place(&holder, parcel, 2)?, 1);
        assert!(
            anvil.place(anvil.account(6), parcel, 2).is_err(),
            "a stranger may not place"
        );
        let height = anvil.height()?;
        let hash = anvil.block_hash(height)?;
        anvil.stop()?;
        anvil.start_again()?;
        assert_eq!(
            (anvil.height()?, anvil.block_hash(height)?),
            (height + 1, hash)
        );
        assert_eq!(anvil.place(&holder, parcel, 1)?, 2);
        anvil.mine(2)?;
        anvil.reorganise(3)?;
        assert_eq!(
            anvil.place(&holder, parcel, 1)?,
            2,
            "the fork undid the second placement"
        );
        Ok(())
    }
}

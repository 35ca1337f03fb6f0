//! The node against anvil: its roots are Ethereum's, its blocks are one chain, all it tells fits
//! together, and each lie changes what it says it does.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    consensus::Header,
    primitives::{Address, B256, Bytes, U64, U256, keccak256},
    rlp,
    rpc::types::{EIP1186AccountProofResponse, Header as RpcHeader},
    trie::{HashBuilder, Nibbles, TrieAccount, proof::verify_proof},
};
use anyhow::ensure;

use super::*;
use crate::{
    anvil::Anvil,
    http::Client,
    wait::{hold, wait_until},
};

/// Code that sets slot 5 to 7 and leaves a contract that writes its second argument into the slot
/// of its first.
const WRITER: &str = "0x600760055560086011600039\
                      60086000f36020356000355500";

/// A chain, a node before it, and both as endpoints.
struct Stage {
    node: Node,
    told: Upstream,
    plain: Upstream,
    anvil: Anvil,
    writer: Address,
}

impl Stage {
    fn new() -> Result<Self> {
        let anvil = Anvil::start()?;
        let plain = Upstream::new(&anvil.url());
        let node = Node::before(&anvil.url())?;
        let told = Upstream::new(&node.rpc_url());
        let writer = json!([{"from": anvil.account(3), "data": WRITER}]);
        let mut stage = Self {
            node,
            told,
            plain,
            anvil,
            writer: Address::ZERO,
        };
        let receipt = stage.send(&writer)?;
        stage.writer = serde_json::from_value(receipt["contractAddress"].clone())?;
        Ok(stage)
    }

    /// Sends a transaction through the node; gives its receipt.
    fn send(&self, transaction: &Value) -> Result<Value> {
        let hash: B256 = self.told.ask("eth_sendTransaction", transaction)?;
        wait_until("the receipt", Duration::from_secs(10), || {
            let receipt: Value = self.told.ask("eth_getTransactionReceipt", &json!([hash]))?;
            ensure!(receipt["status"] == "0x1", "{receipt}");
            Ok(receipt)
        })
    }

    fn write(&self, slot: u64, word: u64) -> Result<Value> {
        let data = Bytes::from(
            [U256::from(slot), U256::from(word)]
                .map(B256::from)
                .concat(),
        );
        let from = self.anvil.account(3);
        self.send(&json!([{"from": from, "to": self.writer, "data": data}]))
    }

    fn header(&self, block: &Value) -> Result<RpcHeader> {
        let method = match block.as_str() {
            Some(hash) if hash.len() == 66 => "eth_getBlockByHash",
            _ => "eth_getBlockByNumber",
        };
        self.told.ask(method, &json!([block, false]))
    }

    fn proof(&self, slots: &[u64], block: &Value) -> Result<EIP1186AccountProofResponse> {
        let slots: Vec<B256> = slots.iter().map(|&slot| U256::from(slot).into()).collect();
        self.told
            .ask("eth_getProof", &json!([self.writer, slots, block]))
    }
}

/// The storage root of these words, by another program.
fn root(words: &[(u64, u64)]) -> B256 {
    let leaves: BTreeMap<B256, u64> = words
        .iter()
        .map(|(slot, word)| (keccak256(B256::from(U256::from(*slot))), *word))
        .collect();
    let mut builder = HashBuilder::default();
    for (path, word) in leaves {
        builder.add_leaf(Nibbles::unpack(path), &rlp::encode(word));
    }
    builder.root()
}

/// Fails unless the account is in the state, and the words in the account.
fn check(proof: &EIP1186AccountProofResponse, state_root: B256) -> Result<()> {
    let account = TrieAccount::new(
        proof.nonce,
        proof.balance,
        proof.storage_hash,
        proof.code_hash,
    );
    let path = |key: &[u8]| Nibbles::unpack(keccak256(key));
    let address = path(proof.address.as_slice());
    verify_proof(
        state_root,
        address,
        Some(rlp::encode(account)),
        &proof.account_proof,
    )?;
    for word in &proof.storage_proof {
        let key = path(word.key.as_b256().as_slice());
        let value = (!word.value.is_zero()).then(|| rlp::encode(word.value));
        verify_proof(proof.storage_hash, key, value, &word.proof)?;
    }
    Ok(())
}

#[test]
fn a_word_that_became_zero_is_in_no_trie() -> Result<()> {
    let stage = Stage::new()?;
    let latest = json!("latest");
    let mut past = vec![(stage.header(&latest)?, vec![(5, 7)])];
    for (slot, word, words) in [
        (1, 1, vec![(1, 1), (5, 7)]),
        (2, 900, vec![(1, 1), (2, 900), (5, 7)]),
        (1, 0, vec![(2, 900), (5, 7)]),
        (3, 0, vec![(2, 900), (5, 7)]),
        (5, 0, vec![(2, 900)]),
        (2, 0, vec![]),
    ] {
        stage.write(slot, word)?;
        past.push((stage.header(&latest)?, words));
    }
    for (header, words) in past {
        for block in [
            json!(U64::from(header.number)),
            json!({"blockHash": header.hash}),
        ] {
            let proof = stage.proof(&[1, 2, 3, 5], &block)?;
            assert_eq!(proof.storage_hash, root(&words));
            check(&proof, header.state_root)?;
            let told: Vec<U256> = proof.storage_proof.iter().map(|word| word.value).collect();
            let word = |slot| words.iter().find(|(at, _)| *at == slot).map_or(0, |w| w.1);
            assert_eq!(told, [1, 2, 3, 5].map(word).map(U256::from));
        }
        assert_eq!(header.inner.hash_slow(), header.hash);
    }
    let params = json!([stage.writer, [], "latest"]);
    let anvils: EIP1186AccountProofResponse = stage.plain.ask("eth_getProof", &params)?;
    assert_ne!(
        anvils.storage_hash,
        root(&[]),
        "anvil needs no node any more"
    );
    // An account that is not there is proved to be absent.
    let nobody: EIP1186AccountProofResponse = stage.told.ask(
        "eth_getProof",
        &json!([Address::repeat_byte(0xee), [], "latest"]),
    )?;
    let state_root = stage.header(&latest)?.state_root;
    let path = Nibbles::unpack(keccak256(nobody.address));
    verify_proof(state_root, path, None, &nobody.account_proof)?;
    Ok(())
}

#[test]
fn the_chain_is_one_and_follows_anvils_forks() -> Result<()> {
    let stage = Stage::new()?;
    let owner = stage.anvil.account(5).to_owned();
    stage.anvil.mint(&owner, 1, 2)?;
    stage.anvil.mine(3)?;
    let receipt = stage.write(9, 9)?;
    let block = receipt["blockHash"].clone();
    let before = stage.header(&block)?;
    assert_eq!(stage.header(&json!("latest"))?, before);
    assert_eq!(
        stage.proof(&[9], &block)?.storage_hash,
        root(&[(5, 7), (9, 9)])
    );

    stage.anvil.reorganise(2)?;
    stage.anvil.mine(1)?;
    let gone: Value = stage
        .told
        .ask("eth_getBlockByHash", &json!([block, false]))?;
    assert_eq!(gone, Value::Null);
    assert!(stage.proof(&[9], &json!({"blockHash": block})).is_err());
    let latest = stage.header(&json!("latest"))?;
    assert_eq!(latest.number, before.number + 1);
    assert_eq!(
        stage.proof(&[9], &json!("latest"))?.storage_hash,
        root(&[(5, 7)])
    );

    let mut above = Header::default();
    for number in (0..=latest.number).rev() {
        let header = stage.header(&json!(format!("{number:#x}")))?;
        assert!(header.hash == above.parent_hash || number == latest.number);
        assert_eq!(header.inner.hash_slow(), header.hash);
        above = header.inner;
    }
    let minted: Vec<Value> = stage.told.ask(
        "eth_getLogs",
        &json!([{"fromBlock": "0x0", "toBlock": "latest"}]),
    )?;
    let last = minted.last().cloned().unwrap_or_default();
    let filter = json!([{"blockHash": last["blockHash"]}]);
    assert_eq!(
        stage.told.ask::<Value>("eth_getLogs", &filter)?,
        json!([last])
    );
    let whole: Value = stage
        .told
        .ask("eth_getBlockByHash", &json!([last["blockHash"], true]))?;
    let transaction = &whole["transactions"][0];
    assert_eq!(transaction["blockHash"], last["blockHash"]);
    assert_eq!(transaction["hash"], last["transactionHash"]);
    Ok(())
}

#[test]
fn batches_refusals_and_silence_are_passed_on() -> Result<()> {
    let mut stage = Stage::new()?;
    let numbers = [json!([]), json!([])];
    let twice: Vec<String> = stage.told.ask_each("eth_blockNumber", &numbers)?;
    assert_eq!(twice.len(), 2);
    assert_eq!(
        stage.told.ask::<String>("eth_chainId", &json!([]))?,
        "0x7a69"
    );
    let refused = stage.told.send("eth_nothing", &json!([]))?;
    assert!(refused["error"]["code"].is_i64(), "{refused}");
    stage.anvil.stop()?;
    assert!(stage.told.send("eth_blockNumber", &json!([])).is_err());
    stage.anvil.start_again()?;
    stage.write(4, 4)?;
    assert_eq!(
        stage.proof(&[4], &json!("latest"))?.storage_hash,
        root(&[(4, 4), (5, 7)])
    );
    Ok(())
}

#[test]
fn lies_are_what_they_say() -> Result<()> {
    let stage = Stage::new()?;
    let (owner, other) = (stage.anvil.account(5), stage.anvil.account(6));
    for x in 0..4 {
        stage.anvil.mint(owner, x, 0)?;
    }
    let latest = json!("latest");
    let height = stage.anvil.height()?;
    let logs = || -> Result<Vec<Value>> {
        let all = json!([{"fromBlock": "0x0", "toBlock": "latest"}]);
        stage.told.ask("eth_getLogs", &all)
    };
    let truth = (logs()?, stage.header(&latest)?);
    let minted = |logs: &[Value], to: &str| {
        let to = B256::left_padding_from(to.parse::<Address>().unwrap().as_slice());
        logs.iter()
            .filter(|log| log["topics"][2] == json!(to))
            .count()
    };
    assert_eq!((minted(&truth.0, owner), minted(&truth.0, other)), (4, 0));

    stage.node.lie(Lie::OmitLogsOf(height));
    assert_eq!(minted(&logs()?, owner), 3);
    stage.node.lie(Lie::OmitEveryLog(2));
    assert_eq!(minted(&logs()?, owner), 2);
    let contract = truth.0.last().unwrap()["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let owner_of_all = other.to_owned();
    stage.node.lie(Lie::FlipOwner {
        contract,
        owner: owner_of_all,
    });
    assert_eq!((minted(&logs()?, owner), minted(&logs()?, other)), (0, 4));

    stage.node.lie(Lie::OldHead(height - 1));
    assert_eq!(stage.header(&latest)?.number, height - 1);
    assert_eq!(minted(&logs()?, owner), 3);
    assert!(stage.header(&json!(truth.1.hash)).is_err());

    for lie in [Lie::WrongStorageRoot, Lie::WrongProofNode] {
        stage.node.lie(lie);
        assert!(check(&stage.proof(&[], &latest)?, truth.1.state_root).is_err());
    }
    stage.node.lie(Lie::ForgedBlock(height - 1));
    let (forged, parent) = (
        stage.header(&latest)?,
        stage.header(&json!(format!("{:#x}", height - 1)))?,
    );
    assert_eq!(
        (forged.inner.hash_slow(), forged.parent_hash),
        (forged.hash, parent.hash)
    );
    assert!(forged.hash != truth.1.hash && forged.state_root != truth.1.state_root);
    assert_eq!(logs()?.last().unwrap()["blockHash"], json!(forged.hash));

    stage.node.lie(Lie::WrongChainId(5));
    assert_eq!(stage.told.ask::<String>("eth_chainId", &json!([]))?, "0x5");
    stage.node.lie(Lie::NoProofs);
    let refused = stage
        .told
        .send("eth_getProof", &json!([owner, [], "latest"]))?;
    assert!(refused["error"].is_object(), "{refused}");

    let raw = || {
        let request = br#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;
        Client::new(stage.node.rpc_url()).send_raw("POST", "/", &[], Some(request.to_vec()))
    };
    let whole = raw()?.body;
    stage.node.lie(Lie::Truncated);
    assert_eq!(raw()?.body, whole[..whole.len() / 2]);
    stage.node.lie(Lie::Huge);
    assert_eq!(raw()?.body.len(), HUGE);
    stage.node.lie(Lie::Hang);
    std::thread::scope(|scope| {
        let asked = scope.spawn(raw);
        hold("no answer", Duration::from_millis(300), || {
            ensure!(!asked.is_finished(), "it was answered");
            Ok(())
        })?;
        stage.node.tell_the_truth();
        drop(asked.join());
        anyhow::Ok(())
    })?;
    assert_eq!((logs()?, stage.header(&latest)?), truth);
    Ok(())
}

//! The node's answers to JSON-RPC questions. What concerns blocks it answers itself, for its
//! blocks are not anvil's; the rest it passes on.

use alloy::primitives::{Address, B256, U64, U256};
use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{chain::Chain, lie::Lie, told::Told};

/// Times that the chain may fork while one question is answered.
const MAX_FORKS: u32 = 20;

/// An answer's `result`, or its `error`.
pub(super) type Answer = Result<Value, Value>;

/// Answers one question.
///
/// # Errors
/// anvil does not answer: then neither does the node.
pub(super) fn answer(
    chain: &mut Chain,
    lie: Option<&Lie>,
    method: &str,
    params: &Value,
) -> Result<Answer> {
    if let Some(refusal) = lie.and_then(|lie| lie.refusal(method)) {
        return Ok(Err(refusal));
    }
    let mut answer = match method {
        "eth_blockNumber" => {
            chain.follow()?;
            Ok(json!(U64::from(Told::new(chain, lie).head())))
        }
        "eth_getBlockByNumber" | "eth_getBlockByHash" => block(chain, lie, params)?,
        "eth_getLogs" => logs(chain, lie, &params[0])?,
        "eth_getProof" => proof(chain, lie, params)?,
        _ => passed_on(chain, lie, method, params)?,
    };
    if let (Some(lie), Ok(answer)) = (lie, &mut answer) {
        lie.distort(method, answer);
    }
    Ok(answer)
}

fn block(chain: &mut Chain, lie: Option<&Lie>, params: &Value) -> Result<Answer> {
    chain.follow()?;
    let told = Told::new(chain, lie);
    let block = told.height(&params[0]).and_then(|at| told.block(at));
    let Some(block) = block else {
        return Ok(Ok(Value::Null));
    };
    let mut answer = if params[1] == true {
        let params = json!([block.anvils_hash, true]);
        chain.upstream().ask("eth_getBlockByHash", &params)?
    } else {
        block.answer.clone()
    };
    told.correct(&mut answer);
    Ok(Ok(answer))
}

fn logs(chain: &mut Chain, lie: Option<&Lie>, filter: &Value) -> Result<Answer> {
    for _ in 0..MAX_FORKS {
        chain.follow()?;
        let told = Told::new(chain, lie);
        let mut filter = filter.clone();
        if let Some(hash) = filter.get_mut("blockHash") {
            let block = told.height(hash).and_then(|at| told.block(at));
            let Some(block) = block else {
                return Ok(Err(refusal(-32000, "unknown block")));
            };
            *hash = json!(block.anvils_hash);
        } else {
            let height = |name: &str| match filter.get(name) {
                None | Some(Value::Null) => Some(told.head()),
                Some(block) => told.height(block),
            };
            let (Some(first), Some(last)) = (height("fromBlock"), height("toBlock")) else {
                return Ok(Err(refusal(-32602, "no such range of blocks")));
            };
            // As nodes do, without a word about the blocks that they do not have.
            let last = last.min(told.head());
            if first > last {
                return Ok(Ok(json!([])));
            }
            filter["fromBlock"] = json!(U64::from(first));
            filter["toBlock"] = json!(U64::from(last));
        }
        let answer = chain.upstream().send("eth_getLogs", &json!([filter]))?;
        if told.covers(&answer["result"]) {
            return Ok(corrected(&told, answer));
        }
    }
    bail!("the chain forks faster than its logs can be read")
}

fn proof(chain: &mut Chain, lie: Option<&Lie>, params: &Value) -> Result<Answer> {
    chain.follow()?;
    let told = Told::new(chain, lie);
    let address: Option<Address> = serde_json::from_value(params[0].clone()).ok();
    let slots: Option<Vec<U256>> = serde_json::from_value(params[1].clone()).ok();
    let (Some(address), Some(slots)) = (address, slots) else {
        return Ok(Err(refusal(-32602, "not an address with a list of slots")));
    };
    let block = told.height(&params[2]).and_then(|at| told.block(at));
    let Some(block) = block else {
        return Ok(Err(refusal(-32000, "unknown block")));
    };
    let slots: Vec<B256> = slots.into_iter().map(B256::from).collect();
    Ok(Ok(json!(block.state.prove(address, &slots))))
}

fn passed_on(chain: &mut Chain, lie: Option<&Lie>, method: &str, params: &Value) -> Result<Answer> {
    let mut params = params.clone();
    Told::new(chain, lie).ask_of_anvil(&mut params);
    let answer = chain.upstream().send(method, &params)?;
    if !Told::new(chain, lie).covers(&answer["result"]) {
        chain.follow()?;
    }
    Ok(corrected(&Told::new(chain, lie), answer))
}

fn corrected(told: &Told<'_>, mut answer: Value) -> Answer {
    if let Some(error) = answer.get_mut("error") {
        return Err(error.take());
    }
    let mut result = answer["result"].take();
    told.correct(&mut result);
    Ok(result)
}

fn refusal(code: i64, message: &str) -> Value {
    json!({"code": code, "message": message})
}

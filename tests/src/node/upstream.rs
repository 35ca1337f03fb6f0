//! The chain behind the node, asked by JSON-RPC. What it refuses and what it does not answer are
//! two things: a refusal is passed on, a silence too.

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::Client;

/// Questions in one batch.
const BATCH: usize = 100;

/// A JSON-RPC endpoint.
pub(super) struct Upstream {
    client: Client,
}

impl Upstream {
    pub(super) fn new(url: &str) -> Self {
        Self {
            client: Client::new(url),
        }
    }

    /// Its whole answer, with a `result` or an `error`.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn send(&self, method: &str, params: &Value) -> Result<Value> {
        self.client.post("", &request(method, params))?.json()
    }

    /// Its answer, which must be no refusal.
    ///
    /// # Errors
    /// It does not answer, refuses, or answers something of another shape.
    pub(super) fn ask<T: DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T> {
        result(method, self.send(method, params)?)
    }

    /// Asks the same with many parameters; the answers are in their order.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) fn ask_each<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[Value],
    ) -> Result<Vec<T>> {
        let mut results = Vec::with_capacity(params.len());
        for chunk in params.chunks(BATCH) {
            let requests = chunk.iter().map(|params| request(method, params));
            let batch = Value::Array(requests.collect());
            let answers: Vec<Value> = self.client.post("", &batch)?.json()?;
            ensure!(
                answers.len() == chunk.len(),
                "{method}: answers are missing"
            );
            for answer in answers {
                results.push(result(method, answer)?);
            }
        }
        Ok(results)
    }
}

fn request(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn result<T: DeserializeOwned>(method: &str, mut answer: Value) -> Result<T> {
    ensure!(
        answer.get("error").is_none(),
        "{method}: {}",
        answer["error"]
    );
    serde_json::from_value(answer["result"].take()).with_context(|| method.to_owned())
}

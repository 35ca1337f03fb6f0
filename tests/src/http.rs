//! A small JSON-over-HTTP client that keeps cookies: how the tests speak to a box, a chain node
//! and other programs' remote controls. An answer of any status is an answer, not an error.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent, AsSendBody, Body,
    http::{Request, Response},
};

/// The most that any answer may hold.
const LIMIT: u64 = 256 << 20;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    limit: Duration,
}

/// What a server said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `content-type`, empty if there was none.
    pub content_type: String,
    /// The body as it came.
    pub body: Vec<u8>,
    asked: String,
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: impl Into<String>) -> Self {
        Self::waiting(base, Duration::from_secs(30))
    }

    /// The same of a slow one, with so much time for each request.
    pub fn waiting(base: impl Into<String>, limit: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // A server may end a connection on which it has refused a body unread, and does so when the
            // next request is already under way.
            .max_idle_connections(0)
            .build();
        Self {
            agent: agent.into(),
            base: base.into(),
            limit,
        }
    }

    /// The same, with its cookies, and other time for each request.
    pub fn within(&self, limit: Duration) -> Self {
        Self {
            limit,
            ..self.clone()
        }
    }

    /// Where its server is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request with a JSON body, if there is one, and further headers.
    ///
    /// # Errors
    /// The server could not be spoken to.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer> {
        let text = body.map(Value::to_string);
        let mut headers = headers.to_vec();
        if text.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.send_raw(method, path, &headers, text.map(String::into_bytes))
    }

    /// Sends a request with any body.
    ///
    /// # Errors
    /// The server could not be spoken to.
    pub fn send_raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer> {
        let asked = format!("{method} {}{path}", self.base);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.run(request.body(body)?),
            None => self.run(request.body(())?),
        };
        let mut answer = answer.with_context(|| asked.clone())?;
        let content_type = answer
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = answer.body_mut().with_config().limit(LIMIT).read_to_vec()?;
        Ok(Answer {
            status: answer.status().as_u16(),
            content_type,
            body,
            asked,
        })
    }

    fn run(&self, request: Request<impl AsSendBody>) -> Result<Response<Body>, ureq::Error> {
        let configured = self.agent.configure_request(request);
        let limited = configured.timeout_global(Some(self.limit)).build();
        self.agent.run(limited)
    }

    /// `GET`, of which anything but a 2xx is an error.
    ///
    /// # Errors
    /// Not spoken to, not 2xx, or not of the shape `T`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send("GET", path, &[], None)?.expect_success()?.json()
    }

    /// `POST`, of which anything but a 2xx is an error.
    ///
    /// # Errors
    /// Not spoken to or not 2xx.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send("POST", path, &[], Some(body))?.expect_success()
    }
}

impl Answer {
    /// The body as JSON of the shape `T`.
    ///
    /// # Errors
    /// It is not.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} answered {}: {}", self.asked, self.status, self.text()))
    }

    /// The body as text, cut to 2,000 characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(2000)
            .collect()
    }

    /// Itself, if its status is 2xx.
    ///
    /// # Errors
    /// It is not; the body is in the error.
    pub fn expect_success(self) -> Result<Self> {
        if !(200..300).contains(&self.status) {
            bail!("{} answered {}: {}", self.asked, self.status, self.text());
        }
        Ok(self)
    }
}

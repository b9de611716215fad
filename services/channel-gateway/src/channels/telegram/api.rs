//! Calls of Telegram's Bot API (<https://core.telegram.org/bots/api#making-requests>), told apart by how far they got.

use std::{sync::Arc, time::Duration};

use argentum_service::sealing::SecretBytes;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::channels::{Secrets, standing::Standing};

/// Largest answer that is read: a hundred updates with all that they quote are far below.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Longest reason of Telegram that is repeated.
const REASON_CHARS_MAX: usize = 200;

/// The Bot API as one bot.
pub(super) struct Api {
    client: Client,
    url: String,
    secrets: Arc<dyn Secrets>,
    /// Name of the token in the vault.
    secret: String,
    standing: Standing,
}

/// How a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    #[error("nothing left this machine: {0}")]
    NeverLeft(String),
    #[error("no usable answer came: {0}")]
    NoAnswer(String),
    #[error("Telegram refused with {code}: {reason}")]
    Refused { code: u16, reason: String, retry_after: Option<Duration>, migrated_to: Option<i64> },
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    /// As it came: one piece of it that is no proper JSON makes the rest none the worse.
    result: Option<Box<RawValue>>,
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    /// Seconds.
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

// === impl CallError ===

impl CallError {
    /// Whether Telegram does not know the token: 401, and 404 for one that cannot be one.
    pub(super) fn is_token_fault(&self) -> bool {
        matches!(self, CallError::Refused { code: 401 | 404, .. })
    }
}

// === impl Api ===

impl Api {
    pub(super) fn new(client: Client, url: &str, (secrets, secret): (Arc<dyn Secrets>, &str), standing: Standing) -> Self {
        Self { client, url: url.to_owned(), secrets, secret: secret.to_owned(), standing }
    }

    /// Calls a method, and waits so long for its answer.
    pub(super) async fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        parameters: &(impl Serialize + Sync),
        timeout: Duration,
    ) -> Result<R, CallError> {
        let token = self.token().await?;
        let request = self.request(&token, method)?.json(parameters);
        let answered = tokio::time::timeout(timeout, answer(request)).await;
        // What was in time to connect and no more may have been written.
        let (status, body) = answered.unwrap_or_else(|_| Err(CallError::NoAnswer(format!("silent for {timeout:?}"))))?;
        let answer = understood(status, &body);
        self.note_login(&token, &answer);
        answer
    }

    async fn token(&self) -> Result<Arc<SecretBytes>, CallError> {
        let token = self.secrets.secret(&self.secret).await;
        token.map_err(|fault| CallError::NeverLeft(format!("the token cannot be had: {fault}")))
    }

    /// A token that Telegram does not know is asked for anew, so that one that was put right is used.
    fn note_login<R>(&self, token: &Arc<SecretBytes>, answer: &Result<R, CallError>) {
        match answer {
            Err(error) if error.is_token_fault() => {
                self.secrets.refused(&self.secret, token);
                self.standing.note_login(true);
            }
            Ok(_) | Err(CallError::Refused { .. }) => self.standing.note_login(false),
            Err(_) => {}
        }
    }

    fn request(&self, token: &SecretBytes, method: &str) -> Result<RequestBuilder, CallError> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-');
        let token =
            str::from_utf8(token.expose()).ok().map(str::trim).filter(|token| !token.is_empty() && token.as_bytes().iter().all(is_plain));
        let token = token.ok_or_else(|| CallError::NeverLeft(format!("`{}` in the vault is no token of a bot", self.secret)))?;
        let url = Zeroizing::new(format!("{}/bot{token}/{method}", self.url));
        Ok(self.client.post(url.as_str()))
    }
}

/// Status and body.
async fn answer(request: RequestBuilder) -> Result<(u16, Vec<u8>), CallError> {
    let mut response = request.send().await.map_err(|error| broken(&error))?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if BODY_BYTES_MAX < body.len() + chunk.len() {
            return Err(CallError::NoAnswer("the answer is larger than 32 MiB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status().as_u16(), body))
}

fn understood<R: DeserializeOwned>(status: u16, body: &[u8]) -> Result<R, CallError> {
    let no_answer = |reason: &str| CallError::NoAnswer(format!("{reason} (status {status})"));
    let body = String::from_utf8_lossy(body);
    // What stands between, such as a gateway that is down, answers in its own way: that says nothing about the call.
    let envelope: Envelope = serde_json::from_str(&body).map_err(|_| no_answer("not an answer of the Bot API"))?;
    if envelope.ok {
        let result = envelope.result.ok_or_else(|| no_answer("an answer without a result"))?;
        return serde_json::from_str(result.get()).map_err(|error| no_answer(&format!("a result that is not understood: {error}")));
    }
    match envelope.error_code.unwrap_or(status) {
        408 | 500.. => Err(no_answer(&shortened(&envelope.description))),
        code => Err(CallError::Refused {
            code,
            reason: shortened(&envelope.description),
            retry_after: envelope.parameters.retry_after.map(Duration::from_secs),
            migrated_to: envelope.parameters.migrate_to_chat_id,
        }),
    }
}

/// What broke, without the address: the token stands in it. Only where no connection came about nothing has left this machine.
fn broken(error: &reqwest::Error) -> CallError {
    let mut causes: Vec<String> = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let never_left = error.is_connect() || error.is_builder();
    let reason = causes.join(": ");
    if never_left { CallError::NeverLeft(reason) } else { CallError::NoAnswer(reason) }
}

fn shortened(reason: &str) -> String {
    reason.chars().filter(|sign| !sign.is_control()).take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use argentum_service::outgoing::http_client;

    use serde_json::Value;

    use super::*;
    use crate::channels::{Fetching, standing};

    #[test]
    fn a_refusal_tells_what_to_wait_for() {
        let body = br#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}"#;
        let refused = understood::<Value>(429, body).unwrap_err();
        assert!(matches!(refused, CallError::Refused { code: 429, retry_after: Some(wait), .. } if wait == Duration::from_secs(3)));
    }

    struct Token;

    impl Secrets for Token {
        fn secret<'a>(&'a self, _: &'a str) -> Fetching<'a> {
            Box::pin(async { Ok(Arc::new(SecretBytes::new(b"7:canary".to_vec()))) })
        }
    }

    #[tokio::test]
    async fn a_call_that_finds_nobody_never_left_and_tells_no_token() {
        // A port that was free a moment ago.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = http_client(None, None).unwrap();
        let api = Api::new(client, &format!("http://{address}"), (Arc::new(Token), "channel/home"), standing::of_nobody());
        let error = api.call::<Value>("getMe", &serde_json::json!({}), Duration::from_secs(10)).await.unwrap_err();
        assert!(matches!(error, CallError::NeverLeft(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }

    #[test]
    fn an_answer_of_somebody_in_between_says_nothing() {
        for (status, body) in
            [(502, "<html>"), (200, "{}"), (500, r#"{"ok":false,"error_code":500,"description":"Internal"}"#), (404, "gone")]
        {
            assert!(matches!(understood::<Value>(status, body.as_bytes()), Err(CallError::NoAnswer(_))), "{status} {body}");
        }
    }
}

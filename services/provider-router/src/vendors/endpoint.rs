//! One provider's address and how it is spoken to.

use std::time::SystemTime;

use argentum_service::outgoing::OutgoingError;
use futures::{StreamExt, stream};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};

use super::{CallFailure, ChatRequest, ChatStream, ModelPage, anthropic, failure, http, openai, reading::events};
use crate::{
    config::{Kind, Provider},
    core::FailureClass,
};

/// Pages of models that are asked for. A vendor with more offers too much to choose from.
const PAGES_MAX: usize = 20;

/// A provider that can be asked.
pub(crate) struct Endpoint {
    provider: Provider,
    client: Client,
}

// === impl Endpoint ===

impl Endpoint {
    pub(crate) fn new(provider: &Provider) -> Result<Self, OutgoingError> {
        Ok(Self { provider: provider.clone(), client: http::client(provider)? })
    }

    /// Asks; resolves with the head of the answer. Dropping the stream closes the connection.
    pub(crate) async fn stream(&self, key: Option<&[u8]>, request: &ChatRequest) -> Result<ChatStream, CallFailure> {
        let response = self.answer(self.question(key, request)?).await.map_err(|failure| failure.without(key))?;
        let idle_timeout = self.provider.idle_timeout;
        if is_event_stream(&response) {
            let bytes = http::body(response, idle_timeout);
            return Ok(match self.provider.kind {
                Kind::OpenAi => events(bytes, openai::Reader::default()),
                Kind::Anthropic => events(bytes, anthropic::Reader::default()),
            });
        }
        // A server that does not stream: the whole answer at once, or something else altogether.
        let content_type = content_type(&response).to_owned();
        let body = http::whole_body(response, idle_timeout).await?;
        let whole = match self.provider.kind {
            Kind::OpenAi => openai::whole(&body, &content_type),
            Kind::Anthropic => anthropic::whole(&body, &content_type),
        };
        let events = whole.map_err(|failure| failure.without(key))?;
        Ok(stream::iter(events.into_iter().map(Ok)).boxed())
    }

    /// The models that it offers.
    pub(crate) async fn models(&self, key: Option<&[u8]>) -> Result<Vec<String>, CallFailure> {
        let (mut names, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = self.model_page(key, after.as_deref()).await.map_err(|failure| failure.without(key))?;
            names.extend(page.names);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(names)
    }

    async fn model_page(&self, key: Option<&[u8]>, after: Option<&str>) -> Result<ModelPage, CallFailure> {
        let base_url = self.provider.base_url();
        let request = match self.provider.kind {
            Kind::OpenAi => openai::authorize(self.client.get(format!("{base_url}/models")), key)?,
            Kind::Anthropic => anthropic::authorize(self.client.get(anthropic_models(base_url, after)?), key)?,
        };
        let response = self.answer(request).await?;
        let body = http::whole_body(response, self.provider.idle_timeout).await?;
        match self.provider.kind {
            Kind::OpenAi => openai::models(&body).map(|names| ModelPage { names, next: None }),
            Kind::Anthropic => anthropic::models(&body),
        }
    }

    fn question(&self, key: Option<&[u8]>, request: &ChatRequest) -> Result<RequestBuilder, CallFailure> {
        let base_url = self.provider.base_url();
        match self.provider.kind {
            Kind::OpenAi => {
                let builder = self.client.post(format!("{base_url}/chat/completions"));
                Ok(openai::authorize(builder, key)?.json(&openai::body(request)))
            }
            Kind::Anthropic => {
                let builder = self.client.post(anthropic::address(base_url, "messages"));
                Ok(anthropic::authorize(builder, key)?.json(&anthropic::body(request)?))
            }
        }
    }

    /// The answer, if its status is one.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, CallFailure> {
        let response = http::send(request, &self.provider).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let text = format!("the server sends us elsewhere ({status}); set `base_url` to where it really is");
            return Err(CallFailure::new(FailureClass::InvalidRequest, false, text));
        }
        let wait = failure::wait(response.headers(), SystemTime::now());
        // What cannot be read says nothing: the status does.
        let body = http::whole_body(response, self.provider.idle_timeout).await.unwrap_or_default();
        Err(self.refusal(status, &body).after(wait))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> CallFailure {
        match self.provider.kind {
            Kind::OpenAi => openai::refusal(status, body),
            Kind::Anthropic => anthropic::refusal(status, body),
        }
    }
}

/// Where the models after `after` are listed.
fn anthropic_models(base_url: &str, after: Option<&str>) -> Result<Url, CallFailure> {
    let odd = |_| CallFailure::new(FailureClass::InvalidRequest, false, "`base_url` is no address");
    let mut url = Url::parse(&anthropic::address(base_url, "models")).map_err(odd)?;
    url.query_pairs_mut().append_pair("limit", "1000").extend_pairs(after.map(|after| ("after_id", after)));
    Ok(url)
}

fn header_of(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

fn content_type(response: &Response) -> &str {
    header_of(response, header::CONTENT_TYPE).unwrap_or_default()
}

fn is_event_stream(response: &Response) -> bool {
    content_type(response).starts_with("text/event-stream")
}

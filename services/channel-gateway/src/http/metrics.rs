//! `/metrics`: what the processes counted, for Prometheus.
//!
//! Whoever reaches it from this machine may read it: it holds no text, name or secret. Where the server is reached from beyond, by
//! `http.public_url`, a key of the API is asked for, since behind a proxy everybody comes from this machine.

use argentum_bus::Caller;
use argentum_proto::control::v1::ReadMetricsRequest;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Shared, api, error::ApiError};

/// Content type of the format (Prometheus, "Exposition formats").
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn read(State(shared): State<Shared>) -> Result<Response, ApiError> {
    let bus = &shared.process_bus;
    let metrics = bus.request(&Caller(bus.credential()), &ReadMetricsRequest {}).await?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], metrics.text).into_response())
}

/// Lets in whoever may read.
pub(super) async fn admit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if shared.public_url.is_none() || api::is_admitted(&shared, request.headers()) {
        return next.run(request).await;
    }
    let text = "this server is reached from beyond its machine, hence a key is needed: `argentum key create NAME`, sent as a bearer token";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response()
}

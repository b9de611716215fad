//! The models that can answer, for the page's picker.

use argentum_bus::{Caller, Fault};
use argentum_proto::provider::v1::ListModelsRequest;
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Shared, error::ApiError, view};

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "models": listed(&shared).await? })))
}

/// What the router offers at this moment: servers of models come and go.
pub(crate) async fn listed(shared: &Shared) -> Result<Vec<view::Model>, Fault> {
    let bus = &shared.process_bus;
    let answer = bus.request(&Caller(bus.credential()), &ListModelsRequest {}).await?;
    Ok(answer.models.into_iter().map(view::Model::from).collect())
}

//! `/v1/models`: what can be asked.

use argentum_bus::Caller;
use argentum_proto::provider::v1::{ListModelsRequest, Model};
use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{super::Shared, error::ApiFault};

/// All models.
pub(super) async fn list(State(shared): State<Shared>) -> Result<Json<Value>, ApiFault> {
    let models: Vec<Value> = ask(&shared).await?.iter().map(object).collect();
    Ok(Json(json!({ "object": "list", "data": models })))
}

/// One of them.
pub(super) async fn get(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Json<Value>, ApiFault> {
    let models = ask(&shared).await?;
    models.iter().find(|model| model.name == name).map(|model| Json(object(model))).ok_or_else(|| ApiFault::no_model(&name))
}

async fn ask(shared: &Shared) -> Result<Vec<Model>, ApiFault> {
    let bus = &shared.process_bus;
    Ok(bus.request(&Caller(bus.credential()), &ListModelsRequest {}).await?.models)
}

/// Nobody knows when a vendor made its model, so `created` is 0.
fn object(model: &Model) -> Value {
    json!({ "id": model.name, "object": "model", "created": 0, "owned_by": model.provider })
}

//! `argentum model`: what can answer, and what answers where nobody chose.

use argentum_proto::{
    control::v1::operator_request::Request,
    provider::v1::{ListModelsRequest, Model},
};
use argentum_service::{Exit, Failure};
use serde_json::json;

use super::{
    control::{self, answer},
    reload,
};
use crate::{
    arguments::{Global, ModelVerb},
    editing::Editing,
    output,
};

pub(crate) async fn run(global: &Global, verb: ModelVerb) -> Result<(), Failure> {
    match verb {
        ModelVerb::List => list(global).await,
        ModelVerb::Use { name } => choose(global, &name).await,
    }
}

/// What the router offers now.
async fn models(global: &Global) -> Result<Vec<Model>, Failure> {
    let request = Request::ListModels(ListModelsRequest::default());
    Ok(control::ask(&global.data_dir()?, request, answer!(ListModels)).await?.models)
}

async fn list(global: &Global) -> Result<(), Failure> {
    let models = models(global).await?;
    if global.json {
        let of = |model: &Model| json!({ "name": model.name, "provider": model.provider, "default": model.is_default });
        output::print_json(&json!({ "models": models.iter().map(of).collect::<Vec<_>>() }));
        return Ok(());
    }
    for model in models {
        output::print(&format!("{}{}", model.name, if model.is_default { "  (default)" } else { "" }));
    }
    Ok(())
}

async fn choose(global: &Global, name: &str) -> Result<(), Failure> {
    if !models(global).await?.iter().any(|model| model.name == name) {
        return Err(Failure::new(Exit::Usage, format!("there is no model `{name}` now; `argentum model list` tells what there is")));
    }
    let mut editing = Editing::begin(global)?;
    editing.table(&["provider_router"])?.insert("default_model", toml_edit::value(name));
    editing.save()?;
    reload::apply(global).await?;
    if global.json {
        output::print_json(&json!({ "default": name }));
    } else {
        output::print(&format!("{name} answers from now on, wherever nobody chose another"));
    }
    Ok(())
}

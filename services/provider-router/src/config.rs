//! The provider-router's part of `argentum.toml`.

use argentum_service::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Table `provider_router`. It has no keys yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

impl Section for Config {}

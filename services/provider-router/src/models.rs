//! The models that can answer.

use argentum_proto::provider::v1::Model;

/// The provider that is always there and says honestly that no other is.
const OFFLINE: &str = "offline";

/// All models, the default one first.
pub(crate) fn list() -> Vec<Model> {
    vec![Model { name: format!("{OFFLINE}/{OFFLINE}"), provider: OFFLINE.to_owned(), is_default: true }]
}

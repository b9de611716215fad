//! Values of the configuration language, each with its place.

use super::fault::Position;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) value: Value,
    pub(crate) position: Position,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    /// Size suffixes are multiplied out: `8MB` is 8,388,608.
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Located>),
    Map(Map),
}

/// Keys in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) entries: Vec<Entry>,
    pub(crate) position: Position,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_position: Position,
    pub(crate) value: Located,
}

// === impl Value ===

impl Value {
    /// The kind in words, for faults.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
        }
    }
}

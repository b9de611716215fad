//! The actors of memory.

pub(crate) mod recall;
pub(crate) mod records;

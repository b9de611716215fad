//! What is wrong with a configuration, and where.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::sync::Arc;

/// A place in a file; lines and columns start at 1.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) file: Arc<Path>,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One fault.
#[derive(Debug)]
pub(crate) struct Fault {
    position: Position,
    text: String,
    /// What to do about it, where that is not obvious.
    remedy: &'static str,
}

/// All faults of a configuration; never empty.
#[derive(Debug)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

// === impl Fault ===

impl Fault {
    pub(crate) fn new(position: &Position, text: impl Into<String>) -> Self {
        Self { position: position.clone(), text: text.into(), remedy: "" }
    }

    pub(crate) fn with_remedy(position: &Position, text: impl Into<String>, remedy: &'static str) -> Self {
        Self { position: position.clone(), text: text.into(), remedy }
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Position { file, line, column } = &self.position;
        write!(formatter, "{}:{line}:{column}: {}", file.display(), self.text)?;
        if !self.remedy.is_empty() {
            write!(formatter, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

// === impl Faults ===

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl Display for Faults {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if 0 < number {
                writeln!(formatter)?;
            }
            write!(formatter, "{fault}")?;
        }
        Ok(())
    }
}

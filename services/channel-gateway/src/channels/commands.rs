//! How commands are written on an account: what its people are told names them so.

use super::pairing::Place;

/// What is told where there is nothing to forget behind the command.
pub(crate) const FORGET_WHAT: &str = "Write behind it words that stand in what I should forget, or the id that I told you.";

/// What stands before the name of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commands {
    private: String,
    /// With how we are addressed there, where that is needed.
    group: String,
}

// === impl Commands ===

impl Commands {
    pub(crate) fn new(private: impl Into<String>, group: impl Into<String>) -> Self {
        Self { private: private.into(), group: group.into() }
    }

    /// The command `name` as it is written in private.
    pub(crate) fn in_private(&self, name: &str) -> String {
        format!("{}{name}", self.private)
    }

    /// The command `name` as it is written in a group.
    pub(crate) fn in_group(&self, name: &str) -> String {
        format!("{}{name}", self.group)
    }

    /// The command `name` as it is written there.
    pub(crate) fn at(&self, place: &Place, name: &str) -> String {
        match place {
            Place::Private(_) => self.in_private(name),
            Place::Group { .. } => self.in_group(name),
        }
    }
}

/// What is told where there is nothing to remember behind `command`.
pub(crate) fn remember_what(command: &str) -> String {
    format!("Write behind it what I should remember, such as: {command} I like tea")
}

//! Every message on Argentum's wire.
//!
//! The schemas below `schema/` are the contract; this crate holds what `prost` makes of them, folder by folder, and the
//! few helpers that belong beside a generated type.

pub mod ids;

/// Messages in and out, between channel gateways and the router.
pub mod channel {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/argentum.channel.v1.rs"));
    }
}

/// How the orchestrator, its children and the operator speak.
pub mod control {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/argentum.control.v1.rs"));

        impl std::fmt::Debug for Identity {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.debug_struct("Identity").field("service", &self.service).finish_non_exhaustive()
            }
        }
    }
}

/// What is remembered, recalled and forgotten.
pub mod memory {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/argentum.memory.v1.rs"));
    }
}

/// Model vendors, routing, turns and their journal.
pub mod provider {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/argentum.provider.v1.rs"));
    }
}

/// Secrets: how they get into the vault and how they are borrowed from it.
pub mod vault {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/argentum.vault.v1.rs"));
    }
}

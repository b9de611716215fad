//! Where channels keep what must outlive the process: one store for all accounts of the gateway.

use std::{path::Path, sync::Arc};

use argentum_store::{Batch, DiskStore, Store, StoreError, StoreOptions};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Folder of the store in the data directory.
const FOLDER: &str = "gateway";
/// Written into the store, so that it is not taken for another one.
const MAGIC: &str = "argentum-gateway";

/// The store of the gateway. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shelf {
    store: Arc<dyn Store>,
    /// Cancelled when the store takes nothing more: then the process must end and open it anew.
    broken: CancellationToken,
}

// === impl Shelf ===

impl Shelf {
    /// Whether there is one; blocks on the disk.
    pub(crate) fn is_in(data_dir: &Path) -> bool {
        data_dir.join(FOLDER).exists()
    }

    /// Opens the store; blocks on the disk.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Ok(Self::over(Arc::new(DiskStore::open(&data_dir.join(FOLDER), &StoreOptions::new(MAGIC))?)))
    }

    pub(crate) fn over(store: Arc<dyn Store>) -> Self {
        Self { store, broken: CancellationToken::new() }
    }

    /// For reads, which block on the disk.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Resolves when the store takes nothing more.
    pub(crate) fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    /// Keeps; when this returns, it is on disk.
    pub(crate) async fn keep(&self, batch: Batch) -> Result<(), StoreError> {
        let kept = self.store.committed(batch).await;
        if let Err(error) = &kept
            && !matches!(error, StoreError::QueueFull)
        {
            error!(error = argentum_service::chain(error), "the gateway's store takes nothing more");
            self.broken.cancel();
        }
        kept
    }
}

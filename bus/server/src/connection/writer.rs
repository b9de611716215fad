//! The writing task: whatever gathered in the outbox goes out in one write.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::client::{Client, Ending};
use crate::outbox::{Batch, Taken};

/// How long the output that was queued before the end may take.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// A buffer up to this size is kept while the connection is quiet.
const IDLE_BYTES_MAX: usize = 4 * 1024;

/// Writes until the outbox is closed and empty, or the socket fails.
pub(crate) async fn write(mut output: impl AsyncWrite + Unpin, client: Arc<Client>, deadline: Duration) {
    let mut batch = Batch::default();
    loop {
        match client.outbox.take(&mut batch) {
            Taken::Batch => {
                if let Err(ending) = write_batch(&mut output, &mut batch, &client, deadline).await {
                    client.close(ending);
                    return;
                }
            }
            Taken::Empty => {
                if IDLE_BYTES_MAX < batch.tail.capacity() {
                    batch.tail = BytesMut::new();
                }
                client.outbox.shrink();
                client.outbox.woken().await;
            }
            Taken::Finished => break,
        }
    }
    let _ = timeout(LAST_WRITE, output.shutdown()).await;
}

async fn write_batch(output: &mut (impl AsyncWrite + Unpin), batch: &mut Batch, client: &Client, deadline: Duration) -> Result<(), Ending> {
    let bytes = batch.len();
    let mut writing = pin!(timeout(deadline, write_all(output, batch)));
    let written = tokio::select! {
        biased;
        written = &mut writing => written,
        // The end was decided while a write was stuck: a short while more, or none where the output is dropped.
        () = client.closing() => match client.ending() {
            Some(ending) if ending.drops_output() => return Err(ending),
            _ => match timeout(LAST_WRITE, writing).await {
                Ok(written) => written,
                Err(elapsed) => Err(elapsed),
            },
        },
    };
    match written {
        Ok(Ok(())) => client.outbox.written(bytes),
        Ok(Err(_)) => return Err(Ending::WriteFailed),
        Err(_) => return Err(Ending::SlowConsumerDeadline),
    }
    Ok(())
}

async fn write_all(output: &mut (impl AsyncWrite + Unpin), batch: &mut Batch) -> io::Result<()> {
    while let Some(chunk) = batch.chunks.pop_front() {
        output.write_all(&chunk).await?;
    }
    output.write_all(&batch.tail).await?;
    // TLS keeps the last record until it is told.
    output.flush().await
}

//! The life of one connection: greet, read and write until it ends, leave nothing behind.

mod reader;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::client::Client;
use crate::router::Router;
use crate::session::Session;
use reader::Reader;

/// After the last words the input is read on for this long: closing a socket with unread input would reset it and could lose those words.
const LINGER: Duration = Duration::from_millis(100);

/// Serves a registered connection to its end.
pub(crate) async fn serve(stream: TcpStream, router: Arc<Router>, client: Arc<Client>) {
    debug!(cid = client.id, address = %client.address, "client connection created");
    let (input, output) = stream.into_split();
    run(input, output, router, &client).await;
    client.set_gone();
}

async fn run<I, O>(mut input: I, output: O, router: Arc<Router>, client: &Arc<Client>)
where
    I: AsyncRead + Unpin,
    O: AsyncWrite + Unpin + Send + 'static,
{
    let Ok((nonce, seed)) = random() else { return router.unregister(client) };
    client.send(&router.info_line(client, router.options.auth_required.then_some(&nonce), false));
    let writer = router.tasks.spawn(writer::write(output, client.clone(), router.options.write_deadline));
    let session = Session::new(router.clone(), client.clone(), nonce, seed);
    let ending = Reader::new(&mut input, session).run().await;
    client.close(ending);
    let ending = client.ending().unwrap_or(ending);
    if ending.is_slow_consumer() {
        router.counters.slow_consumers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    router.unregister(client);
    // A writer that panicked has written all it could.
    let _ = writer.await;
    if ending.text().is_some() {
        let _ = timeout(LINGER, discard(&mut input)).await;
    }
}

async fn discard(input: &mut (impl AsyncRead + Unpin)) {
    let mut scrap = [0; 1024];
    while input.read(&mut scrap).await.is_ok_and(|count| 0 < count) {}
}

/// The nonce that a client signs, and a seed for spreading work.
fn random() -> Result<(String, u64), getrandom::Error> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes)?;
    let (nonce, seed) = bytes.split_at(16);
    let seed = seed.try_into().expect("24 bytes less 16 are 8");
    Ok((BASE64URL_NOPAD.encode(nonce), u64::from_ne_bytes(seed)))
}

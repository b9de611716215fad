//! The life of one connection: greet, read and write until it ends, leave nothing behind.

mod reader;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::client::Client;
use crate::router::Router;
use crate::session::Session;
use reader::Reader;

/// After the last words the input is read on for this long: closing a socket with unread input would reset it and could lose those words.
const LINGER: Duration = Duration::from_millis(100);

/// What only one connection has: the nonce that its client signs, a seed for spreading work, and whether INFO is out already.
struct Start {
    nonce: String,
    seed: u64,
    is_greeted: bool,
}

/// Serves a registered connection to its end.
pub(crate) async fn serve(stream: TcpStream, router: Arc<Router>, client: Arc<Client>) {
    debug!(cid = client.id, address = %client.address, "client connection created");
    if let Ok(start) = Start::new() {
        open(stream, &router, &client, start).await;
    }
    router.unregister(&client);
    client.set_gone();
}

/// Encrypts the connection where that is asked for, and runs it.
async fn open(mut stream: TcpStream, router: &Arc<Router>, client: &Arc<Client>, mut start: Start) {
    let Some(tls) = &router.options.tls else {
        let (input, output) = stream.into_split();
        return run(input, output, router, client, start).await;
    };
    let prepare = async {
        if !tls.comes_first(&stream).await {
            let greeting = start.greeting(router, client);
            timeout(tls.timeout, stream.write_all(greeting.as_bytes())).await.ok()?.ok()?;
            start.is_greeted = true;
        }
        tls.accept(stream).await
    };
    let encrypted = tokio::select! {
        encrypted = prepare => encrypted,
        () = client.closing() => return,
    };
    match encrypted {
        Some(stream) => {
            let (input, output) = tokio::io::split(stream);
            run(input, output, router, client, start).await;
        }
        None => warn!(cid = client.id, address = %client.address, "TLS handshake error"),
    }
}

async fn run<I, O>(mut input: I, output: O, router: &Arc<Router>, client: &Arc<Client>, start: Start)
where
    I: AsyncRead + Unpin,
    O: AsyncWrite + Unpin + Send + 'static,
{
    if !start.is_greeted {
        client.send(&start.greeting(router, client));
    }
    let writer = router.tasks.spawn(writer::write(output, client.clone(), router.options.write_deadline));
    let session = Session::new(router.clone(), client.clone(), start.nonce, start.seed);
    let ending = Reader::new(&mut input, session).run().await;
    client.close(ending);
    let ending = client.ending().unwrap_or(ending);
    if ending.is_slow_consumer() {
        router.counters.slow_consumers.fetch_add(1, Ordering::Relaxed);
    }
    // Before the last words are out: what is over for the client must be over here.
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

// === impl Start ===

impl Start {
    fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes)?;
        let (nonce, seed) = bytes.split_at(16);
        let seed = seed.try_into().expect("24 bytes less 16 are 8");
        Ok(Self { nonce: BASE64URL_NOPAD.encode(nonce), seed: u64::from_ne_bytes(seed), is_greeted: false })
    }

    fn greeting(&self, router: &Router, client: &Client) -> String {
        router.info_line(client, router.options.auth_required.then_some(&self.nonce), false)
    }
}

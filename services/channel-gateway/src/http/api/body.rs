//! The body of a request, which may be large and may never come.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures::StreamExt;

use super::error::ApiFault;

/// Largest body: with what the bus adds it fits into one of its messages.
pub(super) const BYTES_MAX: usize = 7 * 1024 * 1024 + 512 * 1024;
/// Time for a body to arrive.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reads a body. One that says that it is too large is not read at all, one that turns out to be no further.
pub(super) async fn read(body: Body) -> Result<Bytes, ApiFault> {
    let is_said_to_be_too_large = u64::try_from(BYTES_MAX).is_ok_and(|bytes_max| bytes_max < body.size_hint().lower());
    if is_said_to_be_too_large {
        return Err(ApiFault::too_large(BYTES_MAX));
    }
    tokio::time::timeout(DEADLINE, gather(body)).await.map_err(|_| ApiFault::too_slow())?
}

async fn gather(body: Body) -> Result<Bytes, ApiFault> {
    let mut pieces = body.into_data_stream();
    let mut gathered = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| ApiFault::unreadable("the body broke off"))?;
        if BYTES_MAX < gathered.len() + piece.len() {
            return Err(ApiFault::too_large(BYTES_MAX));
        }
        gathered.extend_from_slice(&piece);
    }
    Ok(gathered.into())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    fn in_pieces(pieces: usize) -> Body {
        Body::from_stream(stream::iter((0..pieces).map(|_| Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1024 * 1024])))))
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_whole() {
        let body = Body::from(vec![b'x'; BYTES_MAX]);
        assert_eq!(read(body).await.map(|bytes| bytes.len()), Ok(BYTES_MAX));
        assert_eq!(read(in_pieces(7)).await.map(|bytes| bytes.len()), Ok(7 * 1024 * 1024));
    }

    #[tokio::test]
    async fn a_body_that_is_or_turns_out_too_large_is_refused() {
        assert_eq!(read(Body::from(vec![b'x'; BYTES_MAX + 1])).await, Err(ApiFault::too_large(BYTES_MAX)));
        assert_eq!(read(in_pieces(9)).await, Err(ApiFault::too_large(BYTES_MAX)));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_read_to_the_limit_only() {
        let endless = stream::iter(std::iter::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 64 * 1024]))));
        assert_eq!(read(Body::from_stream(endless)).await, Err(ApiFault::too_large(BYTES_MAX)));
    }
}

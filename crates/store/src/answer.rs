//! A future of what the store's threads do, for callers on any runtime.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::channel::oneshot;

use crate::error::StoreError;

/// Resolves when the store has answered. Dropping it cancels nothing.
#[derive(Debug)]
pub struct Answer<T>(oneshot::Receiver<Result<T, StoreError>>);

pub(crate) type Teller<T> = oneshot::Sender<Result<T, StoreError>>;

// === impl Answer ===

impl<T> Answer<T> {
    pub(crate) fn new() -> (Teller<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A store that ended before it answered drops its side.
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(StoreError::Closed)))
    }
}

//! Makes the next segment on a thread of its own: zero-filling 16 MiB must not delay an answer.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use super::{
    disk::Disk,
    error::DiskError,
    segment::{Segment, SegmentHeader},
};

/// Makes one segment at a time. Dropping it waits for the one that is being made; an opening finds it unused.
pub(crate) struct Preparer<D: Disk> {
    orders: Option<SyncSender<SegmentHeader>>,
    made: Receiver<Result<Segment<D::File>, DiskError>>,
    is_busy: bool,
    thread: Option<JoinHandle<()>>,
}

// === impl Preparer ===

impl<D: Disk> Preparer<D> {
    pub(crate) fn start(disk: D) -> io::Result<Self> {
        let (orders, ordered) = sync_channel::<SegmentHeader>(1);
        let (makes, made) = sync_channel(1);
        let work =
            move || ordered.iter().map(|header| Segment::create(&disk, header)).try_for_each(|segment| makes.send(segment)).unwrap_or(());
        let thread = thread::Builder::new().name("journal-segment".to_owned()).spawn(work)?;
        Ok(Self { orders: Some(orders), made, is_busy: false, thread: Some(thread) })
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Orders a segment; there is none on order.
    pub(crate) fn order(&mut self, header: SegmentHeader) {
        self.is_busy = self.orders.as_ref().is_some_and(|orders| orders.send(header).is_ok());
    }

    /// The segment that was ordered, once it is made; waits for it only where asked to.
    pub(crate) fn collect(&mut self, waits: bool) -> Option<Result<Segment<D::File>, DiskError>> {
        if !self.is_busy {
            return None;
        }
        let made = if waits { self.made.recv().ok() } else { self.made.try_recv().ok() };
        self.is_busy = made.is_none() && !waits;
        made
    }
}

impl<D: Disk> Drop for Preparer<D> {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

//! Work that is begun now and waited for later.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A future that was begun when it was made, so that what is said first leaves first; waiting for
/// its end is another matter.
pub(super) enum Eager<T> {
    Ended(T),
    UnderWay(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Eager<T> {
    pub(super) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        let mut future: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(end) => Self::Ended(end),
            Poll::Pending => Self::UnderWay(future),
        }
    }
}

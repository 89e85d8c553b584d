//! Ending a connection from outside.

use tokio::task::AbortHandle;

use crate::splice::AbortSplice;

/// Handle that ends a connection, whatever serves it.
#[derive(Debug)]
pub(crate) enum Abort {
    /// Its own task.
    Task(AbortHandle),
    /// The thread that splices it.
    Splice(AbortSplice),
}

impl Abort {
    /// Ends the connection soon. Of no effect on one that is over.
    pub(crate) fn abort(&self) {
        match self {
            Self::Task(task) => task.abort(),
            Self::Splice(splice) => splice.abort(),
        }
    }
}

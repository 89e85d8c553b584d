//! Long work that an engine hands to its caller.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The result of a [`Computation`], for the engine that asked for it to downcast.
pub type Computed = Box<dyn Any + Send>;

/// A pure computation of more than a millisecond, such as deriving a key from a password.
///
/// An engine asks for it by [`crate::Event::Compute`] and gets the result as
/// [`crate::Input::Computed`]; its caller runs it where it keeps no other connection waiting.
#[derive(Clone)]
pub struct Computation(Arc<dyn Fn() -> Computed + Send + Sync>);

impl Computation {
    /// Wraps the work.
    pub fn new<T: Send + 'static>(work: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::new(work())))
    }

    /// Does the work, on the thread that calls this.
    pub fn run(&self) -> Computed {
        (self.0)()
    }
}

/// Says nothing of the work, which may hold a password.
impl fmt::Debug for Computation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Computation")
    }
}

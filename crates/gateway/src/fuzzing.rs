//! Entry points for the fuzz targets, which drive what is private here with any bytes at all.
//!
//! Each function panics where something that always holds does not.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::{ingress, tls};

/// Reads `bytes` as whatever a client may begin with: an opening of a proxy protocol, or a hello of
/// TLS. An opening is what it is however much of what follows has arrived.
pub fn begin(bytes: &[u8]) {
    let users = BTreeMap::from([("ann".to_owned(), "s:ecret".to_owned().into())]);
    for users in [users, BTreeMap::new()] {
        for (parser, length) in ingress::taken(bytes, &users).into_iter().enumerate() {
            let Some(length) = length else { continue };
            let opening = bytes.get(..length).expect("no more is taken than there is");
            let again = ingress::taken(opening, &users)[parser];
            assert_eq!(again, Some(length), "what follows an opening changes it");
        }
    }
    if tls::is_hello(bytes) {
        let mut hello = pin!(tls::host_of_hello(bytes));
        // Bytes in memory are never waited for.
        let heard = hello.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(heard, Poll::Ready(_)));
    }
}

//! Looking up names, with time-outs, a cache and a share for every client.
//!
//! The system's own function (`getaddrinfo`) takes a thread for each name, for as long as name
//! servers choose to be silent. Here a look-up takes a few sockets, ends in time, and waits for
//! other look-ups of the same client only.

mod cache;
mod system;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::HostPort;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData};
use tokio::time::timeout;

use crate::client_origin::ClientOrigin;
use crate::fair::FairSemaphore;
use cache::Cache;
use system::System;

/// Divisor for the share of one client in the names that are looked up at once.
const SHARE: usize = 8;
/// Longest time for looking up one name.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most records of one name that are kept.
const RECORDS: usize = 16;

/// Reason why a name does not resolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    /// Its name servers say so, or it is no legal name.
    #[error("there is no such name")]
    Unknown,
    /// The name servers do not answer, or answer nothing of use.
    #[error("no name server answers for it")]
    Silent,
    /// This machine knows none.
    #[error("this machine has no name server to ask: see the log")]
    Unconfigured,
}

/// Resolver of names, by this machine's name servers and its hosts file.
pub(crate) struct Dns {
    system: System,
    slots: FairSemaphore,
}

impl Dns {
    /// A resolver that follows the system's settings, also when they change, with so many
    /// `look_ups` at once.
    pub(crate) fn new(look_ups: usize) -> Self {
        Self::with(System::new(), look_ups)
    }

    /// The same where all look-ups are of one origin, which then needs no share.
    pub(crate) fn of_one(look_ups: usize) -> Self {
        Self { system: System::new(), slots: FairSemaphore::new(look_ups, look_ups) }
    }

    fn with(system: System, look_ups: usize) -> Self {
        Self { system, slots: FairSemaphore::new(look_ups, look_ups.div_ceil(SHARE)) }
    }

    /// The addresses of `host` for a client of `origin`, IPv4 first.
    pub(crate) async fn addresses(
        &self,
        origin: &ClientOrigin,
        host: &str,
    ) -> Result<Arc<[IpAddr]>, Unresolved> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok([ip].into());
        }
        let view = self.system.view().await;
        let name = name_of(host)?;
        if let Some(known) = view.in_hosts(&name) {
            return Ok(known);
        }
        self.ask(origin, &view.addresses, view.resolver.as_ref(), name, async |resolver, name| {
            let found = resolver.lookup_ip(name).await?;
            Ok((found.iter().take(RECORDS).collect(), found.valid_until()))
        })
        .await
    }

    /// The servers that offer `service` for `domain` (RFC 2782), for a client of `origin`. None
    /// where the domain has no such record, or says that it offers no such service.
    pub(crate) async fn servers(
        &self,
        origin: &ClientOrigin,
        service: &str,
        domain: &str,
    ) -> Result<Arc<[HostPort]>, Unresolved> {
        let view = self.system.view().await;
        let mut name = name_of(&format!("{service}.{domain}"))?;
        // A service is never looked for in the domains of this machine.
        name.set_fqdn(true);
        self.ask(origin, &view.servers, view.resolver.as_ref(), name, async |resolver, name| {
            let found = resolver.srv_lookup(name).await?;
            let servers = found.answers().iter().filter_map(|record| server(&record.data));
            Ok((servers.take(RECORDS).collect(), found.valid_until()))
        })
        .await
    }

    /// The answer of `cache` for `name`, or else that of `look_up`.
    async fn ask<T, F>(
        &self,
        origin: &ClientOrigin,
        cache: &Cache<T>,
        resolver: Option<&TokioResolver>,
        name: Name,
        look_up: impl FnOnce(TokioResolver, Name) -> F,
    ) -> Result<Arc<[T]>, Unresolved>
    where
        F: Future<Output = Result<(Vec<T>, Instant), NetError>>,
    {
        let key = name.to_lowercase().to_ascii();
        if let Some(known) = cache.get(&key) {
            return known;
        }
        let resolver = resolver.ok_or(Unresolved::Unconfigured)?;
        // A share for each client: names whose servers are silent hold up those who ask for them,
        // and nobody else.
        let _slot = self.slots.acquire(origin).await;
        // Somebody may have asked the same while this waited for its turn.
        if let Some(known) = cache.get(&key) {
            return known;
        }
        let asked = timeout(PATIENCE, look_up(resolver.clone(), name)).await;
        let now = Instant::now();
        let (found, until) = match asked {
            Ok(Ok((found, until))) if !found.is_empty() => (Ok(found.into()), until),
            Ok(Ok((_, until))) => (Err(Unresolved::Unknown), until),
            Ok(Err(error)) => {
                let (why, ttl) = reason(&error);
                (Err(why), now + ttl)
            }
            Err(_) => (Err(Unresolved::Silent), now),
        };
        cache.put(key, found.clone(), until);
        found
    }
}

/// Whether two host names are the same in the DNS: upper and lower case, a dot at the end and the
/// spelling of international names make no difference.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|host| {
        let mut name = Name::from_utf8(host).ok()?;
        name.set_fqdn(true);
        Some(name)
    });
    one.is_some() && one == other
}

/// `host` as a name of the DNS. One with a dot in it is taken as it is; only one without is
/// looked for in the domains of the system.
fn name_of(host: &str) -> Result<Name, Unresolved> {
    let mut name = Name::from_utf8(host).map_err(|_| Unresolved::Unknown)?;
    if name.num_labels() > 1 {
        name.set_fqdn(true);
    }
    Ok(name)
}

fn server(data: &RData) -> Option<HostPort> {
    let RData::SRV(SRV { port, target, .. }) = data else { return None };
    // The root stands for a service that is not offered.
    let host = target.to_ascii();
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty()).then(|| HostPort::new(host.to_lowercase(), *port))
}

/// The reason that `error` stands for, and the time for which it holds.
fn reason(error: &NetError) -> (Unresolved, Duration) {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            let ttl = none.negative_ttl.unwrap_or_default();
            (Unresolved::Unknown, Duration::from_secs(ttl.into()))
        }
        _ => (Unresolved::Silent, Duration::ZERO),
    }
}

#[cfg(test)]
pub(crate) mod tests;

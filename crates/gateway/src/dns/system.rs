//! The system's settings for name resolution: `/etc/resolv.conf` and `/etc/hosts`, also after they
//! change.

use std::fs::{self, File, Metadata};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};

use crosstalk_core::HostPort;

use super::cache::Cache;

/// Shortest time between two looks at the files.
const CHECK: Duration = Duration::from_secs(5);
/// Time to wait for one name server before another one, or the same again, is asked.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Number of times that a name server is asked again.
const RETRIES: usize = 1;

/// The system's settings as they were read last, with a cache of answers by them.
pub(super) struct View {
    /// `None` where the system names no server.
    pub(super) resolver: Option<TokioResolver>,
    pub(super) addresses: Cache<IpAddr>,
    pub(super) servers: Cache<HostPort>,
    hosts: Hosts,
}

impl View {
    fn new(resolver: Option<TokioResolver>, hosts: Hosts) -> Self {
        Self { resolver, addresses: Cache::new(), servers: Cache::new(), hosts }
    }

    /// The addresses of `name` in the hosts file. A name that is there at all is asked of nobody.
    pub(super) fn in_hosts(&self, name: &Name) -> Option<Arc<[IpAddr]>> {
        let of = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let found: Arc<[IpAddr]> = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(of)
            .flat_map(|l| l.answers().iter().filter_map(|r| r.data.ip_addr()).collect::<Vec<_>>())
            .collect();
        (!found.is_empty()).then_some(found)
    }
}

/// The files, and what was read of them.
pub(super) struct System {
    files: Files,
    read: Mutex<Read>,
}

struct Read {
    view: Arc<View>,
    checked: Instant,
    stamps: [Option<Stamp>; 2],
    /// Problem with the files, if there was one.
    trouble: Option<String>,
}

#[derive(Clone)]
struct Files {
    resolv: PathBuf,
    hosts: PathBuf,
}

/// Time and size of a file, which change when it does.
type Stamp = (Option<SystemTime>, u64);

impl System {
    pub(super) fn new() -> Self {
        Self::of(Files { resolv: "/etc/resolv.conf".into(), hosts: "/etc/hosts".into() })
    }

    fn of(files: Files) -> Self {
        let stamps = files.stamps();
        let (view, trouble) = files.read();
        complain(trouble.as_deref());
        let read = Read { view: Arc::new(view), checked: Instant::now(), stamps, trouble };
        Self { files, read: Mutex::new(read) }
    }

    /// The settings of the files, read again if need be.
    pub(super) async fn view(&self) -> Arc<View> {
        let stamps = {
            let mut read = self.lock();
            if read.checked.elapsed() < CHECK {
                return Arc::clone(&read.view);
            }
            // Others go on with what there is while one looks.
            read.checked = Instant::now();
            // What is broken may have become readable without any change.
            read.trouble.is_none().then_some(read.stamps)
        };
        let files = self.files.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let now = files.stamps();
            (stamps != Some(now)).then(|| (now, files.read()))
        });
        let news = looked.await.ok().flatten();
        let mut read = self.lock();
        if let Some((stamps, (view, trouble))) = news {
            if read.trouble != trouble {
                complain(trouble.as_deref());
            }
            *read = Read { view: Arc::new(view), checked: read.checked, stamps, trouble };
        }
        Arc::clone(&read.view)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn stamps(&self) -> [Option<Stamp>; 2] {
        let stamp = |m: Metadata| (m.modified().ok(), m.len());
        [&self.resolv, &self.hosts].map(|file| fs::metadata(file).ok().map(stamp))
    }

    /// Reads the files: their settings, and any problem with them.
    fn read(&self) -> (View, Option<String>) {
        let mut hosts = Hosts::default();
        // Without the file names are looked up all the same.
        let _ = File::open(&self.hosts).and_then(|file| hosts.read_hosts_conf(file));
        let servers = name_servers(&self.resolv).and_then(|(config, opts)| build(config, opts));
        match servers {
            Ok(resolver) => (View::new(Some(resolver), hosts), None),
            Err(error) => {
                (View::new(None, hosts), Some(format!("{}: {error}", self.resolv.display())))
            }
        }
    }
}

fn complain(trouble: Option<&str>) {
    if let Some(error) = trouble {
        tracing::warn!(
            %error,
            "no name can be looked up that is not in the hosts file, until this is mended"
        );
    }
}

/// The system's name servers, where it has them in a file.
#[cfg(not(target_vendor = "apple"))]
fn name_servers(file: &Path) -> Result<(ResolverConfig, ResolverOpts), NetError> {
    hickory_resolver::system_conf::parse_resolv_conf(fs::read(file)?)
}

/// The system's name servers, where it has a service that knows them.
#[cfg(target_vendor = "apple")]
fn name_servers(_: &Path) -> Result<(ResolverConfig, ResolverOpts), NetError> {
    hickory_resolver::system_conf::read_system_conf()
}

fn build(config: ResolverConfig, mut options: ResolverOpts) -> Result<TokioResolver, NetError> {
    options.timeout = options.timeout.min(TIMEOUT);
    options.attempts = RETRIES;
    options.num_concurrent_reqs = 1;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // Its cache counts answers, which can be of any size; ours keeps what is asked for.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl System {
        /// Name servers and a hosts file that stay as they are.
        pub(in crate::dns) fn fixed(config: ResolverConfig, hosts: &str) -> Self {
            let mut known = Hosts::default();
            known.read_hosts_conf(hosts.as_bytes()).unwrap();
            let view = View::new(Some(build(config, ResolverOpts::default()).unwrap()), known);
            let files = Files { resolv: "/nonexistent".into(), hosts: "/nonexistent".into() };
            let stamps = files.stamps();
            let checked = Instant::now() + Duration::from_hours(24);
            let read = Read { view: Arc::new(view), checked, stamps, trouble: None };
            Self { files, read: Mutex::new(read) }
        }

        /// The files are looked at again the next time.
        fn forget_when(&self) {
            self.lock().checked = Instant::now().checked_sub(CHECK).unwrap();
        }
    }

    #[tokio::test]
    async fn a_change_of_the_files_counts_and_broken_ones_are_survived() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files { resolv: dir.path().join("resolv"), hosts: dir.path().join("hosts") };
        let (resolv, hosts) = (files.resolv.clone(), files.hosts.clone());
        let system = System::of(files);
        let name = Name::from_utf8("a.test").unwrap();
        let view = system.view().await;
        assert!(view.resolver.is_none() && view.in_hosts(&name).is_none());
        for (conf, known, has_server, has_host) in [
            ("nameserver 127.0.0.9\n", "127.0.0.7 A.test b.test\n", true, true),
            ("# nothing is left\n", "127.0.0.7 A.test b.test\n", false, true),
            ("nameserver 127.0.0.9\nnonsense \u{fe0f}\n", "not an address a.test\n", true, false),
        ] {
            fs::write(&resolv, conf).unwrap();
            fs::write(&hosts, known).unwrap();
            system.forget_when();
            let view = system.view().await;
            assert_eq!(
                (view.resolver.is_some(), view.in_hosts(&name).is_some()),
                (has_server, has_host)
            );
        }
        let same = system.view().await;
        system.forget_when();
        assert!(Arc::ptr_eq(&same, &system.view().await), "what did not change is not read again");
        fs::remove_file(&resolv).unwrap();
        system.forget_when();
        assert!(system.view().await.resolver.is_none());
    }
}

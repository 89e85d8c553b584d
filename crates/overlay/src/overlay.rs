//! The overlay as its gateway uses it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crosstalk_core::{Address, Envelope, EnvelopeId, Failure, HostPort, NetworkId, Roster, Stamp};
use libp2p_identity::Keypair;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::common::clock::Wall;
use crate::errors::Error;
use crate::hub::Hub;
use crate::hub::inbound::Inbound;
use crate::hub::mappings::{Changes, Unkept, Unread};
use crate::hub::records::{Records, Wiped};
use crate::hub::status::Status;
use crate::mappings::Page;
use crate::membership::identity;
use crate::membership::signed_addresses::Card;
use crate::membership::{GatewayId, Member, Members, Membership, REPLICAS};
use crate::node::Recovered;
use crate::node::violations::Counts;
use crate::outbox::Limits;
use crate::rosters::Full;
use crate::storage::journal::Journal;
use crate::storage::store::Store;
use crate::transport::swarm::Net;
use crate::wire::mapping::{Mapping, Namespace};
use crate::wire::message::{Fate, Message};

/// Events that the gateway may lag behind before the backlog takes them, which weighs each. Few,
/// since here one as large as a frame counts like any other.
const INBOUND: usize = 64;

/// Configuration of this gateway in an overlay.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Addresses to listen on for other gateways. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Addresses at which others can dial this gateway, if they were not told already.
    pub advertise: Vec<HostPort>,
    /// The networks that this gateway speaks for.
    pub networks: Vec<NetworkId>,
    /// The other gateways, where no membership document says who they are. An entry with the own id
    /// is ignored, so that all can share one list.
    pub members: Vec<Member>,
    /// Limits of what is kept for people who are not signed on.
    pub outbox: Limits,
}

/// A gateway's part of the network between gateways. A cheap clone; when the last one is
/// dropped, links close.
#[derive(Clone)]
pub struct Overlay {
    running: Arc<Running>,
}

struct Running {
    hub: Arc<Hub>,
    tasks: TaskTracker,
    stop: CancellationToken,
    listening: Option<watch::Receiver<Vec<SocketAddr>>>,
}

impl Overlay {
    /// An overlay of one gateway, which starts no network: the same directory and the same
    /// store, with nobody else in them. Must be called within a tokio runtime.
    ///
    /// `state` is a directory for the key and the store; it is made where it is missing, and
    /// can be used by one process at a time.
    pub fn alone(state: &Path) -> Result<(Self, mpsc::Receiver<Inbound>), Error> {
        Self::alone_keeping(state, Limits::default())
    }

    /// As [`Self::alone`], with limits to what is kept for those who are not there.
    pub fn alone_keeping(
        state: &Path,
        outbox: Limits,
    ) -> Result<(Self, mpsc::Receiver<Inbound>), Error> {
        let nobody = |own| Ok(Members::new(own, Vec::new(), &[], REPLICAS));
        let (running, inbound, _) = Running::start(state, nobody, outbox)?;
        Ok((Self { running: Arc::new(running) }, inbound))
    }

    /// An overlay of the gateways that the membership document in `state` names, or those that
    /// `config` names where there is no document. Links to them come up, and come up
    /// again, in the background; nothing fails because another gateway is down.
    ///
    /// As [`Self::alone`] otherwise.
    pub fn join(config: &Config, state: &Path) -> Result<(Self, mpsc::Receiver<Inbound>), Error> {
        let members = |own| members(state, config, own);
        let (mut running, inbound, key) = Running::start(state, members, config.outbox)?;
        let hub = running.hub.clone();
        let card = Card::sign(&key, hub.own, hub.epoch, &config.advertise);
        if let Some(card) = card {
            hub.set_card(&card);
        }
        let net = Net::new(hub, &key, &config.listen, &config.advertise)?;
        running.listening = Some(net.listening());
        running.tasks.spawn(net.run(running.stop.clone()));
        Ok((Self { running: Arc::new(running) }, inbound))
    }

    /// The id of the gateway whose state is in `state`, which gets a key where it has none.
    pub fn identify(state: &Path) -> Result<GatewayId, Error> {
        make_private(state)?;
        identity::gateway_id(&identity::of_gateway(state)?)
    }

    /// This gateway's name.
    pub fn id(&self) -> GatewayId {
        self.hub().own
    }

    /// Publishes that `user` is signed on here. Doing so twice is once.
    pub async fn sign_on(&self, user: &Address) {
        self.hub().publish(|directory| directory.sign_on(user)).await;
    }

    /// Withdraws that.
    pub async fn sign_off(&self, user: &Address) {
        self.hub().publish(|directory| directory.sign_off(user)).await;
    }

    /// Asks to be told where these people sign on and off, and where they are now: as
    /// [`Inbound::Arrived`], [`Inbound::Left`] and [`Inbound::Lost`]. Who is watched already is
    /// not told of again; [`Self::locate`] says it at once.
    pub async fn watch(&self, users: &[Address]) {
        self.hub().watch(users).await;
    }

    /// Asks to be told no longer.
    pub async fn unwatch(&self, users: &[Address]) {
        self.hub().unwatch(users).await;
    }

    /// The gateways at which `user` is signed on, this one included. Of a watched person it is
    /// known here; others are looked up, for two seconds at most.
    pub async fn locate(&self, user: &Address) -> Vec<GatewayId> {
        self.hub().locate(user).await
    }

    /// The stored roster of `owner`: the copy kept here merged with those at its homes, which
    /// have two seconds to answer. Empty where there is none.
    pub async fn load(&self, owner: &Address) -> Roster {
        self.hub().load(owner).await
    }

    /// Merges `roster` into the stored one, at once, and resolves when this gateway has it on disk,
    /// or after five seconds while the disk is being tried again. Its other homes get it now, or
    /// when they can be reached again.
    pub fn save(
        &self,
        owner: &Address,
        roster: &Roster,
    ) -> impl Future<Output = ()> + Send + use<> {
        self.hub().save(owner, roster)
    }

    /// Whether the roster of `owner` may be saved when it has so many bytes. What is saved all the
    /// same is kept.
    pub fn room_for(&self, owner: &Address, bytes: usize) -> Result<(), Full> {
        self.hub().store.room_for(owner, bytes)
    }

    /// Number of rosters that have [expired](crate::Lists::age) since the start.
    pub fn expired(&self) -> u64 {
        self.hub().expired.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Sends a message to the router of a gateway, which may be this one. Resolves with its
    /// answer, or with [`Failure::Unconfirmed`] as soon as the gateway is known to be gone and
    /// after ten seconds at the latest: then it is not known whether the message arrived. One that
    /// was not sent fails with [`Failure::Unreachable`].
    ///
    /// Messages sent one after the other arrive in that order, each at most once. What somebody
    /// said or agreed to is recognised when it comes again: if it was shown in the last 24 hours,
    /// and among the last 131,072 such messages there, it is answered without being handed on.
    pub async fn send(&self, to: &GatewayId, message: Message) -> Result<(), Failure> {
        self.hub().send(*to, message).await
    }

    /// Takes what somebody here says, to be delivered wherever its receiver is: to every gateway
    /// at once; in the order of posting, as far as sender, receiver and kind (consent or anything
    /// else) are the same.
    ///
    /// Resolves when it was written to a client of the receiver, or is on this gateway's disk and
    /// waits; or fails, and nothing more will come of it but where the failure is
    /// [`Failure::Unconfirmed`]: then it may be shown, or have been. It goes to disk where
    /// `may_keep` is set, the [`Limits`] have room, and the receiver cannot be reached or has not
    /// confirmed it in 10 milliseconds. From there it is tried again whenever the receiver signs on
    /// somewhere, and in between with growing pauses. One that expires is reported: its sender gets
    /// a [`Message::Report`], wherever that is then.
    pub async fn post(&self, envelope: Envelope, may_keep: bool) -> Result<Fate, Failure> {
        self.hub().post(Message::Envelope(envelope), may_keep).await
    }

    /// Takes a report of something that `from` said and that was not delivered: it waits, also on
    /// disk, until a client of `from` has it. Resolves as [`Self::post`] does.
    pub async fn report(
        &self,
        of: EnvelopeId,
        from: Address,
        to: Address,
        why: Failure,
    ) -> Result<Fate, Failure> {
        self.hub().post(Message::Report { of, from, to, why }, true).await
    }

    /// Tries at once to deliver what was posted for `user` and waits: where `user` is, more is
    /// taken now than before.
    pub fn hurry(&self, user: &Address) {
        self.hub().hurry(user);
    }

    /// Number of messages that are on disk until their receivers sign on.
    pub fn kept(&self) -> usize {
        self.hub().kept()
    }

    /// Forgets everything that this gateway keeps of `user`: the roster, and the messages of
    /// `user` that wait; who said something to `user` gets reports. The other gateways that have
    /// the roster do the same, now or when they can be reached again, except that what others said
    /// there goes on waiting; and no copy brings it back. Only the name stays, with the time of this.
    pub async fn wipe(&self, user: &Address) -> Wiped {
        self.wipe_after(user, Stamp::default()).await
    }

    /// As [`Self::wipe`], of a roster with entries up to `newest` that may not be saved yet: those
    /// are forgotten too, also when they are saved after this.
    pub async fn wipe_after(&self, user: &Address, newest: Stamp) -> Wiped {
        self.hub().wipe(user, newest).await
    }

    /// Everything that is stored about `user`: the roster as [`Self::load`] has it, and what waits at
    /// this gateway.
    pub async fn records(&self, user: &Address) -> Records {
        self.hub().records(user).await
    }

    /// Keeps a mapping for its owner: at the gateways that are home of the namespace, and here until
    /// its time is over. Returns the number of gateways that have it, this one included; the others
    /// get it when they can be reached.
    pub async fn put_mapping(&self, mapping: Mapping) -> Result<usize, Unkept> {
        self.hub().put_mapping(mapping).await
    }

    /// Mappings of a namespace, from a key on in the order of their bytes: as many as were asked for
    /// or fit into one answer. They come from the homes, which have two seconds to answer; every
    /// signature was checked here.
    pub async fn mappings(
        &self,
        namespace: Namespace,
        from: &str,
        most: usize,
    ) -> Result<Page, Unread> {
        self.hub().mappings(namespace, from, most).await
    }

    /// Watches a namespace for changes.
    pub fn watch_mappings(&self, namespace: Namespace) -> Result<Changes, Unread> {
        self.hub().watch_mappings(namespace)
    }

    /// Counts since the start.
    pub fn counts(&self) -> Counts {
        self.hub().counts()
    }

    /// Status of this gateway and its links.
    pub fn status(&self) -> Status {
        self.hub().status()
    }

    /// The gateways to which a link is up.
    pub fn linked(&self) -> Vec<GatewayId> {
        self.hub().linked()
    }

    /// The first address that this gateway listens on for others, when it does.
    pub async fn listening(&self) -> Option<SocketAddr> {
        let mut listening = self.running.listening.clone()?;
        listening.wait_for(|all| !all.is_empty()).await.ok()?.first().copied()
    }

    /// Closes all links, writes what waits for the disk and frees the store.
    pub async fn shutdown(&self) {
        self.running.stop.cancel();
        self.running.tasks.wait().await;
        self.hub().close_files();
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.running.hub
    }
}

impl Running {
    fn start(
        state: &Path,
        members: impl FnOnce(GatewayId) -> Result<Members, Error>,
        outbox: Limits,
    ) -> Result<(Self, mpsc::Receiver<Inbound>, Keypair), Error> {
        make_private(state)?;
        let key = identity::of_gateway(state)?;
        let members = Arc::new(members(identity::gateway_id(&key)?)?);
        let clock = Wall::System;
        let wall = clock.read();
        let (store, epoch, kept) = Store::open(state, outbox.cache, wall)?;
        let unusable = |source| Error::State { path: state.to_owned(), source };
        let (journal, shown) = Journal::open(state, wall).map_err(unusable)?;
        let (inbound, events) = mpsc::channel(INBOUND);
        let followed = members.document().map(|_| state.to_owned());
        let recovered = Recovered { posts: store.posts(wall), shown };
        let hub = Hub::new(members, clock, store, epoch, followed, inbound);
        hub.vouch_by(&key);
        hub.restore(outbox, getrandom::u64().unwrap_or(epoch), journal, recovered);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(hub.clone().tick(stop.clone()));
        tasks.spawn(hub.clone().pump(stop.clone()));
        tasks.spawn(hub.clone().hear_kept(kept, stop.clone()));
        tasks.spawn(hub.clone().follow_membership(stop.clone()));
        tasks.spawn(hub.clone().keep_mappings(stop.clone()));
        tasks.spawn(hub.clone().expire_lists(outbox.lists.age, stop.clone()));
        tasks.close();
        Ok((Self { hub, tasks, stop, listening: None }, events, key))
    }
}

/// Members by the document in `state`, or else by `config`.
fn members(state: &Path, config: &Config, own: GatewayId) -> Result<Members, Error> {
    match Membership::load(state)? {
        None => Ok(Members::new(own, config.networks.clone(), &config.members, REPLICAS)),
        Some(document) if config.members.is_empty() => {
            Ok(Members::of(own, document, Wall::System.read(), REPLICAS))
        }
        Some(_) => Err(Error::TwoLists { path: Membership::path(state) }),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Makes a directory that only its owner may enter.
fn make_private(state: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(state).map_err(|source| Error::State { path: state.to_owned(), source })
}

//! Accounts outside that people here follow. Each is asked for once however many follow it, and
//! only while one of them is signed on.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use crosstalk_core::{Address, UnixMillis};
use crosstalk_networks::html;
use crosstalk_router::Change;
use crosstalk_services::status::{Followed, MAX_POSTS, Post, words};
use crosstalk_services::{Speech, Trouble};
use tokio::time::sleep;

use super::Outside;

/// The most accounts that a gateway asks for.
const MAX_ACCOUNTS: usize = 4096;
/// Longest time between two times that one is asked for that does not answer.
const LONGEST: Duration = Duration::from_hours(1);
/// Time after which the first time comes: by then clients take texts.
const FIRST: Duration = Duration::from_secs(15);

/// The accounts that are followed by who is signed on.
#[derive(Default)]
pub(super) struct Following(Mutex<Table>);

/// An account, and its id at its site.
type Account = (Followed, String);

#[derive(Default)]
struct Table {
    accounts: HashMap<Account, Followers>,
    of: HashMap<Address, BTreeSet<Account>>,
    /// Number of times that an account was begun to be asked for.
    begun: u64,
}

/// People who follow an account, each with the position of the last post that was shown, as it
/// stands in the settings: what nobody took is there to be shown the next time.
struct Followers {
    /// Tells the task of the account from one before it.
    number: u64,
    people: BTreeMap<Address, String>,
}

impl Following {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more account can be asked for.
    fn has_room(&self, account: &Account) -> bool {
        let table = self.lock();
        table.accounts.len() < MAX_ACCOUNTS || table.accounts.contains_key(account)
    }

    /// Notes whom somebody follows from now on, and how far; nobody after signing off.
    pub(super) fn set(self: &Arc<Self>, outside: &Arc<Outside>, user: &Address, lines: &[String]) {
        let mut table = self.lock();
        let new: BTreeMap<Account, &str> = Followed::all_in(lines)
            .map(|(name, id, position)| ((name, id.to_owned()), position))
            .collect();
        let old = table.of.remove(user).unwrap_or_default();
        for gone in old.iter().filter(|account| !new.contains_key(account)) {
            table.leave(gone, user);
        }
        for (account, position) in &new {
            if old.contains(account) {
                table.move_on(account, user, position);
            } else if let Some(number) = table.join(account, user, position) {
                let task = poll(Arc::downgrade(self), outside.clone(), account.clone(), number);
                outside.runtime.spawn(task);
            }
        }
        if !new.is_empty() {
            table.of.insert(user.clone(), new.into_keys().collect());
        }
    }

    /// The earliest position of those who follow an account; none when its task is to end.
    fn since(&self, account: &Account, number: u64) -> Option<String> {
        let table = self.lock();
        let followers = table.accounts.get(account).filter(|f| f.number == number)?;
        followers.people.values().min_by(|a, b| account.0.order(a, b)).cloned()
    }

    /// Takes posts, the oldest first. Returns to whom which of them are news.
    fn deliver(&self, account: &Account, number: u64, posts: &[Post]) -> Vec<(Address, Change)> {
        let table = self.lock();
        let Some(followers) = table.accounts.get(account).filter(|f| f.number == number) else {
            return Vec::new();
        };
        let news = |(user, seen): (&Address, &String)| {
            let is_new = |post: &&Post| account.0.order(&post.position, seen) == Ordering::Greater;
            let new: Vec<_> = posts.iter().filter(is_new).collect();
            let last = new.last()?.position.clone();
            let change = Change {
                // Whoever was shown more meanwhile is not shown this again.
                only_with: Some(account.0.line(&account.1, seen)),
                without: vec![account.0.of_line()],
                with: vec![account.0.line(&account.1, &last)],
                say: new.iter().map(|post| post.said.clone().into()).collect(),
                ..Change::default()
            };
            Some((user.clone(), change))
        };
        followers.people.iter().filter_map(news).collect()
    }
}

impl Table {
    /// Returns the number of the task that is to be begun, where one is.
    fn join(&mut self, account: &Account, user: &Address, position: &str) -> Option<u64> {
        if let Some(followers) = self.accounts.get_mut(account) {
            followers.people.insert(user.clone(), position.to_owned());
            return None;
        }
        if self.accounts.len() >= MAX_ACCOUNTS {
            tracing::warn!("no room for one more account that is followed");
            return None;
        }
        self.begun += 1;
        let people = BTreeMap::from([(user.clone(), position.to_owned())]);
        self.accounts.insert(account.clone(), Followers { number: self.begun, people });
        Some(self.begun)
    }

    /// Notes how far somebody is who has joined.
    fn move_on(&mut self, account: &Account, user: &Address, position: &str) {
        if let Some(followers) = self.accounts.get_mut(account) {
            followers.people.insert(user.clone(), position.to_owned());
        }
    }

    fn leave(&mut self, account: &Account, user: &Address) {
        if let Some(followers) = self.accounts.get_mut(account) {
            followers.people.remove(user);
            if followers.people.is_empty() {
                self.accounts.remove(account);
            }
        }
    }
}

/// Asks for the posts of an account as long as somebody follows it.
async fn poll(following: Weak<Following>, outside: Arc<Outside>, account: Account, number: u64) {
    let every = outside.sites.every;
    // Many sign on at once, after a restart.
    sleep(FIRST.min(every) + every.mul_f64(rand::random::<f64>() / 4.0)).await;
    let mut failures = 0;
    loop {
        let since = following.upgrade().and_then(|f| f.since(&account, number));
        let Some(since) = since else { return };
        match latest(&outside, &account, &since, MAX_POSTS).await {
            Ok(posts) => {
                failures = 0;
                let Some(following) = following.upgrade() else { return };
                for (user, change) in following.deliver(&account, number, &posts) {
                    outside.tell(&user, change).await;
                }
            }
            Err(_) => failures = (failures + 1).min(10),
        }
        sleep((every * (1 << failures)).min(LONGEST.max(every))).await;
    }
}

/// The latest posts of an account after a position, the oldest first.
async fn latest(
    outside: &Outside,
    (name, id): &Account,
    since: &str,
    most: usize,
) -> Result<Vec<Post>, Speech> {
    let offers = &outside.sites.offers;
    let mut reply = outside.sites.poll(name.ask(id, since, most, offers)).await;
    if matches!(reply, Err(Trouble::TooLarge)) {
        reply = outside.sites.poll(name.ask(id, since, 1, offers)).await;
    }
    name.posts(&reply, &text_of)
}

/// Begins to follow an account: its id, and the position of its latest post, of which nothing is
/// shown.
pub(super) async fn look_up(
    outside: &Outside,
    following: &Weak<Following>,
    name: &Followed,
) -> Result<String, Speech> {
    let reply = outside.sites.poll(name.look_up(&outside.sites.offers)).await;
    let account = (name.clone(), name.looked_up(&reply)?);
    if following.upgrade().is_none_or(|following| !following.has_room(&account)) {
        return Err(words::too_many());
    }
    let beginning = name.beginning(UnixMillis::from(SystemTime::now()));
    let posts = latest(outside, &account, &beginning, 1).await?;
    let position = posts.last().map_or(&beginning, |post| &post.position);
    Ok(name.line(&account.1, position))
}

/// The text of a post at Mastodon. Code, which the reader of messages does not know, stands as it
/// is.
fn text_of(post: &str) -> String {
    let known = ["<code>", "</code>", "<pre>", "</pre>"];
    let post = known.iter().fold(post.to_owned(), |post, tag| post.replace(tag, ""));
    html::read(&post).text().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_news_until_the_settings_say_that_they_were_shown() {
        let following = Following::default();
        let account = (Followed::named("@eve@a.test").unwrap(), "7".to_owned());
        let ann: Address = "ann@aol".parse().unwrap();
        let number = following.lock().join(&account, &ann, "9").unwrap();
        let post = |at: &str| Post { position: at.into(), said: "news".into() };
        let posts = [post("9"), post("10"), post("11")];
        for _ in 0..2 {
            let told = following.deliver(&account, number, &posts);
            let [(to, change)] = &told[..] else { panic!("{told:?}") };
            assert_eq!((to, change.say.len()), (&ann, 2), "nobody took it");
            assert_eq!(change.only_with.as_deref(), Some("follow/@eve@a.test=7 9"));
            assert_eq!(change.with, ["follow/@eve@a.test=7 11"]);
            assert_eq!(following.since(&account, number).as_deref(), Some("9"));
        }
        following.lock().move_on(&account, &ann, "11");
        assert!(following.deliver(&account, number, &posts).is_empty());
    }
}

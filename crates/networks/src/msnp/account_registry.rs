//! Registry by which the connections to an address book find the notification connection of their
//! person.
//!
//! What an address book is asked with is a token that only its server understands. Whose it is, is
//! known from the notification server that accepted it; only where clients show that server
//! another token than the address book, from what the address book's server says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosstalk_core::{Address, Confirmed};
use sha2::{Digest, Sha256};

use crate::msnp::context::Cx;
use crate::msnp::shared_state::{SharedState, WeakState};
use crate::msnp::wire::Command;

/// Number of people that are kept before those who left are dropped for the first time.
const FEW: usize = 1_024;
/// The most states of one person, who can be signed in from several places since MSNP16.
const MAX_STATES: usize = 16;
/// The most tokens of one person; the oldest makes room.
const MAX_TOKENS: usize = 32;

/// The fingerprint of a ticket that clients show; it cannot be used in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Token([u8; 32]);

impl Token {
    /// The token in a ticket: `t=...`, and more behind `&` or, in a cookie, `;`.
    pub(super) fn of(ticket: &str) -> Self {
        let token = ticket.split(['&', ';']).next().unwrap_or_default().trim();
        let token = token.strip_prefix("t=").unwrap_or(token);
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// `USR n TWN S ticket`, and since MSNP15 `USR n SSO S ticket proof`.
    pub(super) fn shown_by(command: &Command) -> Option<Self> {
        let shows = matches!(command.word(2), "TWN" | "SSO") && command.word(3) == "S";
        shows.then(|| Self::of(command.word(4)))
    }
}

/// People who are signed in, by name and by the tokens that they showed. One for each network.
#[derive(Clone, Default)]
pub(super) struct AccountRegistry(Arc<Mutex<Accounts>>);

#[derive(Default)]
struct Accounts {
    people: HashMap<Address, Account>,
    tokens: HashMap<Token, Address>,
    /// Number of people from which on those who left are dropped.
    enough: usize,
}

/// One person.
#[derive(Default)]
struct Account {
    /// The newest last.
    states: Vec<WeakState>,
    tokens: VecDeque<Token>,
}

impl Account {
    fn is_there(&self) -> bool {
        self.states.iter().any(WeakState::is_there)
    }
}

impl AccountRegistry {
    pub(super) fn of(cx: &Cx<'_>) -> Self {
        cx.context.lobby.common()
    }

    /// The notification server accepted the person at `state`, and the token with it.
    pub(super) fn open(&self, user: &Confirmed, token: Option<Token>, state: &SharedState) {
        let mut accounts = self.lock();
        accounts.drop_those_who_left();
        let account = accounts.people.entry(user.name().clone()).or_default();
        account.states.retain(WeakState::is_there);
        if account.states.len() < MAX_STATES {
            account.states.push(state.downgrade());
        }
        if let Some(token) = token {
            accounts.bind(token, user.name());
        }
    }

    /// The address book's server said whose the token is, who has to be signed in. It does not
    /// overrule what is known.
    pub(super) fn belongs(&self, token: Token, owner: &Address) {
        let mut accounts = self.lock();
        let is_there = accounts.people.get(owner).is_some_and(Account::is_there);
        if is_there && accounts.owner(&token).is_none() {
            accounts.bind(token, owner);
        }
    }

    /// Owner of the token, if that is known and signed in.
    pub(super) fn owner(&self, token: &Token) -> Option<Address> {
        self.lock().owner(token).cloned()
    }

    /// The newest state of `user` that somebody sits at.
    pub(super) fn state(&self, user: &Address) -> Option<SharedState> {
        self.lock().people.get(user)?.states.iter().rev().find_map(WeakState::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        // A panic elsewhere cannot leave the maps half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    fn owner(&self, token: &Token) -> Option<&Address> {
        let owner = self.tokens.get(token)?;
        Some(owner).filter(|owner| self.people.get(owner).is_some_and(Account::is_there))
    }

    fn bind(&mut self, token: Token, user: &Address) {
        let before = self.tokens.insert(token, user.clone());
        if before.as_ref() == Some(user) {
            return;
        }
        if let Some(account) = before.and_then(|before| self.people.get_mut(&before)) {
            account.tokens.retain(|known| *known != token);
        }
        let Some(account) = self.people.get_mut(user) else { return };
        account.tokens.push_back(token);
        let oldest =
            if account.tokens.len() > MAX_TOKENS { account.tokens.pop_front() } else { None };
        if let Some(oldest) = oldest {
            self.tokens.remove(&oldest);
        }
    }

    /// Forgets those who left, once they may be as many as those who are there.
    fn drop_those_who_left(&mut self) {
        if self.people.len() < self.enough.max(FEW) {
            return;
        }
        self.people.retain(|_, account| account.is_there());
        let Self { people, tokens, .. } = self;
        tokens.retain(|_, user| people.contains_key(user));
        self.enough = 2 * self.people.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::ConnectionId;

    fn person(name: &str) -> Confirmed {
        Confirmed::by_server(format!("{name}@msn").parse().unwrap())
    }

    #[test]
    fn a_token_that_the_notification_server_took_stays_whose_it_is() {
        let registry = AccountRegistry::default();
        let (mary, eve) = (person("mary"), person("eve"));
        let states =
            [SharedState::new(ConnectionId::default()), SharedState::new(ConnectionId::default())];
        let token = Token::of("t=1&p=");
        registry.open(&mary, Some(token), &states[0]);
        registry.open(&eve, None, &states[1]);
        registry.belongs(token, eve.name());
        assert_eq!(registry.owner(&token).as_ref(), Some(mary.name()));
        registry.belongs(Token::of("t=2"), &"nobody@msn".parse().unwrap());
        assert_eq!(registry.owner(&Token::of("t=2")), None, "who is not signed in owns nothing");
        let [state, _other] = states;
        drop(state);
        assert_eq!(registry.owner(&token), None);
    }

    #[test]
    fn one_person_fills_nothing_and_those_who_left_are_forgotten() {
        let registry = AccountRegistry::default();
        let state = SharedState::new(ConnectionId::default());
        for n in 0..10_000 {
            registry.open(&person("mary"), Some(Token::of(&n.to_string())), &state);
        }
        assert_eq!(registry.lock().tokens.len(), MAX_TOKENS);
        for n in 0..10_000 {
            let state = SharedState::new(ConnectionId::default());
            registry.open(&person(&n.to_string()), Some(Token::of(&format!("n{n}"))), &state);
        }
        let accounts = registry.lock();
        assert!(accounts.people.len() <= FEW && accounts.tokens.len() <= FEW + MAX_TOKENS);
        assert!(accounts.people.contains_key(person("mary").name()));
    }
}

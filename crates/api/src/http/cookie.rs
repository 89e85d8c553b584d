//! The cookie of a session (RFC 6265): no script can read it, and no page of somebody else sends it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie that browsers of one gateway have.
pub(crate) struct Cookie {
    name: String,
    is_secure: bool,
}

impl Cookie {
    /// The cookie for pages of an origin.
    pub(crate) fn of(origin: Option<&str>) -> Self {
        let is_secure = origin.is_some_and(|origin| origin.starts_with("https:"));
        // `__Host-`: a browser takes it from nobody but this host, and only by TLS. Without TLS, cookies
        // are for all ports of a machine, so that each gateway needs its own.
        let name = match origin.and_then(|origin| origin.rsplit_once(':')) {
            _ if is_secure => "__Host-crosstalk".into(),
            Some((_, port)) => format!("crosstalk-{}", port.trim_start_matches('/')),
            None => "crosstalk".into(),
        };
        Self { name, is_secure }
    }

    /// The secret that a browser shows.
    pub(crate) fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let lines =
            headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| name.trim() == self.name).map(|(_, value)| value.trim())
    }

    /// The header that gives a browser a secret for so long; nothing and no time take it away.
    pub(crate) fn give(&self, secret: &str, age: Duration) -> Option<HeaderValue> {
        let Self { name, is_secure } = self;
        let secure = if *is_secure { "; Secure" } else { "" };
        let age = age.as_secs();
        let line =
            format!("{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
        let mut line = HeaderValue::from_str(&line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gives_back_what_it_was_given() {
        let cookie = Cookie::of(Some("https://gw.test:7443"));
        let given = cookie.give("ct_x", Duration::from_mins(1)).unwrap();
        let line = "__Host-crosstalk=ct_x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(given, line);
        let mut headers = HeaderMap::new();
        headers.append("cookie", "crosstalk=a; theme=dark".parse().unwrap());
        assert_eq!(cookie.read(&headers), None);
        headers.append("cookie", "x=y; __Host-crosstalk=ct_x".parse().unwrap());
        assert_eq!(cookie.read(&headers), Some("ct_x"));
    }

    #[test]
    fn gateways_on_one_machine_do_not_share_a_cookie() {
        let line = |origin: &str| Cookie::of(Some(origin)).give("s", Duration::ZERO).unwrap();
        let plain = "Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
        assert_eq!(line("http://127.0.0.1:8000"), format!("crosstalk-8000=s; {plain}"));
        assert_eq!(line("http://127.0.0.1"), format!("crosstalk-127.0.0.1=s; {plain}"));
    }
}

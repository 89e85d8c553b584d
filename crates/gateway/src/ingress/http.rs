//! HTTP's `CONNECT` (RFC 9110, section 9.3.6), and a page for browsers that came here by mistake.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosstalk_core::HostPort;

use super::proxy::{Users, user};
use super::socks5::text_of;
use super::{HandshakeError, Opening, Parsed, proxy_header};
use crate::dial::Failed;

/// The most header fields of a request.
const MAX_FIELDS: usize = 64;

const PAGE: &str = "This port is a CrossTalk proxy for instant messengers.\n\n\
    It carries no web pages. Enter its host and port in your messenger's settings as a proxy of\n\
    the type SOCKS5, SOCKS4a or HTTP (CONNECT).\n";

/// Target of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// A connection, for the user of that name where there are users.
    Connect(HostPort, Option<Box<str>>),
    /// A connection, without the right password.
    NoUser,
    /// A connection to nowhere.
    Malformed,
    /// A page.
    Page,
}

/// Reads the request's head, and turns away whatever is no proper CONNECT.
pub(super) async fn negotiate(
    opening: &mut Opening<'_>,
    users: &Users,
) -> Result<(HostPort, Option<Box<str>>), HandshakeError> {
    let asks = match opening.take(|read| parse(read, users)).await {
        Err(HandshakeError::Refused(why)) => {
            opening.send(response("400 Bad Request", "", "This is no HTTP.\n").as_bytes()).await?;
            return Err(HandshakeError::Refused(why));
        }
        asks => asks?,
    };
    let (response, why) = match asks {
        Asks::Connect(target, user) => return Ok((target, user)),
        Asks::NoUser => {
            let field = "Proxy-Authenticate: Basic realm=\"CrossTalk\"\r\n";
            let text = "This proxy wants a name and a password.\n";
            let response = response("407 Proxy Authentication Required", field, text);
            (response, "its proxy password is missing or wrong")
        }
        Asks::Malformed => {
            let response = response("400 Bad Request", "", "CONNECT wants host:port.\n");
            (response, "its CONNECT names no host and port")
        }
        Asks::Page => {
            let response = response("405 Method Not Allowed", "Allow: CONNECT\r\n", PAGE);
            (response, "it asks for a web page")
        }
    };
    opening.send(response.as_bytes()).await?;
    Err(HandshakeError::Refused(why))
}

/// Response to the client's CONNECT.
pub(super) fn answer(result: Result<(), &Failed>) -> String {
    let Err(failed) = result else {
        return "HTTP/1.1 200 Connection established\r\n\r\n".to_owned();
    };
    let status = match failed {
        Failed::Refused(_) => "403 Forbidden",
        Failed::Unresolved(_) | Failed::Connect(_) => "502 Bad Gateway",
        Failed::Timeout => "504 Gateway Timeout",
    };
    response(status, "", &format!("CrossTalk: {failed}.\n"))
}

fn response(status: &str, field: &str, text: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{field}Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

pub(super) fn parse(read: &[u8], users: &Users) -> Parsed<Asks> {
    if read.starts_with(proxy_header::TEXT) {
        return Parsed::Wrong(proxy_header::UNASKED);
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let len = match request.parse(read) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Parsed::More,
        Err(_) => return Parsed::Wrong("it sends no HTTP that can be read"),
    };
    let asks = if request.method == Some("CONNECT") {
        match whose(request.headers, users) {
            None if !users.is_empty() => Asks::NoUser,
            user => match request.path.and_then(target) {
                Some(target) => Asks::Connect(target, user),
                None => Asks::Malformed,
            },
        }
    } else {
        Asks::Page
    };
    Parsed::Whole(asks, len)
}

/// A host and port and nothing else: a password before an @ would stand in the log as a host.
fn target(path: &str) -> Option<HostPort> {
    let target: HostPort = path.parse().ok()?;
    (!text_of(target.host.as_bytes()).is_empty()).then_some(target)
}

/// The user whose name and password a field carries (RFC 7617).
fn whose(fields: &[httparse::Header<'_>], users: &Users) -> Option<Box<str>> {
    let field = fields.iter().find(|f| f.name.eq_ignore_ascii_case("Proxy-Authorization"));
    let (scheme, rest) = field?.value.split_at_checked(6)?;
    let given = scheme.eq_ignore_ascii_case(b"Basic ").then(|| STANDARD.decode(rest.trim_ascii()));
    let given = given?.ok()?;
    let (name, password) = given.split_at(given.iter().position(|b| *b == b':')?);
    user(users, name, password.get(1..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_wants_a_password_where_there_are_users() {
        let users = Users::from([("ann".to_owned(), "s:ecret".to_owned().into())]);
        let head = |field: &str| format!("CONNECT host:5190 HTTP/1.1\r\n{field}\r\nearly");
        let right = head("proxy-authorization: basic YW5uOnM6ZWNyZXQ=\r\n");
        let target = Asks::Connect(HostPort::new("host", 5190), Some("ann".into()));
        assert_eq!(parse(right.as_bytes(), &users), Parsed::Whole(target, right.len() - 5));
        for wrong in ["", "Proxy-Authorization: Basic YW5uOng=\r\n", "Proxy-Authorization: x\r\n"] {
            let Parsed::Whole(Asks::NoUser, _) = parse(head(wrong).as_bytes(), &users) else {
                panic!("{wrong}");
            };
        }
    }

    #[test]
    fn other_requests_get_a_page() {
        let page = parse(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &Users::new());
        assert_eq!(page, Parsed::Whole(Asks::Page, 27));
        let nowhere = parse(b"CONNECT host HTTP/1.1\r\n\r\n", &Users::new());
        assert_eq!(nowhere, Parsed::Whole(Asks::Malformed, 25));
        let secret = parse(b"CONNECT ann:secret@host:5222 HTTP/1.1\r\n\r\n", &Users::new());
        assert_eq!(secret, Parsed::Whole(Asks::Malformed, 41));
        let ipv6 = parse(b"CONNECT [::1]:5222 HTTP/1.1\r\n\r\n", &Users::new());
        assert_eq!(ipv6, Parsed::Whole(Asks::Connect(HostPort::new("::1", 5222), None), 31));
        assert_eq!(parse(b"G", &Users::new()), Parsed::More);
    }
}

//! Web requests of clients: Passport's tickets, and under TLS the address book.

use std::io;

use crosstalk_networks::msnp::wire::decode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Shared, book};
use crate::Stream;
use crate::incoming::Incoming;
use crate::msn::book::{CONTACTS, SHARING};
use crate::msn::http::{Request, answer};
use crate::msn::ticket;
use crate::server::Recorder;

/// Path of the page where the way to a ticket begins.
pub(super) const NEXUS: &str = "/rdr/pprdr.asp";
const LOGIN: &str = "/login2.srf";
/// The first byte of a client that begins with TLS.
const HANDSHAKE: u8 = 0x16;

pub(super) async fn connection(
    stream: TcpStream,
    shared: Shared,
    recorder: Recorder,
) -> io::Result<()> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(());
    }
    let stream: Box<dyn Stream> = match first {
        [HANDSHAKE] => Box::new(shared.tls.accept(stream).await?),
        _ => Box::new(stream),
    };
    let (read, mut write) = tokio::io::split(stream);
    let mut incoming = Incoming::new(read, Some(recorder));
    while let Some(request) = incoming.next(Request::take).await? {
        let answer = respond(&shared, &request);
        write.write_all(answer.as_bytes()).await?;
        write.flush().await?;
    }
    Ok(())
}

fn respond(shared: &Shared, request: &Request) -> String {
    match request.path.as_str() {
        NEXUS => {
            let login = format!("PassportURLs: DALogin=http://{}{LOGIN}", shared.web.addr);
            answer("200 OK", &[login], "")
        }
        LOGIN => log_in(shared, request),
        SHARING | CONTACTS => book::serve(shared, request),
        _ => answer("404 Not Found", &[], ""),
    }
}

/// Passport 1.4: gives a ticket for a name and a password.
fn log_in(shared: &Shared, request: &Request) -> String {
    let word = |key: &str| {
        let mut words = request.field("authorization").split(',');
        words.find_map(|w| w.trim().strip_prefix(key)).map(decode).unwrap_or_default()
    };
    let (name, password) = (word("sign-in="), word("pwd="));
    let state = shared.state();
    let user = state.users.get(&name.to_lowercase()).filter(|u| u.ticket == ticket(&password));
    let Some(user) = user else {
        let refusal = "WWW-Authenticate: Passport1.4 da-status=failed,srealm=Passport.NET";
        return answer("401 Unauthorized", &[refusal.to_owned()], "");
    };
    let words = "Authentication-Info: Passport1.4 da-status=success";
    answer("200 OK", &[format!("{words},from-PP='{}'", user.ticket)], "")
}

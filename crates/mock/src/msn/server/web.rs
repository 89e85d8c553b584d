//! What clients ask on the web: Passport's tickets.

use std::io;

use bytes::BytesMut;
use crosstalk_networks::msnp::wire::decode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Shared;
use super::http::{self, Request, answer};
use crate::msn::ticket;
use crate::server::Recorder;

/// Where the way to a ticket begins.
pub(super) const NEXUS: &str = "/rdr/pprdr.asp";
const LOGIN: &str = "/login2.srf";

pub(super) async fn connection(
    mut stream: TcpStream,
    shared: Shared,
    recorder: Recorder,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(request) = http::next(&mut stream, &mut buffer, &recorder).await? {
        let answer = match request.path.as_str() {
            NEXUS => {
                let login = format!("PassportURLs: DALogin=http://{}{LOGIN}", shared.web);
                answer("200 OK", &[login], "")
            }
            LOGIN => log_in(&shared, &request),
            _ => answer("404 Not Found", &[], ""),
        };
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Passport 1.4: gives a ticket for a name and a password.
fn log_in(shared: &Shared, request: &Request) -> String {
    let word = |key: &str| {
        let mut words = request.field("authorization").split(',');
        words.find_map(|w| w.trim().strip_prefix(key)).map(decode).unwrap_or_default()
    };
    let (name, password) = (word("sign-in="), word("pwd="));
    let world = shared.world();
    let user = world.users.get(&name.to_lowercase()).filter(|u| u.ticket == ticket(&password));
    let Some(user) = user else {
        let refusal = "WWW-Authenticate: Passport1.4 da-status=failed,srealm=Passport.NET";
        return answer("401 Unauthorized", &[refusal.to_owned()], "");
    };
    let words = "Authentication-Info: Passport1.4 da-status=success";
    answer("200 OK", &[format!("{words},from-PP='{}'", user.ticket)], "")
}

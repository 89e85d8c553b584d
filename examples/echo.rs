//! Says to everybody what they said: `CROSSTALK_TOKEN=ct_... echo ~/.local/share/crosstalk/api.sock`
use serde_json::{Value, from_str, json};
use std::{env, io, io::prelude::*, os::unix::net::UnixStream, thread::sleep, time::Duration};

fn ask(call: &str, body: &str) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    let mut gateway = UnixStream::connect(env::args().nth(1).unwrap_or_default())?;
    let head = "\r\nContent-Type: application/json\r\nAuthorization: Bearer ";
    let (token, length) = (env::var("CROSSTALK_TOKEN").unwrap_or_default(), body.len());
    write!(gateway, "{call}{head}{token}\r\nContent-Length: {length}\r\n\r\n{body}")?;
    Ok(io::BufReader::new(gateway).lines())
}

fn main() {
    let mut listen = "GET /v1/events HTTP/1.0".to_owned();
    loop {
        sleep(Duration::from_millis(100)); // The gateway may be away: go on where we were.
        for line in ask(&listen, "").into_iter().flatten().map_while(Result::ok) {
            let event: Value = from_str(line.trim_start_matches("data: ")).unwrap_or_default();
            let Some(false) = event["auto"].as_bool() else { continue }; // Only messages say it.
            let answer = json!({"to": event["from"], "text": event["text"], "auto": true});
            let say = format!("POST /v1/messages HTTP/1.0\r\nIdempotency-Key: {}", event["id"]);
            let said = ask(&say, &answer.to_string()).ok().and_then(|mut lines| lines.next()?.ok());
            let Some(true) = said.map(|said| *said < *"HTTP/1.0 429") else { break }; // Once more.
            listen = format!("GET /v1/events?after={} HTTP/1.0", event["id"]);
        }
    }
}

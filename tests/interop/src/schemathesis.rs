//! Schemathesis, which sends an API everything that its description allows, and much that it does not.

use std::process::Command;

use crate::gateway::Gateway;
use crate::stage::fresh_directory;
use crate::{free_port, peer};

/// The calls that stream.
const EVENTS: &str = "/v1/events";
const WATCH: &str = "/v1/watch/{namespace}";
/// The call that makes a token useless.
const REVOKE: &str = "/v1/tokens/{id}";
/// The properties that every answer has: no failure of the gateway's, and a status, a media type and
/// a body that the description has for the call.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,unsupported_method";

/// A gateway with an API, and a token that may do everything there.
pub struct ApiUnderTest {
    gateway: Gateway,
    port: u16,
    token: String,
}

impl ApiUnderTest {
    /// Starts a gateway that listens for programs.
    pub fn start() -> Self {
        let port = free_port();
        let mut gateway = Gateway::prepare(fresh_directory().join("gateway"));
        let [proxy, api] = [free_port(), port];
        let proxy = format!("[[proxy]]\nlisten = \"127.0.0.1:{proxy}\"\n");
        gateway.configure(&format!("{proxy}[api]\nlisten = [\"127.0.0.1:{api}\"]\n"), &[port]);
        gateway.start();
        let scopes = "send,read,presence,contacts,files,calls,records,directory:read,\
                      directory:write,operator";
        let token = gateway.ask(&["api", "token", "make", "tester", "--scopes", scopes]);
        Self { gateway, port, token: token.trim().to_owned() }
    }

    /// Runs schemathesis. Panics with its report where anything came back that the description does
    /// not have.
    pub fn is_as_described(&self) {
        // Streams do not end: the tests of the API itself read them. And what it revokes is the
        // token that it has, so that comes last.
        let apart = [EVENTS, WATCH, REVOKE].map(|path| ["--exclude-path", path]);
        self.run(apart.as_flattened());
        self.run(&["--include-path", REVOKE]);
    }

    fn run(&self, options: &[&str]) {
        let mut command = Command::new(peer("schemathesis/bin/schemathesis"));
        command
            .arg("run")
            .arg(format!("http://127.0.0.1:{}/v1/openapi.json", self.port))
            .arg("--header")
            .arg(format!("Authorization: Bearer {}", self.token))
            .args(["--checks", CHECKS])
            .args(["--max-examples", "30", "--seed", "1", "--rate-limit", "40/s", "--no-color"])
            .args(["--request-timeout", "30"])
            .args(options)
            .current_dir(std::env::temp_dir());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        let log = self.gateway.log();
        assert!(output.status.success(), "{options:?}: {said}\n{complaint}\n{log}");
    }
}

//! Schemathesis, which sends an API everything that its description allows, and much that it does not.

use std::process::Command;

use crate::gateway::Gateway;
use crate::stage::fresh_directory;
use crate::{free_port, peer};

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
        let scopes = "send,read,presence,contacts,operator";
        let token = gateway.ask(&["api", "token", "make", "tester", "--scopes", scopes]);
        Self { gateway, port, token: token.trim().to_owned() }
    }

    /// Runs schemathesis. Panics with its report where anything came back that the description does
    /// not have.
    pub fn is_as_described(&self) {
        let program = peer("schemathesis/bin/schemathesis");
        let mut command = Command::new(program);
        command
            .arg("run")
            .arg(format!("http://127.0.0.1:{}/v1/openapi.json", self.port))
            .arg("--header")
            .arg(format!("Authorization: Bearer {}", self.token))
            // Streams do not end: the tests of the API itself read them.
            .args(["--exclude-path", "/v1/events"])
            .args(["--checks", "not_a_server_error,status_code_conformance"])
            .args(["--checks", "content_type_conformance,response_schema_conformance"])
            .args(["--checks", "unsupported_method"])
            .args(["--max-examples", "30", "--seed", "1", "--rate-limit", "40/s", "--no-color"])
            .args(["--request-timeout", "30"])
            .current_dir(std::env::temp_dir());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{complaint}\n{}", self.gateway.log());
    }
}

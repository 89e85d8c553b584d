//! Who may make which call: every call that the description has.

use crosstalk_api::Scope;
use serde_json::{Value, json};

use crate::door::Gateway;

/// A call of the description.
struct Call {
    /// Method and path.
    request: String,
    /// The scope that it names, if any.
    scope: Option<String>,
    has_body: bool,
}

fn calls(description: &Value) -> Vec<Call> {
    let mut calls = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let security = &operation["security"][0]["token"];
            let scopes = security.as_array().expect("every call says what it needs");
            assert!(scopes.len() <= 1, "{method} {path}");
            let filled: Vec<_> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "bob@yahoo" } else { part })
                .collect();
            calls.push(Call {
                request: format!("{} {}", method.to_uppercase(), filled.join("/")),
                scope: scopes.first().map(|scope| scope.as_str().unwrap().to_owned()),
                has_body: operation["requestBody"].is_object(),
            });
        }
    }
    calls
}

#[tokio::test]
async fn a_token_reaches_nothing_outside_its_scope() {
    let gateway = Gateway::start().await;
    let served = gateway.call("", "GET /v1/openapi.json", None).await;
    let description = served.json();
    assert_eq!(description["openapi"], json!("3.1.0"));
    let calls = calls(&description);
    assert!(calls.len() >= 6);
    for Call { request: call, scope, has_body } in calls {
        let body = has_body.then(|| json!({}));
        let stranger = gateway.call("ct_wrong", &call, body.clone()).await;
        assert_eq!(stranger.problem().as_deref(), Some("token"), "{call}");
        assert_eq!(stranger.headers["www-authenticate"], "Bearer");
        let is_operators = scope.as_deref() == Some(Scope::Operator.as_str());
        if !is_operators {
            let without = gateway.call("", &call, body.clone()).await;
            assert_eq!(without.status.as_u16(), 401, "{call} is done in somebody's name");
        }
        let Some(scope) = scope else { continue };
        let others = Scope::ALL.into_iter().map(Scope::as_str).filter(|other| *other != scope);
        let others: Vec<_> = others.collect();
        let (token, _) = gateway.token("weather@apps", &others).await;
        let refused = gateway.call(&token, &call, body).await;
        assert_eq!(refused.problem().as_deref(), Some("scope"), "{call} with all but {scope}");
        assert_eq!(refused.status.as_u16(), 403);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_and_is_no_fault_of_the_gateway() {
    let gateway = Gateway::start().await;
    let json = [("content-type", "application/json")];
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(200_000));
    for (call, body, headers, status, problem) in [
        ("GET /v1/nowhere", None, &json[..], 404, "not-found"),
        ("PATCH /v1/status", None, &json, 405, "method"),
        ("POST /v1/wipe", Some("{"), &json, 400, "syntax"),
        ("POST /v1/wipe", Some("{}"), &json, 422, "invalid"),
        ("POST /v1/wipe", Some("{\"name\": \"a@aol\"}"), &[], 415, "media-type"),
        ("POST /v1/wipe", Some(&long), &json, 413, "too-large"),
    ] {
        let answer = gateway.send("", call, body, headers).await;
        let what = format!("{call} {answer:?}");
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_deref()),
            (status, Some(problem)),
            "{what}"
        );
    }
    let allowed = gateway.call("", "PATCH /v1/status", None).await;
    assert!(allowed.headers["allow"].to_str().unwrap().contains("GET"));
}

#[tokio::test]
async fn a_program_that_asks_too_often_is_told_when_to_ask_again() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["send"]).await;
    let (other, _) = gateway.token("weather@apps", &["send"]).await;
    let mut refused = None;
    for _ in 0..1000 {
        let answer = gateway.call(&token, "GET /v1/token", None).await;
        if answer.status.as_u16() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("nobody may ask for ever");
    assert_eq!(refused.problem().as_deref(), Some("too-many"));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(gateway.call(&other, "GET /v1/token", None).await.status.as_u16(), 200);
}

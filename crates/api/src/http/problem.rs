//! Problems: answers that say what went wrong (RFC 9457).

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

/// The media type of a problem.
const MEDIA_TYPE: &str = "application/problem+json";

/// A problem, in words for the author of a program.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind of problem, which stays the same in all versions.
    #[serde(rename = "type")]
    #[schema(example = "urn:crosstalk:problem:scope")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What went wrong this time, and what to do.
    pub detail: String,
    /// The seconds to wait before another try.
    #[serde(skip)]
    pub(crate) wait: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:crosstalk:problem:{kind}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            wait: None,
        }
    }

    /// No token, or none that is known.
    pub(crate) fn token(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token", "A token is needed", detail)
    }

    /// Nobody has that name and password.
    pub(crate) fn sign_in() -> Self {
        let detail =
            "no such name with such a password: an invite from the operator sets a new one";
        let title = "The name or the password is wrong";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", title, detail)
    }

    /// Nobody has that passkey.
    pub(crate) fn passkey() -> Self {
        let detail = "no such passkey is known here, or it took too long: sign in by the password";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "The passkey is not known", detail)
    }

    /// A page asks that is not the gateway's own.
    pub(crate) fn origin() -> Self {
        let detail = "a browser that is signed in does this only for the gateway's own page";
        Self::new(StatusCode::FORBIDDEN, "origin", "Another page asks", detail)
    }

    /// The token is not for this.
    pub(crate) fn scope(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "scope", "The token is not for this", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// The path is not for this method.
    pub(crate) fn method() -> Self {
        let detail = "the description at /v1/openapi.json says which methods a path has";
        let title = "The path is not for this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", title, detail)
    }

    /// The body is no JSON at all, or a parameter is not what it should be.
    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "syntax", "The request cannot be read", detail)
    }

    /// The body is of another media type.
    pub(crate) fn media_type() -> Self {
        let detail = "send the body as JSON, with `Content-Type: application/json`";
        let title = "The body is not JSON";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", title, detail)
    }

    /// The body is larger than any may be.
    pub(crate) fn too_large() -> Self {
        let detail = "a body of JSON may have 128 KiB, and a file 32 MiB";
        let title = "The body is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, detail)
    }

    /// What is asked for cannot be.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The request asks for what cannot be",
            detail,
        )
    }

    /// What is asked for does not fit how things stand.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        let title = "The request does not fit how things stand";
        Self::new(StatusCode::CONFLICT, "conflict", title, detail)
    }

    /// The call is one to which a WebSocket belongs.
    pub(crate) fn upgrade() -> Self {
        let detail = "ask for a WebSocket (RFC 6455), over HTTP/1.1";
        let title = "The request does not ask for a WebSocket";
        Self::new(StatusCode::UPGRADE_REQUIRED, "upgrade", title, detail)
    }

    /// Too much in too short a time.
    pub(crate) fn too_many(wait: Duration) -> Self {
        let wait = wait.as_secs() + 1;
        let detail = format!("try again in {wait} seconds, as the header Retry-After says");
        let title = "Too many requests";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", title, detail);
        Self { wait: Some(wait), ..problem }
    }

    /// The gateway ends.
    pub(crate) fn draining() -> Self {
        let detail = "the gateway is stopping, and takes nothing new";
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "The gateway is stopping",
            detail,
        );
        Self { wait: Some(5), ..problem }
    }

    /// The gateways that would know do not answer.
    pub(crate) fn unreachable(detail: impl Into<String>) -> Self {
        let title = "No gateway that knows can be reached";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unreachable", title, detail);
        Self { wait: Some(5), ..problem }
    }

    /// The gateway's disk does not take what has to be kept.
    pub(crate) fn disk() -> Self {
        let detail = "the gateway's disk is full or broken: its log says more";
        let title = "The gateway cannot store this";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "disk", title, detail);
        Self { wait: Some(30), ..problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        if let Some(wait) = self.wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}

/// The problems that every call may meet.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and is none")]
pub(crate) enum Usual {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Syntax(Problem),
    /// There is no token, or none that is known.
    #[response(status = 401, content_type = "application/problem+json")]
    Token(Problem),
    /// The token is not for this, or a page of somebody else asks.
    #[response(status = 403, content_type = "application/problem+json")]
    Scope(Problem),
    /// Too many requests; the header Retry-After says when to try again.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// The gateway is stopping, cannot store what has to be kept, or cannot reach others that it has
    /// to ask.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// The problems that a call with a body may meet besides the usual ones.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, and is none")]
pub(crate) enum OfBody {
    /// The body is larger than any may be.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(Problem),
    /// The request asks for what cannot be.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}

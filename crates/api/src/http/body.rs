//! Bodies and parameters of requests, with problems for what is wrong with them.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::connection::PATIENCE;
use super::problem::Problem;

/// The largest body, in bytes: a text of full length, with everything in it escaped as JSON can.
pub(crate) const MAX_BODY: usize = 128 << 10;

/// A body of JSON.
pub(crate) struct Json<T>(pub(crate) T);

/// Parameters in a path.
pub(crate) struct Path<T>(pub(crate) T);

/// Parameters behind the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // Whoever asks has a place, and has shown nothing yet where this is how one signs in.
        let read = timeout(PATIENCE, axum::Json::<T>::from_request(request, state)).await;
        let read = read.map_err(|_| Problem::syntax("the body took too long to come"))?;
        read.map(|axum::Json(body)| Self(body)).map_err(|wrong: JsonRejection| {
            match wrong.status() {
                StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::media_type(),
                StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
                StatusCode::UNPROCESSABLE_ENTITY => Problem::invalid(wrong.body_text()),
                _ => Problem::syntax(wrong.body_text()),
            }
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(path)| Self(path))
            .map_err(|wrong: PathRejection| Problem::syntax(wrong.body_text()))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(query)| Self(query))
            .map_err(|wrong: QueryRejection| Problem::syntax(wrong.body_text()))
    }
}

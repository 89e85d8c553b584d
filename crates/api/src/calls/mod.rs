//! The calls, one file a part of the API.

mod contacts;
mod dial;
mod directory;
mod events;
mod files;
mod flows;
mod keeper;
mod messages;
mod operate;
mod presence;
mod records;
mod tokens;

pub(crate) use keeper::OfApi;
pub use operate::Person;
pub use tokens::TokenWanted;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::routing::get;
use hyper::body::Bytes;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::body::MAX_BODY;
use crate::http::problem::Problem;
use crate::state::State;
use crate::web;

/// The name of the way in which a caller says who it is, as operations refer to it.
const TOKEN: &str = "token";

/// The calls with their description, which is made from them.
fn calls() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(messages::send))
        .routes(routes!(messages::typing))
        .routes(routes!(events::stream))
        .routes(routes!(events::socket))
        .routes(routes!(events::acknowledge))
        .routes(routes!(presence::presence, presence::set))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::put, contacts::remove))
        .routes(routes!(contacts::block))
        .routes(routes!(contacts::consent))
        .routes(routes!(files::list, files::offer))
        .routes(routes!(files::withdraw))
        .routes(routes!(flows::own))
        .routes(routes!(flows::of_person))
        .routes(routes!(dial::dial))
        .routes(routes!(records::export))
        .routes(routes!(records::forget))
        .routes(routes!(directory::list))
        .routes(routes!(directory::get, directory::put, directory::remove))
        .routes(routes!(directory::watch))
        .routes(routes!(operate::status))
        .routes(routes!(operate::wipe))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::own))
        .merge(web::calls())
}

/// Completes the description of the API (OpenAPI 3.1).
fn described(mut api: OpenApi) -> OpenApi {
    api.info.title = "CrossTalk".into();
    api.info.version = "1".into();
    api.info.description = Some(
        "A door for programs to the people of all networks. Paths begin with the version, which \
         changes only where a call does; answers may get further members, which a program ignores."
            .into(),
    );
    api.info.license = None;
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    api.components.get_or_insert_default().add_security_scheme(TOKEN, bearer);
    api
}

/// Everything that is served.
pub(crate) fn router(state: Arc<State>) -> Router {
    let (calls, description) = calls().split_for_parts();
    let description = Bytes::from(serde_json::to_vec(&described(description)).unwrap_or_default());
    let json = [(header::CONTENT_TYPE, "application/json")];
    let describe = async move || (json, description);
    calls
        .route("/v1/openapi.json", get(describe))
        // For people, who have a link and no token.
        .route("/f/{secret}", get(files::get).head(files::head))
        .merge(web::pages())
        .fallback(async || Problem::not_found("the description at /v1/openapi.json has all paths"))
        .method_not_allowed_fallback(async || Problem::method())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state)
}

//! A hub as routes of axum: beside an application's own, on one port.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;

use crate::codec::Codec;
use crate::websocket::{EventStream, Hub};

/// The client for browsers and Node, its types, and the page.
const CLIENT: &str = include_str!("web/assets/pubsub.js");
const CLIENT_TYPES: &str = include_str!("web/assets/pubsub.d.ts");
const PAGE: &str = include_str!("web/assets/index.html");
const PAGE_SCRIPT: &str = include_str!("web/assets/page.js");
const PAGE_STYLE: &str = include_str!("web/assets/page.css");

/// Nothing from elsewhere, no script or style in the text, no frame around it: what the page shows are names that anybody may
/// have chosen.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/// The routes of a hub:
///
/// | path | what |
/// |---|---|
/// | `/ws` | the WebSocket, for spokes and for anybody's |
/// | `/sse?topic=a&topic=b:1` | the same events one way, as server-sent events, with `Last-Event-ID` |
/// | `/pubsub.js`, `/pubsub.d.ts` | the client for browsers and Node, and its types |
/// | `/health` | 200 and `ok` while the hub lets clients in, 503 after |
/// | `/`, `/page.js`, `/page.css`, `/stats` | those of [`page`] |
///
/// Nest it where they are wanted. The hub needs no listener of its own.
///
/// The hub watches what has become a WebSocket or an event stream. How long a client may take to send its request, and how many
/// may be about to, is the server's affair: `axum::serve` sets no limit, so put it behind a proxy that does, or serve the router by
/// `hyper` with a [`header_read_timeout`](https://docs.rs/hyper/1/hyper/server/conn/http1/struct.Builder.html#method.header_read_timeout)
/// and a `timer`. A hub that [listens itself](crate::websocket::HubBuilder::bind) has these limits, and so has the command
/// `pubsub hub`.
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use pubsub_transports::{web, websocket::Hub};
///
/// let hub = Hub::builder().start();
/// let app = axum::Router::new().nest("/events", web::router(&hub));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, app).await
/// # }
/// ```
pub fn router<C: Codec>(hub: &Hub<C>) -> Router {
    events(hub).merge(page(hub))
}

/// The routes of [`router`] that serve clients: all but the page.
///
/// # Panics
/// Its handlers run in a runtime of tokio, as those of axum do.
pub fn events<C: Codec>(hub: &Hub<C>) -> Router {
    Router::new()
        .route("/ws", get(web_socket::<C>))
        .route("/sse", get(event_stream::<C>))
        .route("/health", get(health::<C>))
        .route("/pubsub.js", get(|| asset("text/javascript; charset=utf-8", CLIENT)))
        .route("/pubsub.d.ts", get(|| asset("text/plain; charset=utf-8", CLIENT_TYPES)))
        .with_state(hub.clone())
}

/// A page on which topics, rates, connections and queues are seen live, at `/`, and what it shows as JSON, at `/stats`: names
/// and counts, and no payload. Whoever reaches it sees them: put it behind what guards your other pages.
///
/// It loads nothing from elsewhere, and its `Content-Security-Policy` says so. Nested at `/events` it is at `/events`, without a
/// slash at the end.
pub fn page<C: Codec>(hub: &Hub<C>) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/page.js", get(|| asset("text/javascript; charset=utf-8", PAGE_SCRIPT)))
        .route("/page.css", get(|| asset("text/css; charset=utf-8", PAGE_STYLE)))
        .route("/stats", get(stats::<C>))
        .with_state(hub.clone())
}

/// The page, with the folder that everything beside it is in: where the router is nested, its address has no slash at the end.
async fn front(OriginalUri(uri): OriginalUri) -> Response {
    let name = uri.path().rsplit('/').next().unwrap_or_default();
    let folder = if name.is_empty() { "./".to_owned() } else { format!("./{}/", attribute(name)) };
    let page = PAGE.replacen("<base href=\"./\">", &format!("<base href=\"{folder}\">"), 1);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, page).into_response()
}

/// Text of a client's, between the quotes of an attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

async fn web_socket<C: Codec>(State(hub): State<Hub<C>>, request: Request) -> Response {
    match hub.upgrade(request) {
        Ok(response) => response.map(|()| Body::empty()),
        Err((status, reason)) => refusal(status, reason),
    }
}

async fn event_stream<C: Codec>(
    State(hub): State<Hub<C>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let named = query.into_iter().filter(|(name, _)| name == "topic");
    let topics: Vec<String> = named.map(|(_, topic)| topic).collect();
    let last = headers.get("last-event-id").map(|last| last.to_str().unwrap_or("?"));
    let token = match hub.credentials(&headers) {
        Ok(token) => token,
        Err((status, reason)) => return refusal(status, reason),
    };
    match hub.event_stream(&topics, last, token).await {
        Ok(stream) => {
            let headers = [
                (header::CONTENT_TYPE, "text/event-stream"),
                (header::CACHE_CONTROL, "no-store"),
                // Proxies that would wait for the end of it.
                (header::HeaderName::from_static("x-accel-buffering"), "no"),
            ];
            (headers, Body::from_stream(Chunks(stream))).into_response()
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            refusal(status, error.to_string())
        }
    }
}

async fn health<C: Codec>(State(hub): State<Hub<C>>) -> (StatusCode, &'static str) {
    if hub.is_open() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "closing") }
}

async fn stats<C: Codec>(State(hub): State<Hub<C>>) -> Response {
    match serde_json::to_string(&hub.stats()) {
        Ok(stats) => {
            ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], stats)
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

fn refusal(status: StatusCode, reason: String) -> Response {
    let mut response = (status, reason).into_response();
    let says = match status {
        StatusCode::UPGRADE_REQUIRED => Some((header::UPGRADE, "websocket")),
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        _ => None,
    };
    if let Some((name, value)) = says {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

/// A stream that does not fail, as a body wants it.
struct Chunks(EventStream);

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map(|chunk| chunk.map(Ok))
    }
}

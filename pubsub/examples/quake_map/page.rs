//! The files of the page, and what a browser may do with them.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

/// By path: the type and the text.
const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/map.css", "text/css; charset=utf-8", include_str!("page/map.css")),
    ("/map.js", "text/javascript; charset=utf-8", include_str!("page/map.js")),
    ("/projection.js", "text/javascript; charset=utf-8", include_str!("page/projection.js")),
    ("/land.js", "text/javascript; charset=utf-8", include_str!("page/land.js")),
];

/// Nothing from elsewhere, and no script or style in the text: what is drawn comes from whoever publishes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        let headers: [(HeaderName, &str); 4] = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        router.route(path, get(async move || (headers, text)))
    })
}

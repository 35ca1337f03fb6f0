//! The owner's panel, built beforehand and carried inside the program.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../../web-admin/dist"]
#[allow_missing = true]
struct Files;

/// Vite puts what it names by content hash here.
const HASHED: &str = "assets/";

/// Serves the panel; its pages have addresses that only it knows, so what is no file is the
/// start page.
pub(crate) async fn serve(request: Request) -> Response {
    respond::<Files>(&request)
}

fn respond<F: RustEmbed>(request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            [(header::ALLOW, "GET, HEAD")],
        )
            .into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_page = !path.contains('.') && !path.starts_with(HASHED) && path != "api";
    let (name, file) = match F::get(path) {
        Some(file) => (path, Some(file)),
        None if is_page => ("index.html", F::get("index.html")),
        None => (path, None),
    };
    match file {
        Some(file) => send(name, &file, request),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send(name: &str, file: &EmbeddedFile, request: &Request) -> Response {
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let caching = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(file.data.clone().into_owned()));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(media_type(name)),
        );
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "src/panel/example"]
    struct Example;

    fn get(path: &str, known: Option<&str>) -> Response {
        let mut request = Request::get(path);
        if let Some(etag) = known {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        respond::<Example>(&request.body(Body::empty()).unwrap())
    }

    fn header_of(response: &Response, name: header::HeaderName) -> &str {
        response.headers().get(name).unwrap().to_str().unwrap()
    }

    #[test]
    fn pages_are_the_start_page_and_files_are_files() {
        for path in ["/", "/storage", "/wallets/0x12", "/index.html"] {
            let response = get(path, None);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let kind = header_of(&response, header::CONTENT_TYPE);
            assert_eq!(kind, "text/html; charset=utf-8", "{path}");
            let caching = header_of(&response, header::CACHE_CONTROL);
            assert_eq!(caching, "no-cache", "{path}");
        }
        let asset = get("/assets/index-1a2b3c.js", None);
        assert_eq!(
            header_of(&asset, header::CONTENT_TYPE),
            "text/javascript; charset=utf-8"
        );
        assert!(header_of(&asset, header::CACHE_CONTROL).contains("immutable"));
        for path in [
            "/assets/gone",
            "/assets/gone.js",
            "/gone.png",
            "/api",
            "/../Cargo.toml",
        ] {
            assert_eq!(get(path, None).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn an_unchanged_file_is_not_sent_again() {
        let etag = header_of(&get("/", None), header::ETAG).to_owned();
        let again = get("/", Some(&format!("\"other\", W/{etag}")));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/", Some("\"other\"")).status(), StatusCode::OK);
    }
}

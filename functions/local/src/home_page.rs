//! `GET /`: the values and commands that the console prints, as a page.
//!
//! The page holds secrets, as the console output does. `local` listens on loopback only, and
//! `local_only` refuses a page whose name was pointed at loopback (DNS rebinding).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;

use crate::html;
use crate::instance_info::InstanceInfo;
use crate::local_only::local_only;
use saml::xml::escape;

/// The route `/`.
pub(crate) fn router(info: &InstanceInfo) -> Router {
    let body: Arc<str> = body(info).into();
    Router::new().route("/", get(page)).with_state(body).route_layer(from_fn(local_only))
}

async fn page(State(body): State<Arc<str>>) -> Response {
    html::wide("Gatehouse is running", &body)
}

fn body(info: &InstanceInfo) -> String {
    format!(
        "<p class=\"mut\">This page shows secrets, and only this machine can open it.</p>\
         <section class=\"card\"><h2>Sign in</h2>\
         <p>The demo app sends you to the demo identity provider of {domain} and shows what \
         Gatehouse says about the user.</p>\
         <p class=\"actions\"><a class=\"btn p\" href=\"/demo\">Open the demo app</a> \
         <a class=\"btn\" href=\"/demo/events\">Changes of the directory</a></p></section>\
         <section class=\"card\"><h2>Values</h2><dl>{values}</dl></section>\
         <section class=\"card\"><h2>Commands</h2>{examples}</section>\
         <section class=\"card\"><h2>Documentation</h2><p>In the folder of the source code:</p>\
         <dl>{documents}</dl></section>",
        domain = escape(&info.tenant.domain),
        values = values(info),
        examples = examples(info),
        documents = documents(),
    )
}

fn values(info: &InstanceInfo) -> String {
    let values = info.values().into_iter().map(|(name, value)| {
        format!("<dt>{name}</dt><dd><code class=\"copy\">{}</code></dd>", escape(&value))
    });
    values.collect()
}

fn examples(info: &InstanceInfo) -> String {
    let examples = info.examples().into_iter().map(|(title, command)| {
        format!("<h3>{title}</h3><pre class=\"copy\">{}</pre>", escape(&command))
    });
    examples.collect()
}

fn documents() -> String {
    let documents = DOCUMENTS.iter().map(|(file, contents)| {
        format!("<dt><code class=\"copy\">{file}</code></dt><dd>{contents}</dd>")
    });
    documents.collect()
}

/// Files of the repository, and their contents in a few words.
const DOCUMENTS: [(&str, &str); 5] = [
    ("docs/README.md", "index of all documents"),
    ("docs/integrate.md", "connect your app"),
    ("docs/scim.md", "provision users and groups"),
    ("docs/operator-api.md", "set up tenants, tokens and connections"),
    ("docs/cli.md", "the command line tool"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt as _;

    use super::{DOCUMENTS, router};
    use crate::instance_info::tests::info;

    async fn get(host: &str) -> (StatusCode, String) {
        let request = Request::get("/").header("host", host).body(Body::empty()).unwrap();
        let response = router(&info()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_shows_every_value_and_command() {
        let (status, page) = get("127.0.0.1:7400").await;
        assert_eq!(status, StatusCode::OK);
        let info = info();
        let commands = info.examples().into_iter().map(|(_, command)| command);
        for text in info.values().into_iter().map(|(_, value)| value).chain(commands) {
            assert!(page.contains(&*saml::xml::escape(&text)), "{text}");
        }
        assert!(page.contains("href=\"/demo\""));
    }

    #[tokio::test]
    async fn a_page_of_another_name_cannot_read_the_secrets() {
        let (status, page) = get("evil.example:7400").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(!page.contains("token"), "{page}");
    }

    #[test]
    fn every_document_exists() {
        for (file, _) in DOCUMENTS {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            assert!(root.join(file).is_file(), "{file}");
        }
    }
}

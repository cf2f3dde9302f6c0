//! Metadata from a URL, fetched once and refreshed. The host is this machine, as on a laptop.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use harness::saml::keys::KEYS;
use harness::saml::metadata;
use harness::saml::world::IDP;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

/// A host with metadata that can be changed.
struct Host {
    base: String,
    document: Arc<Mutex<String>>,
}

impl Host {
    async fn new() -> Self {
        let document = Arc::new(Mutex::new(metadata::usual(IDP)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let show =
            async |State(document): State<Arc<Mutex<String>>>| document.lock().unwrap().clone();
        let router = Router::new()
            .route("/metadata", get(show))
            .route("/once", get(async || Redirect::temporary("/metadata")))
            .route("/folder/relative", get(async || Redirect::temporary("../once")))
            .route("/loop", get(async || Redirect::temporary("/loop")))
            .route("/away", get(async || Redirect::temporary("https://169.254.169.254/")))
            .route(
                "/file",
                get(async || [(header::LOCATION, "file:///etc/passwd")].into_response()),
            )
            .route("/large", get(async || "x".repeat(1_100_000)))
            .route("/gone", get(async || StatusCode::GONE))
            .route("/slow", get(std::future::pending::<()>))
            .with_state(Arc::clone(&document));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, document }
    }

    fn set(&self, document: String) {
        *self.document.lock().unwrap() = document;
    }
}

async fn laptop() -> TestApp {
    let url = "http://127.0.0.1:7400".to_owned();
    let test = TestApp::with(|config| config.base_url = Some(url)).await;
    test.travel().await;
    test
}

async fn connect(test: &TestApp, url: String) -> Answer {
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    test.operator(Method::PUT, &path, Some(json!({"idp_metadata_url": url}))).await
}

fn with_keys(keys: &[&harness::saml::keys::KeyPair]) -> String {
    let keys: String = keys.iter().map(|pair| metadata::key("use=\"signing\"", pair)).collect();
    metadata::entity(IDP, &metadata::descriptor(&keys, &metadata::services()))
}

fn certificates(shown: &Value) -> usize {
    shown["idp"]["certificates"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_url_is_fetched_and_redirects_are_followed_within_limits() {
    let (test, host) = (laptop().await, Host::new().await);
    for (path, part) in [
        ("/loop", "redirects"),
        ("/away", "not public"),
        ("/file", "cannot be used"),
        ("/large", "over"),
        ("/gone", "410"),
    ] {
        let problem = connect(&test, format!("{}{path}", host.base)).await.expect(400);
        assert!(problem.text("detail").contains(part), "{path}: {}", problem.text("detail"));
    }
    connect(&test, format!("{}/folder/relative", host.base)).await.expect(200);
    let shown = connect(&test, format!("{}/once", host.base)).await.expect(200).json();
    assert_eq!(shown["idp"]["entity_id"], IDP);
    assert_eq!(shown["metadata_url"], format!("{}/once", host.base));
}

#[tokio::test]
async fn a_host_that_does_not_answer_times_out() {
    let (test, host) = (laptop().await, Host::new().await);
    let started = std::time::Instant::now();
    let problem = connect(&test, format!("{}/slow", host.base)).await.expect(400);
    assert!(problem.text("detail").contains("five seconds"));
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_refresh_adds_keys_and_leaves_decisions_to_a_person() {
    let (test, host) = (laptop().await, Host::new().await);
    connect(&test, format!("{}/metadata", host.base)).await.expect(200);
    let path = format!("/v1/tenants/{}/connections/acme.com/refresh", test.acme.id);
    let refresh = || test.operator(Method::POST, &path, None);

    host.set(with_keys(&[&KEYS.idp, &KEYS.idp_next]));
    assert_eq!(certificates(&refresh().await.expect(200).json()), 2);
    host.set(with_keys(&[&KEYS.idp_next]));
    assert_eq!(certificates(&refresh().await.expect(200).json()), 1);
    // All keys replaced at once: the known one stays until the next refresh.
    host.set(with_keys(&[&KEYS.idp]));
    let shown = refresh().await.expect(200).json();
    assert_eq!(certificates(&shown), 2);
    assert!(shown["idp"]["warnings"].to_string().contains("replaced at once"), "{shown}");
    assert_eq!(certificates(&refresh().await.expect(200).json()), 1);

    host.set(metadata::usual("https://another.example/"));
    assert!(refresh().await.expect(409).text("detail").contains("https://another.example/"));
    host.set(metadata::usual(IDP).replace("https://idp.example/sso", "https://evil.example/sso"));
    assert!(refresh().await.expect(409).text("detail").contains("evil.example"));
    host.set("<html/>".to_owned());
    refresh().await.expect(400);
    let path = format!("/v1/tenants/{}/connections/acme.com", test.acme.id);
    let shown = test.operator(Method::GET, &path, None).await.expect(200).json();
    assert_eq!((&shown["idp"]["entity_id"], certificates(&shown)), (&json!(IDP), 1));
}

#[tokio::test]
async fn all_due_connections_are_refreshed_in_one_call() {
    let (test, host) = (laptop().await, Host::new().await);
    connect(&test, format!("{}/metadata", host.base)).await.expect(200);
    host.set(with_keys(&[&KEYS.idp, &KEYS.idp_next]));
    let all = || test.operator(Method::POST, "/v1/connections/refresh", None);
    assert_eq!(all().await.expect(200).json()["refreshed"], json!([]));
    test.clock.advance(Duration::from_hours(12));
    assert_eq!(all().await.expect(200).json()["refreshed"], json!(["acme.com"]));
    assert_eq!(all().await.expect(200).json()["refreshed"], json!([]));
    test.clock.advance(Duration::from_hours(12));
    host.set("gone".to_owned());
    let failed = all().await.expect(200).json();
    assert_eq!(failed["failed"][0]["domain"], "acme.com", "{failed}");
    let path = format!("/v1/tenants/{}/activity", test.acme.id);
    let activity = test.operator(Method::GET, &path, None).await.json().to_string();
    assert!(activity.contains("connection.metadata_changed"), "{activity}");
}

/// Creates two due connections for each of `tenants` tenants.
async fn due(tenants: usize, path: &str) -> (TestApp, Host, Vec<String>) {
    let (test, host) = (laptop().await, Host::new().await);
    let mut domains = Vec::new();
    for number in 0..tenants {
        let tenant = test.tenant(&format!("Tenant {number}")).await.id;
        for name in ["a", "b"] {
            let domain = format!("{name}{number}.example");
            let at = format!("/v1/tenants/{tenant}/connections/{domain}");
            let body = json!({"idp_metadata_url": format!("{}/metadata", host.base)});
            test.operator(Method::PUT, &at, Some(body)).await.expect(200);
            let mut stored = test
                .app
                .store
                .connection(tenant.parse().unwrap(), &domain.parse().unwrap())
                .await
                .unwrap()
                .unwrap();
            let trust = stored.connection.trust.as_mut().unwrap();
            trust.metadata_url = Some(format!("{}{path}", host.base));
            let version = Some(stored.version);
            let tenant = stored.connection.tenant;
            test.app.store.put_connection(tenant, version, &stored.connection, None).await.unwrap();
            domains.push(domain);
        }
    }
    test.clock.advance(Duration::from_hours(12));
    (test, host, domains)
}

async fn round(test: &TestApp, query: &str) -> Value {
    let path = format!("/v1/connections/refresh{query}");
    test.operator(Method::POST, &path, None).await.expect(200).json()
}

#[tokio::test]
async fn a_call_continues_where_the_previous_call_stopped() {
    let (test, _host, domains) = due(3, "/metadata").await;
    let mut seen: Vec<String> = Vec::new();
    let mut query = "?limit=1".to_owned();
    for _ in 0..domains.len() {
        let view = round(&test, &query).await;
        let refreshed: Vec<String> = serde_json::from_value(view["refreshed"].clone()).unwrap();
        assert_eq!(refreshed.len(), 1, "{view}");
        seen.extend(refreshed);
        query = format!("?limit=1&cursor={}", view["next_cursor"].as_str().unwrap());
    }
    assert_eq!(seen, domains);
    let view = round(&test, &query).await;
    assert_eq!((&view["refreshed"], &view["next_cursor"]), (&json!([]), &Value::Null));
    test.operator(Method::POST, "/v1/connections/refresh?cursor=acme", None).await.expect(400);
}

#[tokio::test]
async fn repeated_calls_of_a_scheduler_reach_every_connection() {
    // Nothing is accepted, so that only the position advances the calls.
    let (test, _host, domains) = due(3, "/gone").await;
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..3 {
        let view = round(&test, "?resume=true&limit=2").await;
        assert_eq!(view["refreshed"], json!([]));
        let failed = view["failed"].as_array().unwrap().iter();
        seen.extend(failed.map(|failed| failed["domain"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, domains);
    // After the end the next call starts over. A manual call changed nothing.
    assert_eq!(round(&test, "?resume=true").await["failed"], json!([]));
    round(&test, "?limit=1").await;
    let again = round(&test, "?resume=true&limit=1").await;
    assert_eq!(again["failed"][0]["domain"], domains[0]);
}

#[tokio::test]
async fn a_call_ends_in_time_even_if_the_hosts_are_slow() {
    let (test, _host, domains) = due(25, "/slow").await;
    // From here on the clock runs.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let view = round(&test, "?resume=true").await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(29), "{took:?}");
    let failed = view["failed"].as_array().unwrap().len();
    assert!((1..domains.len()).contains(&failed), "{failed}");
    assert!(view["next_cursor"].is_string(), "{view}");
}

/// A federation of two members, of which one has this scope.
fn federation(scope: &str) -> String {
    let key = metadata::key("use=\"signing\"", &KEYS.idp);
    let role = metadata::descriptor(&key, &metadata::services());
    let extensions = format!(
        "<md:Extensions><shibmd:Scope xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\">{scope}\
         </shibmd:Scope></md:Extensions>"
    );
    let member = metadata::entity(IDP, &format!("{extensions}{role}"));
    metadata::federation(&format!("{member}{}", metadata::usual("https://other.example/saml")))
}

#[tokio::test]
async fn sessions_end_when_a_member_of_a_federation_loses_its_scope() {
    let (test, host) = (laptop().await, Host::new().await);
    host.set(federation("acme.com"));
    test.verify_domain(&test.acme.id, "acme.com").await;
    connect(&test, format!("{}/metadata", host.base)).await.expect(200);
    let user = test.user("ada@acme.com").await;
    let app = test.app(false).await;
    let tokens = test.tokens(&app, &user, harness::oidc::GOOD).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    let path = format!("/v1/tenants/{}/connections/acme.com/refresh", test.acme.id);
    for (scope, status) in [("acme.com", 200), ("acme.org", 401)] {
        host.set(federation(scope));
        test.operator(Method::POST, &path, None).await.expect(200);
        test.userinfo(access_token).await.expect(status);
    }
}

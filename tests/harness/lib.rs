//! The harness of the integration tests: the real routers with embedded AWS services and a clock
//! that stands still.
//!
//! [`TestApp`] is the deployment. The other modules build requests and documents for it:
//! [`browser`] and [`saml`] sign people in, [`oidc`] is the app, [`openapi`] checks every answer
//! of the operator API and of the directory API.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod answer;
pub mod bench;
pub mod browser;
pub mod dns;
pub mod items;
pub mod oidc;
pub mod openapi;
pub mod saml;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use jiff::Timestamp;
use local::dynamodb::Dynamo;
use local::secrets_manager::SecretsManager;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::{Config, OperatorAuth, RateLimit};
use shared::runtime::state::AppState;
use shared::secrets::SecretName;
use tower::ServiceExt as _;

pub use crate::answer::Answer;

/// A deployment in memory: all routers, and one tenant.
pub struct TestApp {
    /// The state of the routers.
    pub app: AppState,
    /// The clock, which tests advance.
    pub clock: Clock,
    /// The first tenant.
    pub acme: Tenant,
    router: Router,
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The tenant's id.
    pub id: String,
    /// A valid SCIM token of the tenant.
    pub token: String,
}

/// The operator key of the tests.
pub const OPERATOR_KEY: &str = "operator-key-of-the-tests";

impl TestApp {
    /// Creates a deployment at 2026-01-01.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Creates a deployment with a rate limit per tenant.
    pub async fn with_rate_limit(per_second: u32, burst: u32) -> Self {
        Self::with(|config| {
            config.rate_limit = NonZeroU32::new(per_second)
                .zip(NonZeroU32::new(burst))
                .map(|(per_second, burst)| RateLimit { per_second, burst });
        })
        .await
    }

    /// Creates a deployment with another configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dynamo = Dynamo::memory().expect("an embedded DynamoDB");
        Self::over(dynamo.client(), change).await
    }

    /// Creates a deployment with a DynamoDB client, which may count calls or make some fail.
    pub async fn over(
        dynamodb: aws_sdk_dynamodb::Client,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config {
            stage: "test".to_owned(),
            table: "gatehouse".to_owned(),
            base_url: Some("https://gatehouse.example".to_owned()),
            rate_limit: None,
            operator_auth: OperatorAuth::Key,
            dns: None,
        };
        change(&mut config);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let clock = Clock::standing_at(start);
        let secrets = SecretsManager::memory().client();
        let app = AppState::new(config, clock.clone(), dynamodb.clone(), secrets.clone());
        app.store.create_table().await.expect("a table");
        let key = SecretString::from(OPERATOR_KEY);
        app.secrets.put(SecretName::OperatorKey, &key).await.expect("an operator key");
        let key = SecretString::from("cursor-key-of-the-tests-32-bytes");
        app.secrets.put(SecretName::CursorKey, &key).await.expect("a cursor key");
        let key = SecretString::from("link-key-of-the-tests-of-32-byte");
        app.secrets.put(SecretName::LinkKey, &key).await.expect("a link key");
        let router = shared::scim_api::router(app.clone())
            .merge(openapi::router(app.clone()))
            .merge(openapi::directory_router(app.clone()))
            .merge(shared::saml_api::acs_router(app.clone()))
            .merge(shared::saml_api::metadata_router(app.clone()))
            .merge(shared::oidc_api::router(app.clone()));
        let none_yet = Tenant { id: String::new(), token: String::new() };
        let mut this = Self { app, clock, acme: none_yet, router, dynamodb, secrets };
        this.acme = this.tenant("Acme").await;
        this
    }

    /// Returns the state of a second process with another configuration, on the same table and
    /// secrets.
    pub fn with_config(&self, config: Config) -> AppState {
        AppState::new(config, self.clock.clone(), self.dynamodb.clone(), self.secrets.clone())
    }

    /// Returns the same deployment with another router, such as that of a second process.
    #[must_use]
    pub fn beside(&self, router: Router) -> Self {
        Self {
            app: self.app.clone(),
            clock: self.clock.clone(),
            acme: self.acme.clone(),
            router,
            dynamodb: self.dynamodb.clone(),
            secrets: self.secrets.clone(),
        }
    }

    /// Verifies a domain of a tenant by the word of the operator.
    pub async fn verify_domain(&self, tenant: &str, domain: &str) {
        let path = format!("/v1/tenants/{tenant}/domains/{domain}");
        let body = json!({"verified_by": "operator"});
        self.operator(Method::PUT, &path, Some(body)).await.expect(200);
    }

    /// Creates a tenant with a token through the operator API.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let made = self.operator(Method::POST, "/v1/tenants", Some(json!({"name": name}))).await;
        let id = made.expect(201).text("id");
        let path = format!("/v1/tenants/{id}/scim-tokens");
        let token = self.operator(Method::POST, &path, None).await.expect(201).text("token");
        Tenant { id, token }
    }

    /// Sends a SCIM request as the first tenant; `path` begins after `/scim/v2`.
    pub async fn scim(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.scim_as(&self.acme.token, method, path, body).await
    }

    /// Sends a SCIM GET as the first tenant.
    pub async fn get(&self, path: &str) -> Answer {
        self.scim(Method::GET, path, None).await
    }

    /// Sends a SCIM POST as the first tenant.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.scim(Method::POST, path, Some(body)).await
    }

    /// Sends a SCIM PATCH with these operations as the first tenant.
    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.scim(Method::PATCH, path, Some(body)).await
    }

    /// Sends a SCIM request with any token.
    pub async fn scim_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/scim+json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
        self.send(request.expect("a request")).await
    }

    /// Sends a request to the operator API.
    pub async fn operator(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {OPERATOR_KEY}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
        self.send(request.expect("a request")).await
    }

    /// Sends any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let sent = format!("{} {}", request.method(), request.uri());
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        Answer::of(sent, response).await
    }

    /// Returns all rows of the table as text, the same for the same rows.
    pub async fn rows(&self) -> String {
        let scan = self.dynamodb.scan().table_name(&self.app.config.table);
        let scan = scan.send().await.expect("a scan");
        let rows: Vec<BTreeMap<_, _>> =
            scan.items().iter().map(|row| row.iter().collect()).collect();
        format!("{rows:?}")
    }

    /// Creates a user of the first tenant; returns the id.
    pub async fn user(&self, user_name: &str) -> String {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
        });
        self.post("/Users", body).await.expect(201).text("id")
    }
}

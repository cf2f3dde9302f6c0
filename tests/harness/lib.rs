//! What the integration tests share: the real routers over the embedded AWS services, with a
//! clock that stands still.

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
pub mod items;
pub mod oidc;
pub mod openapi;
pub mod saml;

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

/// All routers of a deployment in memory, with one tenant in it.
pub struct TestApp {
    /// The state behind the routers.
    pub app: AppState,
    /// Moves the time.
    pub clock: Clock,
    /// The first tenant.
    pub acme: Tenant,
    router: Router,
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

/// A tenant and a token of it.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// A live SCIM token.
    pub token: String,
}

/// What the operator API takes as bearer in tests.
pub const OPERATOR_KEY: &str = "operator-key-of-the-tests";

impl TestApp {
    /// A fresh deployment at 2026-01-01.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A fresh deployment that lets one tenant make so many requests a second.
    pub async fn with_rate_limit(per_second: u32, burst: u32) -> Self {
        Self::with(|config| {
            config.rate_limit = NonZeroU32::new(per_second)
                .zip(NonZeroU32::new(burst))
                .map(|(per_second, burst)| RateLimit { per_second, burst });
        })
        .await
    }

    /// A fresh deployment with a configuration of its own.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dynamo = Dynamo::memory().expect("an embedded DynamoDB");
        Self::over(dynamo.client(), change).await
    }

    /// A fresh deployment over a DynamoDB client: one that counts calls, or makes some fail.
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
        let router = shared::scim_api::router(app.clone())
            .merge(openapi::router(app.clone()))
            .merge(shared::saml_api::acs_router(app.clone()))
            .merge(shared::saml_api::metadata_router(app.clone()))
            .merge(shared::oidc_api::router(app.clone()));
        let nobody = Tenant { id: String::new(), token: String::new() };
        let mut this = Self { app, clock, acme: nobody, router, dynamodb, secrets };
        this.acme = this.tenant("Acme").await;
        this
    }

    /// A second process with a configuration of its own, on the same table and secrets.
    pub fn with_config(&self, config: Config) -> AppState {
        AppState::new(config, self.clock.clone(), self.dynamodb.clone(), self.secrets.clone())
    }

    /// The same deployment seen through another process's router.
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

    /// Makes a tenant with a token, through the operator API.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let made = self.operator(Method::POST, "/v1/tenants", Some(json!({"name": name}))).await;
        let id = made.expect(201).text("id");
        let path = format!("/v1/tenants/{id}/scim-tokens");
        let token = self.operator(Method::POST, &path, None).await.expect(201).text("token");
        Tenant { id, token }
    }

    /// A SCIM request of the first tenant; `path` begins after `/scim/v2`.
    pub async fn scim(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.scim_as(&self.acme.token, method, path, body).await
    }

    /// GET as the first tenant.
    pub async fn get(&self, path: &str) -> Answer {
        self.scim(Method::GET, path, None).await
    }

    /// POST as the first tenant.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.scim(Method::POST, path, Some(body)).await
    }

    /// PATCH as the first tenant, with the operations of a `PatchOp`.
    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.scim(Method::PATCH, path, Some(body)).await
    }

    /// A SCIM request with any token.
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

    /// A request of the operator.
    pub async fn operator(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {OPERATOR_KEY}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
        self.send(request.expect("a request")).await
    }

    /// Any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let sent = format!("{} {}", request.method(), request.uri());
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        Answer::of(sent, response).await
    }

    /// All rows of the table, as text.
    pub async fn rows(&self) -> String {
        let scan = self.dynamodb.scan().table_name(&self.app.config.table);
        format!("{:?}", scan.send().await.expect("a scan").items())
    }

    /// Makes a user of the first tenant and gives its id.
    pub async fn user(&self, user_name: &str) -> String {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
        });
        self.post("/Users", body).await.expect(201).text("id")
    }
}

//! A deployment on a laptop, and an app that receives its events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{any, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use harness::{Answer, TestApp};
use local::dynamodb::Dynamo;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};
use shared::events::{Deliverer, Run, publish};
use shared::http::guarded_client::Reach;
use shared::runtime::state::AppState;
use shared::store::Lane;
use shared::webhooks::Sender;
use tokio::sync::Notify;
use types::ids::TenantId;

/// A message that the receiver got.
#[derive(Clone, Debug)]
pub(super) struct Received {
    headers: HeaderMap,
    pub(super) body: String,
}

impl Received {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Verifies the message as a receiver does that knows one secret.
    pub(super) fn is_signed_by(&self, secret: &str) -> bool {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = PKey::hmac(&key).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        signer.update(format!("{id}.{time}.{}", self.body).as_bytes()).unwrap();
        let wanted = format!("v1,{}", BASE64_STANDARD.encode(signer.sign_to_vec().unwrap()));
        self.header("webhook-signature").split(' ').any(|signature| signature == wanted)
    }
}

/// The app that receives the messages.
#[derive(Clone, Default)]
pub(super) struct Receiver {
    received: Arc<Mutex<Vec<Received>>>,
    /// Notified of each message.
    arrived: Arc<Notify>,
    /// Statuses of the next answers; 204 when there is none.
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// A tenant that is deleted while the first message is answered.
    pub(super) deletes: Arc<Mutex<Option<(AppState, TenantId)>>>,
    /// Messages that are being answered, and the most at a time.
    pub(super) at_once: Arc<Mutex<(usize, usize)>>,
}

impl Receiver {
    /// Listens, and returns the base URL.
    pub(super) async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", post(hook))
            .route("/redirect", any(async || Redirect::temporary("/hook")))
            .route("/slow", any(std::future::pending::<()>))
            .route("/large", any(async || "x".repeat(1_000_000)))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        base
    }

    pub(super) fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// Waits until this many messages have come since the last call of `take`.
    pub(super) async fn wait_for(&self, messages: usize) {
        while self.received.lock().unwrap().len() < messages {
            self.arrived.notified().await;
        }
    }

    /// Returns the messages since the last call of this.
    pub(super) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    pub(super) fn take_ids(&self) -> Vec<String> {
        self.take().iter().map(|message| message.header("webhook-id").to_owned()).collect()
    }
}

async fn hook(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    {
        let mut at_once = receiver.at_once.lock().unwrap();
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
    }
    tokio::task::yield_now().await;
    let body = String::from_utf8(body.to_vec()).unwrap();
    receiver.received.lock().unwrap().push(Received { headers, body });
    receiver.arrived.notify_one();
    let deleted = receiver.deletes.lock().unwrap().take();
    if let Some((app, tenant)) = deleted {
        app.store.delete_tenant(tenant).await.unwrap();
    }
    receiver.at_once.lock().unwrap().0 -= 1;
    let status = receiver.answers.lock().unwrap().pop_front().unwrap_or(204);
    StatusCode::from_u16(status).unwrap().into_response()
}

/// A deployment on a laptop, and an app that receives its events.
pub(super) struct World {
    pub(super) test: TestApp,
    pub(super) receiver: Receiver,
    base: String,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::over(Dynamo::memory().unwrap().client()).await
    }

    pub(super) async fn over(dynamodb: aws_sdk_dynamodb::Client) -> Self {
        let url = "http://127.0.0.1:7400".to_owned();
        let test = TestApp::over(dynamodb, |config| config.base_url = Some(url)).await;
        let receiver = Receiver::default();
        let base = receiver.listen().await;
        Self { test, receiver, base }
    }

    /// Creates a webhook for a path of the receiver; returns its id and its secret.
    pub(super) async fn webhook(&self, path: &str, more: Value) -> (String, String) {
        let mut body = json!({"url": format!("{}{path}", self.base)});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.test.operator(Method::POST, "/v1/webhooks", Some(body)).await.expect(201);
        (made.text("id"), made.text("secret"))
    }

    pub(super) async fn call(
        &self,
        method: Method,
        id: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.test.operator(method, &format!("/v1/webhooks/{id}{path}"), body).await
    }

    pub(super) async fn show(&self, id: &str) -> Value {
        self.call(Method::GET, id, "", None).await.expect(200).json()
    }

    pub(super) fn deliverer(&self, reach: Reach) -> Deliverer {
        let app = &self.test.app;
        let sender = Sender::new(reach).unwrap().with_time_limit(Duration::from_millis(200));
        let (store, secrets, clock) = (app.store.clone(), Arc::clone(&app.secrets), &app.clock);
        Deliverer::new(store, secrets, clock.clone(), sender)
    }

    /// Publishes the events of all changes, and delivers what is due.
    pub(super) async fn deliver(&self) {
        let app = &self.test.app;
        publish(&app.store, &app.clock, Lane::all()).await.unwrap();
        self.deliverer(Reach::Loopback).deliver_due(run()).await;
    }

    pub(super) async fn users(&self, names: std::ops::Range<usize>) {
        for n in names {
            self.test.user(&format!("user{n}@acme.com")).await;
        }
    }

    /// Returns the ids of all events of the feed, in order.
    pub(super) async fn feed(&self) -> Vec<String> {
        let store = &self.test.app.store;
        let head = store.feed_head().await.unwrap();
        let page = store.events_after(head, 0, 1_000, self.test.clock.now()).await.unwrap();
        let shared::store::FeedPage::Events(events) = page else { panic!("expired") };
        events.into_iter().map(|event| event.id).collect()
    }
}

pub(super) fn run() -> Run {
    Run::within(Duration::from_mins(1))
}

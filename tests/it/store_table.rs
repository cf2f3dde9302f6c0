//! A table for the store's tests: counts calls and capacity, and fails on demand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use shared::ids::{ResourceId, TenantId};
use shared::store::{Licence, SeatWish, Store, UserKeys, UserWrite, retry_config};
use uuid::Uuid;

/// The embedded table behind a connector that watches it.
#[derive(Clone)]
pub(crate) struct Table {
    database: Database,
    state: Arc<Mutex<State>>,
}

/// What was used since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) calls: Vec<String>,
    pub(crate) units: f64,
}

#[derive(Debug, Default)]
struct State {
    used: Used,
    faults: VecDeque<Fault>,
}

/// What to answer instead of the truth.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This many calls go through first.
    After(usize, Box<Fault>),
    /// An error with this code, and nothing is done.
    Error(&'static str),
    /// A transaction cancelled with these reasons.
    Cancelled(Vec<&'static str>),
    /// The call is done, and its answer is lost.
    AnswerLost,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { database: Database::memory().unwrap(), state: Arc::default() }
    }

    /// A store on the table, which exists.
    pub(crate) async fn store() -> (Self, Store) {
        let table = Self::new();
        let store = table.open();
        store.create_table().await.unwrap();
        table.take();
        (table, store)
    }

    /// Another process on the same table: it shares no hints.
    pub(crate) fn open(&self) -> Store {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url("http://dynamodb.test")
            .retry_config(retry_config())
            .http_client(self.clone())
            .build();
        Store::new(Client::from_conf(config), "gatehouse")
    }

    /// What was used since the last call of this.
    pub(crate) fn take(&self) -> Used {
        std::mem::take(&mut self.state.lock().unwrap().used)
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.state.lock().unwrap().faults.push_back(fault);
    }

    /// Every row, as DynamoDB's JSON.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({"TableName": "gatehouse"});
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let answer: Value = serde_json::from_slice(
                &dispatch(&self.database, "Scan", request.to_string().as_bytes()).unwrap(),
            )
            .unwrap();
            rows.extend(answer["Items"].as_array().unwrap().iter().cloned());
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                return rows;
            }
        }
    }

    /// Rows whose partition key ends in this.
    pub(crate) fn rows_of(&self, suffix: &str) -> Vec<Value> {
        let mut rows = self.rows();
        rows.retain(|row| row["pk"]["S"].as_str().unwrap().ends_with(suffix));
        rows
    }

    fn next_fault(&self) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        match state.faults.pop_front()? {
            Fault::After(0, fault) => Some(*fault),
            Fault::After(calls, fault) => {
                state.faults.push_front(Fault::After(calls - 1, fault));
                None
            }
            fault => Some(fault),
        }
    }

    fn answer(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        match self.next_fault() {
            None => self.execute(operation, body),
            Some(Fault::AnswerLost) => {
                self.execute(operation, body);
                error("InternalServerError", &json!({}))
            }
            Some(Fault::Error(code)) => error(code, &json!({})),
            Some(Fault::Cancelled(codes)) => {
                let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
                error("TransactionCanceledException", &json!({"CancellationReasons": reasons}))
            }
            Some(Fault::After(..)) => unreachable!("resolved by next_fault"),
        }
    }

    fn execute(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut request: Value = serde_json::from_slice(body).unwrap();
        if !operation.ends_with("Table") && operation != "UpdateTimeToLive" {
            request["ReturnConsumedCapacity"] = json!("TOTAL");
        }
        let answer = dispatch(&self.database, operation, request.to_string().as_bytes());
        let mut state = self.state.lock().unwrap();
        state.used.calls.push(operation.to_owned());
        match answer {
            Ok(body) => {
                let answer: Value = serde_json::from_slice(&body).unwrap();
                let consumed = &answer["ConsumedCapacity"];
                let all = consumed.as_array().cloned().unwrap_or_else(|| vec![consumed.clone()]);
                state.used.units +=
                    all.iter().filter_map(|one| one["CapacityUnits"].as_f64()).sum::<f64>();
                (200, body)
            }
            Err(error) => (error.status_code(), error.to_json().into_bytes()),
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

impl HttpConnector for Table {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let table = self.clone();
        HttpConnectorFuture::new(async move {
            // Lets concurrent callers take turns, as a network would.
            tokio::task::yield_now().await;
            let (status, body) = table.answer(&operation, request.body().bytes().unwrap());
            let status = StatusCode::try_from(status).unwrap();
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            Ok(response)
        })
    }
}

impl HttpClient for Table {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn error(code: &str, more: &Value) -> (u16, Vec<u8>) {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}")});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    (if code == "InternalServerError" { 500 } else { 400 }, body.to_string().into_bytes())
}

fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    macro_rules! call {
        ($method:ident) => {{
            let request = serde_json::from_slice(body)
                .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
            Ok(serde_json::to_vec(&database.$method(request)?).unwrap())
        }};
    }
    match operation {
        "BatchGetItem" => call!(batch_get_item),
        "BatchWriteItem" => call!(batch_write_item),
        "CreateTable" => call!(create_table),
        "DeleteItem" => call!(delete_item),
        "GetItem" => call!(get_item),
        "PutItem" => call!(put_item),
        "Query" => call!(query),
        "Scan" => call!(scan),
        "TransactWriteItems" => call!(transact_write_items),
        "UpdateItem" => call!(update_item),
        "UpdateTimeToLive" => call!(update_time_to_live),
        other => panic!("the store calls {other}"),
    }
}

/// The `n`th tenant.
pub(crate) fn tenant(n: u128) -> TenantId {
    TenantId::new(Uuid::from_u128((0x0189_0000_0000_7000_8000 << 48) | n))
}

/// The `n`th of a series of ids that are spread like random ones.
pub(crate) fn id(n: u64) -> ResourceId {
    let mix = |seed: u64| {
        let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    };
    let bits = (u128::from(mix(n)) << 64) | u128::from(mix(!n));
    ResourceId::new(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
}

/// The `n`th user: an address as `userName`, an `externalId`, no seat.
pub(crate) fn user(n: u64) -> UserWrite {
    let email = format!("first{n}.lastname{n}@contoso-enterprise.example");
    UserWrite {
        last_modified: "2026-11-21T22:00:00.123Z".parse().unwrap(),
        active: true,
        keys: UserKeys {
            user_name: email.clone(),
            external_id: Some(format!("ext-{n:08}-0a1b2c3d-4e5f-6789-abcd")),
            emails: vec![email],
        },
        licence: Licence::ViewOnly,
        document: document(n),
        seat: SeatWish::None,
    }
}

/// A document as large as an identity provider makes it.
fn document(n: u64) -> String {
    json!({"userName": format!("First{n}@contoso-enterprise.example"), "padding": "x".repeat(1_100)})
        .to_string()
}

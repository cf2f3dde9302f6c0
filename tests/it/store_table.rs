//! A table for the store's tests: counts calls and capacity, and fails on demand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use local::AwsResponse;
use local::dynamodb::{CallLog, Dynamo, Endpoint, NoResponseError, client_over};
use scim::licence::Licence;
use scim::schema::ResourceKind;
use serde_json::{Value, json};
use shared::aws::clients::retry_config;
use shared::store::{GroupMember, GroupWrite, SeatRequest, Store, UserKeys, UserWrite};
use types::ids::{ResourceId, TenantId};
use uuid::Uuid;

/// The embedded table behind a connector that watches it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    inner: CallLog<Dynamo>,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

/// What was used since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) calls: Vec<String>,
    pub(crate) units: f64,
}

/// What to answer instead of the truth.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This many calls go through first.
    After(usize, Box<Self>),
    /// An error with this code, and nothing is done.
    Error(&'static str),
    /// A transaction cancelled with these reasons.
    Cancelled(Vec<&'static str>),
    /// Another transaction holds a row, when the call is a write.
    Conflict,
    /// The call is done, and its answer is lost.
    AnswerLost,
    /// Somebody else does something before the call.
    Meanwhile(Meanwhile),
}

/// What somebody else does between two calls.
#[derive(Clone)]
pub(crate) struct Meanwhile(Arc<dyn Fn() + Send + Sync>);

impl Meanwhile {
    /// Another process on the same table, to its end.
    pub(crate) fn process<F>(
        table: &Table,
        act: impl Fn(Store) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()>,
    {
        let table = table.clone();
        Self(Arc::new(move || {
            // The caller's runtime waits for the answer to its call, so this needs its own.
            let run = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(act(table.open()));
            };
            std::thread::scope(|scope| scope.spawn(run).join().unwrap());
        }))
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Table {
    /// A store on a table, which exists.
    pub(crate) async fn store() -> (Self, Store) {
        let inner = CallLog::over(Dynamo::memory().unwrap());
        let table = Self { inner, faults: Arc::default() };
        let store = table.open();
        store.create_table().await.unwrap();
        table.take();
        (table, store)
    }

    /// Another process on the same table: it shares no hints.
    pub(crate) fn open(&self) -> Store {
        let config = client_over(self.clone()).config().to_builder().retry_config(retry_config());
        Store::new(aws_sdk_dynamodb::Client::from_conf(config.build()), "gatehouse")
    }

    /// What was used since the last call of this.
    pub(crate) fn take(&self) -> Used {
        let mut used = Used::default();
        for call in self.inner.take() {
            used.calls.push(call.operation);
            used.units += call.read_units + call.write_units;
        }
        used
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// Forgets the faults that have not happened.
    pub(crate) fn recover(&self) {
        self.faults.lock().unwrap().clear();
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
            let answer = self.inner.call("Scan", request.to_string().as_bytes()).unwrap();
            let mut answer: Value = serde_json::from_slice(&answer.body).unwrap();
            rows.extend(answer["Items"].as_array().unwrap().iter().cloned());
            start = answer["LastEvaluatedKey"].take();
            if start.is_null() {
                self.take();
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
        let mut faults = self.faults.lock().unwrap();
        match faults.pop_front()? {
            Fault::After(0, fault) => Some(*fault),
            Fault::After(calls, fault) => {
                faults.push_front(Fault::After(calls - 1, fault));
                None
            }
            fault @ (Fault::Error(_)
            | Fault::Cancelled(_)
            | Fault::Conflict
            | Fault::AnswerLost
            | Fault::Meanwhile(_)) => Some(fault),
        }
    }
}

impl Endpoint for Table {
    fn call(&self, operation: &str, body: &[u8]) -> Result<AwsResponse, NoResponseError> {
        match self.next_fault() {
            None => self.inner.call(operation, body),
            Some(Fault::Meanwhile(Meanwhile(act))) => {
                act();
                self.inner.call(operation, body)
            }
            Some(Fault::AnswerLost) => {
                self.inner.call(operation, body)?;
                Err(NoResponseError)
            }
            Some(Fault::Conflict) => match operation {
                "TransactWriteItems" => {
                    Ok(error("TransactionCanceledException", &["TransactionConflict"]))
                }
                "PutItem" | "UpdateItem" | "DeleteItem" => {
                    Ok(error("TransactionConflictException", &[]))
                }
                _ => self.inner.call(operation, body),
            },
            Some(Fault::Error(code)) => Ok(error(code, &[])),
            Some(Fault::Cancelled(reasons)) => Ok(error("TransactionCanceledException", &reasons)),
            Some(Fault::After(..)) => unreachable!("resolved by next_fault"),
        }
    }
}

fn error(code: &str, reasons: &[&str]) -> AwsResponse {
    let reasons: Vec<_> = reasons.iter().map(|code| json!({"Code": code})).collect();
    let body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
        "CancellationReasons": reasons,
    });
    let status = if code == "InternalServerError" { 500 } else { 400 };
    AwsResponse { status, body: body.to_string().into_bytes() }
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
        seat: SeatRequest::None,
    }
}

/// A document as large as an identity provider makes it.
fn document(n: u64) -> String {
    json!({"userName": format!("First{n}@contoso-enterprise.example"), "padding": "x".repeat(1_100)})
        .to_string()
}

/// A time to write at.
pub(crate) fn now() -> jiff::Timestamp {
    "2026-11-21T22:00:00.123Z".parse().unwrap()
}

/// A group of this name.
pub(crate) fn group(name: &str) -> GroupWrite {
    GroupWrite {
        last_modified: now(),
        display_name: name.to_lowercase(),
        external_id: None,
        document: json!({"displayName": name}).to_string(),
    }
}

/// The `n`th user as a member.
pub(crate) fn member(n: u64) -> GroupMember {
    GroupMember { id: id(n), kind: ResourceKind::User, display: None }
}

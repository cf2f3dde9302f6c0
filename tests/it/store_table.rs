//! A table for the tests of the store: counts calls and capacity units, and fails on demand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use directory::event::{Actor, Origin, Source};
use local::AwsResponse;
use local::dynamodb::{CallLog, Dynamo, Endpoint, NoResponseError, client_over};
use scim::licence::Licence;
use scim::schema::ResourceKind;
use serde_json::{Value, json};
use shared::aws::clients::retry_config;
use shared::store::{
    GroupMember, GroupWrite, SeatRequest, Store, StoreError, StoredGroup, StoredUser, UserKeys,
    UserWrite,
};
use types::ids::{ResourceId, TenantId};
use uuid::Uuid;

/// The embedded table behind an endpoint that counts calls and injects faults.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    inner: CallLog<Dynamo>,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

/// Calls and capacity units since the last [`Table::take`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) calls: Vec<String>,
    pub(crate) units: f64,
}

/// A fault of the next call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The fault, after this many successful calls.
    After(usize, Box<Self>),
    /// An error with this code; the call has no effect.
    Error(&'static str),
    /// The transaction is cancelled with these reasons.
    Cancelled(Vec<&'static str>),
    /// If the call is a write, another transaction holds a row.
    Conflict,
    /// The call has its effect, and its answer is lost.
    AnswerLost,
    /// Another process acts before the call.
    Meanwhile(Meanwhile),
}

/// An action of another process between two calls.
#[derive(Clone)]
pub(crate) struct Meanwhile(Arc<dyn Fn() + Send + Sync>);

impl Meanwhile {
    /// Runs `act` as another process on the same table, to its end.
    pub(crate) fn process<F>(
        table: &Table,
        act: impl Fn(Store) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()>,
    {
        let table = table.clone();
        Self(Arc::new(move || {
            // The runtime of the caller waits for the answer to its call, so this one is separate.
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

/// The lookups of a filter: the ids first, then the resources.
pub(crate) trait Lookups {
    async fn user_by_user_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<StoredUser>, StoreError>;

    async fn users_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<StoredUser>, StoreError>;

    async fn group_by_display_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<StoredGroup>, StoreError>;

    async fn groups_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<StoredGroup>, StoreError>;
}

impl Lookups for Store {
    async fn user_by_user_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<StoredUser>, StoreError> {
        let ids = self.ids_of_user_names(tenant, &[folded.to_owned()]).await?;
        Ok(self.users(tenant, ids).await?.pop())
    }

    async fn users_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<StoredUser>, StoreError> {
        let ids = self.ids_of_external_id(tenant, external_id).await?;
        self.users(tenant, ids).await
    }

    async fn group_by_display_name(
        &self,
        tenant: TenantId,
        folded: &str,
    ) -> Result<Option<StoredGroup>, StoreError> {
        let id = self.group_id_of_display_name(tenant, folded).await?;
        Ok(self.groups(tenant, id.into_iter().collect()).await?.pop())
    }

    async fn groups_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &str,
    ) -> Result<Vec<StoredGroup>, StoreError> {
        let ids = self.group_ids_of_external_id(tenant, external_id).await?;
        self.groups(tenant, ids).await
    }
}

impl Table {
    /// Creates a table, and a store on it.
    pub(crate) async fn store() -> (Self, Store) {
        let inner = CallLog::over(Dynamo::memory().unwrap());
        let table = Self { inner, faults: Arc::default() };
        let store = table.open();
        store.create_table().await.unwrap();
        table.take();
        (table, store)
    }

    /// Opens the table as another process, which shares no hints.
    pub(crate) fn open(&self) -> Store {
        let config = client_over(self.clone()).config().to_builder().retry_config(retry_config());
        Store::new(aws_sdk_dynamodb::Client::from_conf(config.build()), "gatehouse")
    }

    /// Returns the calls and capacity units since the last call of this.
    pub(crate) fn take(&self) -> Used {
        let mut used = Used::default();
        for call in self.inner.take() {
            used.calls.push(call.operation);
            used.units += call.read_units + call.write_units;
        }
        used
    }

    /// Adds a fault.
    pub(crate) fn fail(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// Removes the faults that have not happened.
    pub(crate) fn recover(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Returns all rows but events in DynamoDB's JSON.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let mut rows = self.all_rows();
        rows.retain(|row| !row["pk"]["S"].as_str().unwrap().starts_with("OUT#"));
        rows
    }

    /// Returns all rows in DynamoDB's JSON.
    pub(crate) fn all_rows(&self) -> Vec<Value> {
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

    /// Returns the rows whose partition key ends in `suffix`.
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

/// Returns the id of the `n`th tenant.
pub(crate) fn tenant(n: u128) -> TenantId {
    TenantId::new(Uuid::from_u128((0x0189_0000_0000_7000_8000 << 48) | n))
}

/// Returns the `n`th of a series of ids that are spread like random ones.
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

/// Returns the `n`th user: an address as `userName`, an `externalId`, no seat.
pub(crate) fn user(n: u64) -> UserWrite {
    let email = format!("first{n}.lastname{n}@contoso-enterprise.example");
    UserWrite {
        last_modified: "2026-11-21T22:00:00.123Z".parse().unwrap(),
        origin: origin(),
        active: true,
        keys: UserKeys {
            user_name: email.clone(),
            external_id: Some(format!("ext-{n:08}-0a1b2c3d-4e5f-6789-abcd")),
            emails: vec![email],
        },
        licence: Licence::ViewOnly,
        document: document(n),
        seat: SeatRequest::None,
        sign_in_groups: None,
    }
}

/// Returns a document of the size that identity providers send.
fn document(n: u64) -> String {
    json!({"userName": format!("First{n}@contoso-enterprise.example"), "padding": "x".repeat(1_100)})
        .to_string()
}

/// Returns the time of the writes.
pub(crate) fn now() -> jiff::Timestamp {
    "2026-11-21T22:00:00.123Z".parse().unwrap()
}

/// Returns the origin of the writes.
pub(crate) fn origin() -> Origin {
    Origin { source: Source::Scim, actor: Actor::ScimToken { id: "0707070707070707".to_owned() } }
}

/// Returns a group of this name.
pub(crate) fn group(name: &str) -> GroupWrite {
    GroupWrite {
        last_modified: now(),
        origin: origin(),
        display_name: name.to_lowercase(),
        external_id: None,
        document: json!({"displayName": name}).to_string(),
    }
}

/// Returns the `n`th user as a member.
pub(crate) fn member(n: u64) -> GroupMember {
    GroupMember { id: id(n), kind: ResourceKind::User, display: None }
}

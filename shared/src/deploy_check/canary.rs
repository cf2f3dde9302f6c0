//! The tenant that a run of the check uses.
//!
//! The functions of a stack are deployed at the same time, each with its own run of the check. So
//! there is a small number of tenants, and a run takes one that is free. The tenant is reserved by
//! its `external_id`, which is unique. A tenant that is older than any run can be was left by a run
//! that crashed.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::event::Request;
use super::response::FunctionResponse;
use super::{Check, CheckError, Function, Invoke};

/// The tenant of one run.
pub(super) struct Canary {
    /// Id of the tenant.
    pub(super) tenant: String,
    /// Its `external_id`, which is also the name of the app of the run.
    pub(super) name: String,
    /// A domain that cannot exist (RFC 6761 §6.4).
    pub(super) domain: String,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Creates a tenant that no other run uses.
    pub(super) async fn create_canary(&self) -> Result<Canary, CheckError> {
        for number in 1..=MAX_CONCURRENT {
            let name = format!("gatehouse-deployment-check-{number}");
            let mut created = self.create_tenant(&name).await?;
            if created.status == 409 && self.delete_leftover(&name).await? {
                created = self.create_tenant(&name).await?;
            }
            if created.status == 409 {
                continue;
            }
            let created = created.expect(TENANT, 201)?;
            return Ok(Canary {
                tenant: created.text(TENANT, "/id")?,
                name,
                domain: format!("check-{number}.gatehouse.invalid"),
            });
        }
        Err(CheckError::new(TENANT, "a tenant that no other run uses", "all are in use"))
    }

    async fn create_tenant(&self, external_id: &str) -> Result<FunctionResponse, CheckError> {
        let body = json!({"name": "Deployment check", "external_id": external_id});
        let request = Request::operator("POST", "/v1/tenants").json(&body);
        self.send(TENANT, Function::Admin, request).await
    }

    /// Deletes the tenant with this `external_id` if the run that created it is over.
    async fn delete_leftover(&self, external_id: &str) -> Result<bool, CheckError> {
        let request = Request::operator("GET", "/v1/tenants").query("external_id", external_id);
        let found = self.send(LEFTOVER, Function::Admin, request).await?.expect(LEFTOVER, 200)?;
        let (Ok(tenant), Ok(created)) =
            (found.text(LEFTOVER, "/items/0/id"), found.text(LEFTOVER, "/items/0/created_at"))
        else {
            // Its run has deleted it meanwhile.
            return Ok(true);
        };
        let created: Timestamp = created
            .parse()
            .map_err(|_| CheckError::new(LEFTOVER, "created_at in the body", "no time"))?;
        if self.clock.now().duration_since(created) < LONGEST_RUN {
            return Ok(false);
        }
        tracing::warn!(tenant.id = tenant, "deleting the tenant of an earlier run of the check");
        // Another run may delete it at the same time.
        let request = Request::operator("DELETE", format!("/v1/tenants/{tenant}"));
        let deleted = self.send(LEFTOVER, Function::Admin, request).await?;
        deleted.expect_one_of(LEFTOVER, &[204, 404]).map(|_| true)
    }

    /// Deletes the tenant with everything in it.
    pub(super) async fn delete_tenant(&self, tenant: &str) -> Result<(), CheckError> {
        let path = format!("/v1/tenants/{tenant}");
        let delete = Request::operator("DELETE", path.as_str());
        self.send(REMOVE, Function::Admin, delete).await?.expect(REMOVE, 204)?;
        let read = Request::operator("GET", path);
        self.send(REMOVE, Function::Admin, read).await?.expect(REMOVE, 404).map(drop)
    }
}

const TENANT: &str = "tenant.create";
const LEFTOVER: &str = "tenant.leftover";
const REMOVE: &str = "tenant.remove";

/// Number of concurrent runs: three times the number of functions to deploy.
const MAX_CONCURRENT: u32 = 21;

/// Longer than the time limit of Lambda, which is 15 minutes.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(20);

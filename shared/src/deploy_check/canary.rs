//! The tenant that the check is made in.
//!
//! The functions of a stack are deployed at the same time, each with its own run of the check, so
//! there is a small number of tenants, and a run takes one that is free. Which one it is is the
//! tenant's `external_id`, which no two tenants have. A tenant that is older than any run can be
//! is what a run that died has left.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::answer::Answer;
use super::event::Request;
use super::{Check, Failure, Function, Invoke};

/// A tenant of one run.
pub(super) struct Canary {
    /// Its id.
    pub(super) tenant: String,
    /// A domain that nobody can own (RFC 6761 §6.4).
    pub(super) domain: String,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Makes a tenant that no other run has.
    pub(super) async fn take_tenant(&self) -> Result<Canary, Failure> {
        for number in 1..=MOST_AT_ONCE {
            let name = format!("gatehouse-deployment-check-{number}");
            let mut made = self.make_tenant(&name).await?;
            if made.status == 409 && self.remove_leftover(&name).await? {
                made = self.make_tenant(&name).await?;
            }
            if made.status == 409 {
                continue;
            }
            let made = made.expect(TENANT, 201)?;
            return Ok(Canary {
                tenant: made.text(TENANT, "/id")?,
                domain: format!("check-{number}.gatehouse.invalid"),
            });
        }
        Err(Failure::new(TENANT, "a tenant that no other run uses", "all are in use"))
    }

    async fn make_tenant(&self, external_id: &str) -> Result<Answer, Failure> {
        let body = json!({"name": "Deployment check", "external_id": external_id});
        let request = Request::operator("POST", "/v1/tenants").json(&body);
        self.send(TENANT, Function::Admin, request).await
    }

    /// Removes the tenant with this name if the run that made it is over.
    async fn remove_leftover(&self, external_id: &str) -> Result<bool, Failure> {
        let request = Request::operator("GET", "/v1/tenants").query("external_id", external_id);
        let found = self.send(LEFTOVER, Function::Admin, request).await?.expect(LEFTOVER, 200)?;
        let (Ok(tenant), Ok(made)) =
            (found.text(LEFTOVER, "/items/0/id"), found.text(LEFTOVER, "/items/0/created_at"))
        else {
            // Its run has removed it meanwhile.
            return Ok(true);
        };
        let made: Timestamp = made
            .parse()
            .map_err(|_| Failure::new(LEFTOVER, "created_at in the body", "no time"))?;
        if self.clock.now().duration_since(made) < LONGEST_RUN {
            return Ok(false);
        }
        tracing::warn!(tenant.id = tenant, "removing what an earlier run of the check has left");
        // Another run may be doing the same.
        let request = Request::operator("DELETE", format!("/v1/tenants/{tenant}"));
        let deleted = self.send(LEFTOVER, Function::Admin, request).await?;
        deleted.expect_one_of(LEFTOVER, &[204, 404]).map(|_| true)
    }

    /// Removes a tenant with everything in it.
    pub(super) async fn remove_tenant(&self, tenant: &str) -> Result<(), Failure> {
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

/// Runs at the same time: three times as many as there are functions to deploy.
const MOST_AT_ONCE: u32 = 15;

/// Longer than Lambda lets any function run, which is 15 minutes.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(20);

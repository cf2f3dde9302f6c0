//! The SCIM steps: the requests of a connector for one user.

use serde_json::{Value, json};

use super::canary::Canary;
use super::event::Request;
use super::{Check, CheckError, Function, Invoke};

impl<I: Invoke + Sync> Check<'_, I> {
    /// Creates a token, and with it creates, finds, reads, deactivates and deletes a user. Another
    /// token must be refused.
    pub(super) async fn scim_round_trip(&self, canary: &Canary) -> Result<(), CheckError> {
        let token = self.create_token(canary).await?;
        let user_name = format!("ada@{}", canary.domain);

        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name, "active": true,
        });
        let create = Request::scim("POST", "/scim/v2/Users", &token).json(&body);
        let created = self.scim("scim.create", create, 201).await?;
        let id = created.text("scim.create", "/id")?;
        created.expect_value("scim.create", "/userName", &json!(user_name))?;

        let find = |name: &str| {
            let filter = format!("userName eq \"{name}\"");
            Request::scim("GET", "/scim/v2/Users", &token).query("filter", &filter)
        };
        let found = self.scim("scim.filter", find(&user_name), 200).await?;
        let found = found.expect_value("scim.filter", "/totalResults", &json!(1))?;
        found.expect_value("scim.filter", "/Resources/0/id", &json!(id))?;

        let path = format!("/scim/v2/Users/{id}");
        let read = self.scim("scim.read", Request::scim("GET", path.as_str(), &token), 200).await?;
        read.expect_value("scim.read", "/active", &Value::Bool(true))?;

        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": false}],
        });
        let change = Request::scim("PATCH", path.as_str(), &token).json(&body);
        let patched = self.scim("scim.deactivate", change, 200).await?;
        patched.expect_value("scim.deactivate", "/active", &Value::Bool(false))?;

        // Only the end of the secret is replaced, so that the token has the right form and is
        // wrong.
        let guessed = token.get(..token.len().saturating_sub(8)).unwrap_or_default();
        let guessed = format!("{guessed}AAAAAAAA");
        let stranger = Request::scim("GET", path.as_str(), &guessed);
        self.scim("scim.wrong-token", stranger, 401).await?;

        self.scim("scim.delete", Request::scim("DELETE", path.as_str(), &token), 204).await?;
        self.scim("scim.gone", Request::scim("GET", path, &token), 404).await?;
        let found = self.scim("scim.gone", find(&user_name), 200).await?;
        found.expect_value("scim.gone", "/totalResults", &json!(0)).map(drop)
    }

    async fn create_token(&self, canary: &Canary) -> Result<String, CheckError> {
        let step = "scim.token";
        let path = format!("/v1/tenants/{}/scim-tokens", canary.tenant);
        let made = self.send(step, Function::Admin, Request::operator("POST", path)).await?;
        made.expect(step, 201)?.text(step, "/token")
    }

    async fn scim(
        &self,
        step: &'static str,
        request: Request<'_>,
        status: u16,
    ) -> Result<super::FunctionResponse, CheckError> {
        self.send(step, Function::Scim, request).await?.expect(step, status)
    }
}

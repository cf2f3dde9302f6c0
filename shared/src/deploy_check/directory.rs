//! The directory steps: an app of the run gets a token, reads the tenant and its user, and is deleted.

use serde_json::{Value, json};

use super::canary::Canary;
use super::event::Request;
use super::response::FunctionResponse;
use super::{Check, CheckError, Function, Invoke};

/// An app of the run.
struct App {
    id: String,
    secret: String,
}

impl<I: Invoke + Sync> Check<'_, I> {
    /// Registers an app, and with its token reads the tenant and the user whom the sign-in created.
    /// Another token must be refused, and that of the app once it is deleted.
    pub(super) async fn directory_round_trip(&self, canary: &Canary) -> Result<(), CheckError> {
        self.delete_leftover_apps(canary).await?;
        let app = self.create_app(canary).await?;
        let read = self.read_directory(canary, &app).await;
        let deleted = self.delete_app(&app.id).await;
        let token = read?;
        deleted?;
        let gone = self.directory(GONE, &tenant(canary), &token).await?;
        gone.expect(GONE, 401).map(drop)
    }

    /// Reads as the app; returns its token.
    async fn read_directory(&self, canary: &Canary, app: &App) -> Result<String, CheckError> {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", app.id.as_str()),
            ("client_secret", app.secret.as_str()),
        ];
        let request = Request::open("POST", "/oauth2/token").form(&fields);
        let issued = self.send(TOKEN, Function::Oidc, request).await?.expect(TOKEN, 200)?;
        let token = issued.text(TOKEN, "/access_token")?;

        let step = "directory.tenant";
        let found = self.directory(step, &tenant(canary), &token).await?.expect(step, 200)?;
        found.expect_value(step, "/id", &json!(canary.tenant))?;

        let step = "directory.user";
        let users = format!("{}/users", tenant(canary));
        let found = self.directory(step, &users, &token).await?.expect(step, 200)?;
        let name = json!(format!("grace@{}", canary.domain));
        let found = found.expect_value(step, "/items/0/user_name", &name)?;
        let user = format!("{users}/{}", found.text(step, "/items/0/id")?);
        let found = self.directory(step, &user, &token).await?.expect(step, 200)?;
        found.expect_value(step, "/active", &Value::Bool(true))?;

        let step = "directory.wrong-token";
        let start = token.get(..token.len().saturating_sub(8)).unwrap_or_default();
        let guessed = format!("{start}AAAAAAAA");
        self.directory(step, &user, &guessed).await?.expect(step, 401)?;
        Ok(token)
    }

    async fn directory(
        &self,
        step: &'static str,
        path: &str,
        token: &str,
    ) -> Result<FunctionResponse, CheckError> {
        self.send(step, Function::Directory, Request::directory(path, token)).await
    }

    async fn create_app(&self, canary: &Canary) -> Result<App, CheckError> {
        let callback = format!("https://{}/callback", canary.domain);
        let body = json!({"name": canary.name, "redirect_uris": [callback]});
        let request = Request::operator("POST", "/v1/clients").json(&body);
        let created = self.send(APP, Function::Admin, request).await?.expect(APP, 201)?;
        Ok(App {
            id: created.text(APP, "/client_id")?,
            secret: created.text(APP, "/client_secret")?,
        })
    }

    /// Deletes the apps of runs that crashed. This run has their name: it holds the tenant.
    async fn delete_leftover_apps(&self, canary: &Canary) -> Result<(), CheckError> {
        let request = Request::operator("GET", "/v1/clients").query("limit", "1000");
        let found = self.send(APP, Function::Admin, request).await?.expect(APP, 200)?;
        let apps = found.value("/items");
        let named = apps.as_array().into_iter().flatten();
        let named = named.filter(|app| app.get("name").is_some_and(|name| *name == canary.name));
        for id in named.filter_map(|app| app.get("client_id")?.as_str()) {
            self.delete_app(id).await?;
        }
        Ok(())
    }

    async fn delete_app(&self, id: &str) -> Result<(), CheckError> {
        let request = Request::operator("DELETE", format!("/v1/clients/{id}"));
        self.send(APP, Function::Admin, request).await?.expect(APP, 204).map(drop)
    }
}

fn tenant(canary: &Canary) -> String {
    format!("/directory/v1/tenants/{}", canary.tenant)
}

const APP: &str = "directory.app";
const TOKEN: &str = "directory.token";
const GONE: &str = "directory.deleted-app";

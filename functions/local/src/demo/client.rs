//! The demo's application, registered. Its secret is kept in a private file, since Gatehouse stores only a digest.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oidc::client::{self, ClientId, secret_digest};
use oidc::pkce::Pkce;
use oidc::redirect_uri::AppUrl;
use serde::{Deserialize, Serialize};
use shared::clock::random_bytes;
use shared::runtime::state::AppState;

use super::DemoError;
use crate::demo_app;
use crate::private_file;

/// What outlives the process, and what the application is given.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Client {
    /// `client_id`.
    pub(crate) id: ClientId,
    /// `client_secret`.
    pub(crate) secret: String,
    /// Where its codes go.
    pub(crate) redirect_uri: String,
}

impl Client {
    /// The one that `directory` remembers, or a new one; registered for this port.
    pub(super) async fn prepare(
        app: &AppState,
        base_url: &str,
        directory: Option<&Path>,
    ) -> Result<Self, DemoError> {
        let file = directory.map(|directory| directory.join(FILE));
        let redirect_uri = format!("{base_url}{}", demo_app::CALLBACK);
        let client = match recall(file.as_ref())? {
            Some(known) => Self { redirect_uri, ..known },
            None => Self::new(redirect_uri)?,
        };
        let registered = app.store.client(&client.id).await?;
        if registered.is_some_and(|found| found.redirect_uri(&client.redirect_uri).is_some()) {
            return Ok(client);
        }
        // Remembered first: a start that is killed in between is finished by the next one.
        if let Some(file) = &file {
            private_file::replace(file, &serde_json::to_vec_pretty(&client)?)?;
        }
        app.store.delete_client(&client.id).await?;
        client.register(app, base_url).await?;
        Ok(client)
    }

    fn new(redirect_uri: String) -> Result<Self, DemoError> {
        let id = random_bytes().map_err(|_| DemoError::Random)?;
        let secret: [u8; 32] = random_bytes().map_err(|_| DemoError::Random)?;
        let secret = BASE64_URL_SAFE_NO_PAD.encode(secret);
        Ok(Self { id: ClientId::new(id), secret, redirect_uri })
    }

    async fn register(&self, app: &AppState, base_url: &str) -> Result<(), DemoError> {
        let url = |url: &str| AppUrl::parse(url).map_err(|_| DemoError::Url(url.to_owned()));
        let client = client::Client {
            id: self.id.clone(),
            name: "Demo application".to_owned(),
            secret_sha256: Some(secret_digest(&self.secret)),
            pkce: Pkce::Required,
            redirect_uris: vec![url(&self.redirect_uri)?],
            initiate_login_uri: Some(url(&format!("{base_url}{}", demo_app::SIGN_IN))?),
            created_at: app.clock.now(),
        };
        Ok(app.store.create_client(&client).await?)
    }
}

fn recall(file: Option<&PathBuf>) -> Result<Option<Client>, DemoError> {
    let Some(file) = file else { return Ok(None) };
    let Some(text) = private_file::read(file)? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&text)?))
}

const FILE: &str = "demo-app.json";

//! The client credentials of the demo app: created once, kept in a private file, and registered.
//!
//! The file is needed because Gatehouse stores only a digest of the secret. `demo` calls this at
//! each start. It reads and writes the file and the embedded table. The app is registered again if
//! its redirect URI is not registered yet, for example on another port. If the data is in memory,
//! there is no file.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{CALLBACK, SIGN_IN};
use crate::private_file;
use oidc::client::{Client, ClientId, secret_digest};
use oidc::pkce::Pkce;
use oidc::redirect_uri::AppUrl;
use shared::clock::random_bytes;
use shared::runtime::state::AppState;
use shared::store::StoreError;

/// Client id and secret of the demo app, as the private file holds them.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct ClientCredentials {
    /// `client_id`.
    pub(crate) id: ClientId,
    /// `client_secret`.
    pub(crate) secret: String,
    /// The registered redirect URI.
    pub(crate) redirect_uri: String,
}

impl ClientCredentials {
    /// Reads the credentials from `directory`, or creates them, and registers the app for the port
    /// in `base_url`. Without a directory the credentials are always new.
    pub(crate) async fn prepare(
        app: &AppState,
        base_url: &str,
        directory: Option<&Path>,
    ) -> Result<Self, CredentialsError> {
        let file = directory.map(|directory| directory.join(FILE));
        let redirect_uri = format!("{base_url}{CALLBACK}");
        let credentials = match read(file.as_ref())? {
            Some(known) => Self { redirect_uri, ..known },
            None => Self::new(redirect_uri)?,
        };
        let registered = app.store.client(&credentials.id).await?;
        if registered.is_some_and(|found| found.redirect_uri(&credentials.redirect_uri).is_some()) {
            return Ok(credentials);
        }
        // Written before the registration: the next start completes one that is killed in between.
        if let Some(file) = &file {
            private_file::replace(file, &serde_json::to_vec_pretty(&credentials)?)?;
        }
        app.store.delete_client(&credentials.id).await?;
        credentials.register(app, base_url).await?;
        Ok(credentials)
    }

    fn new(redirect_uri: String) -> Result<Self, CredentialsError> {
        let id = random_bytes().map_err(|_| CredentialsError::Random)?;
        let secret: [u8; 32] = random_bytes().map_err(|_| CredentialsError::Random)?;
        let secret = BASE64_URL_SAFE_NO_PAD.encode(secret);
        Ok(Self { id: ClientId::new(id), secret, redirect_uri })
    }

    async fn register(&self, app: &AppState, base_url: &str) -> Result<(), CredentialsError> {
        let url = |url: &str| AppUrl::parse(url).map_err(|_| CredentialsError::Url(url.to_owned()));
        let client = Client {
            id: self.id.clone(),
            name: "Demo application".to_owned(),
            secret_sha256: Some(secret_digest(&self.secret)),
            pkce: Pkce::Required,
            redirect_uris: vec![url(&self.redirect_uri)?.into()],
            post_logout_redirect_uris: Vec::new(),
            web_origins: Vec::new(),
            initiate_login_uri: Some(url(&format!("{base_url}{SIGN_IN}"))?),
            created_at: app.clock.now(),
        };
        Ok(app.store.create_client(&client).await?)
    }
}

fn read(file: Option<&PathBuf>) -> Result<Option<ClientCredentials>, CredentialsError> {
    let Some(file) = file else { return Ok(None) };
    let Some(text) = private_file::read(file)? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&text)?))
}

/// The demo app cannot be registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// The private file cannot be read or written.
    #[error("cannot read or write {FILE}")]
    File(#[from] io::Error),
    /// The private file is not in the format of this program.
    #[error("{FILE} is damaged, delete it to get new credentials")]
    Damaged(#[from] serde_json::Error),
    /// The operating system provided no random bytes.
    #[error("no random bytes available")]
    Random,
    /// A URL of the app does not have the required form.
    #[error("{0} cannot be registered")]
    Url(String),
    /// The embedded table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const FILE: &str = "demo-app.json";

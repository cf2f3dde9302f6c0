//! What there is to try: the keys of this instance, a tenant with a SCIM token and a connection, an application.
//!
//! Everything is made once and found again at the next start, even when the first was killed half
//! way. Since of a token only the digest is stored, the demo keeps its own in a private file.

mod client;
mod connection;

use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use shared::clock::{ordered_uuid, random_secret};
use shared::runtime::state::AppState;
use shared::secrets::scim_tokens::{TOKEN_LIFE, TokenError};
use shared::secrets::{SecretName, SecretsError};
use shared::store::{StoreError, Tenant};
use types::ids::TenantId;
use types::scim_token::ScimToken;
use types::secret_text::secret_text;

pub(crate) use self::client::Client;
use self::connection::DemoConnectionError;
use crate::demo_idp::{DemoIdp, IdpKeyError};
use crate::private_file;

/// The domain of the demo's tenant.
pub(crate) const DOMAIN: &str = "acme.com";

/// What a user needs to know to try everything.
pub(crate) struct Demo {
    pub(crate) operator_key: SecretString,
    pub(crate) tenant: TenantId,
    /// None when the user has revoked it and made two others.
    pub(crate) scim_token: Option<ScimToken>,
    /// Whom people sign in with.
    pub(crate) idp: DemoIdp,
    /// What they sign in to.
    pub(crate) client: Client,
}

impl Demo {
    /// Finds the demo that `directory` remembers, and makes what is missing of it. Without a
    /// directory all of it is new.
    pub(crate) async fn prepare(
        app: &AppState,
        base_url: &str,
        directory: Option<&Path>,
    ) -> Result<Self, DemoError> {
        let memory = Memory { file: directory.map(|directory| directory.join(FILE)) };
        let operator_key = key(app, SecretName::OperatorKey).await?;
        if let Some(directory) = directory {
            let text = format!("{}\n", operator_key.expose_secret());
            private_file::replace(&directory.join(OPERATOR_KEY_FILE), text.as_bytes())?;
        }
        key(app, SecretName::CursorKey).await?;
        let known = memory.recall()?;
        let tenant = tenant(app, known.as_ref()).await?;
        let scim_token = scim_token(app, &memory, tenant, known).await?;
        let idp = DemoIdp::open(base_url, app.clock.clone(), directory)?;
        connection::prepare(app, base_url, tenant, &idp).await?;
        let client = Client::prepare(app, base_url, directory).await?;
        Ok(Self { operator_key, tenant, scim_token, idp, client })
    }
}

/// The secret, made when there is none.
async fn key(app: &AppState, name: SecretName) -> Result<SecretString, DemoError> {
    if let Some(key) = app.secrets.fetch(name).await? {
        return Ok(key);
    }
    let key = secret_text("", &*random_secret().map_err(|_| DemoError::Random)?);
    app.secrets.put(name, &key).await?;
    Ok(key)
}

/// The tenant of the token that is remembered, or the one that an earlier start made before it was
/// killed, or a new one.
async fn tenant(app: &AppState, known: Option<&ScimToken>) -> Result<TenantId, DemoError> {
    if let Some(token) = known
        && let Some(tenant) = app.store.tenant(token.tenant()).await?
    {
        return Ok(tenant.id);
    }
    if let Some(tenant) = app.store.tenant_by_external_id(EXTERNAL_ID).await? {
        return Ok(tenant.id);
    }
    let tenant = Tenant {
        id: TenantId::new(ordered_uuid()),
        name: "Acme".to_owned(),
        external_id: Some(EXTERNAL_ID.to_owned()),
        created_at: app.clock.now(),
        strict: false,
    };
    app.store.create_tenant(&tenant).await?;
    Ok(tenant.id)
}

/// The token that is remembered as long as it is good, or a new one while there is room for it.
async fn scim_token(
    app: &AppState,
    memory: &Memory,
    tenant: TenantId,
    known: Option<ScimToken>,
) -> Result<Option<ScimToken>, DemoError> {
    let now = app.clock.now();
    if let Some(token) = known
        && token.tenant() == tenant
        && app.scim_tokens.verify(&token, now).await?.is_some()
    {
        return Ok(Some(token));
    }
    match app.scim_tokens.create(tenant, now, now + TOKEN_LIFE).await {
        Ok((token, _)) => {
            memory.keep(&token)?;
            Ok(Some(token))
        }
        Err(TokenError::TwoLive) => Ok(None),
        Err(
            error @ (TokenError::NoTenant
            | TokenError::Contention
            | TokenError::Store(_)
            | TokenError::Secrets(_)
            | TokenError::Random
            | TokenError::Corrupt),
        ) => Err(error.into()),
    }
}

/// What outlives the process, if anything does.
struct Memory {
    file: Option<PathBuf>,
}

#[derive(Deserialize, Serialize)]
struct Remembered {
    scim_token: String,
}

impl Memory {
    fn recall(&self) -> Result<Option<ScimToken>, DemoError> {
        let Some(file) = &self.file else { return Ok(None) };
        let Some(text) = private_file::read(file)? else { return Ok(None) };
        let remembered: Remembered = serde_json::from_slice(&text)?;
        Ok(ScimToken::parse(&remembered.scim_token))
    }

    fn keep(&self, token: &ScimToken) -> Result<(), DemoError> {
        let Some(file) = &self.file else { return Ok(()) };
        let remembered = Remembered { scim_token: token.reveal().to_owned() };
        Ok(private_file::replace(file, &serde_json::to_vec_pretty(&remembered)?)?)
    }
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The private file cannot be read or written.
    #[error("{FILE}: {0}")]
    File(#[from] io::Error),
    /// The private file is not what this program wrote.
    #[error("{FILE} is damaged ({0}); delete it to get a new demo")]
    Damaged(#[from] serde_json::Error),
    /// The operating system gave no randomness.
    #[error("no randomness")]
    Random,
    /// The identity provider has no key.
    #[error(transparent)]
    Idp(#[from] IdpKeyError),
    /// The tenant has no connection to it.
    #[error(transparent)]
    Connection(#[from] DemoConnectionError),
    /// An address of the application is none that can be registered.
    #[error("{0} cannot be registered")]
    Url(String),
    /// The embedded Secrets Manager refused.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A token cannot be made or checked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The embedded table refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const FILE: &str = "demo.json";

/// Where the command line tool looks for the key of a deployment on this machine.
const OPERATOR_KEY_FILE: &str = "operator-key";

/// By this the demo's tenant is found again.
const EXTERNAL_ID: &str = "gatehouse-demo";

#[cfg(test)]
mod tests;

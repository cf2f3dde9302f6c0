//! The demo: the keys of this instance, a tenant with a SCIM token and a connection, and an app.
//!
//! Everything is created once and found again at the next start, even if an earlier start was
//! killed in between. Gatehouse stores only the digest of a token, so the demo keeps its token in a
//! private file.

mod connection;

use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use self::connection::DemoConnectionError;
use crate::demo_app::{ClientCredentials, CredentialsError};
use crate::demo_idp::{DemoIdp, IdpKeyError};
use crate::private_file;
use shared::clock::{ordered_uuid, random_secret};
use shared::runtime::state::AppState;
use shared::secrets::scim_tokens::{ScimTokensError, TOKEN_LIFE};
use shared::secrets::{SecretName, SecretsError};
use shared::store::{StoreError, Tenant};
use types::ids::TenantId;
use types::scim_token::ScimToken;
use types::secret_text::secret_text;

/// The domain of the demo connection.
pub(crate) const DOMAIN: &str = "acme.com";

/// The parts of the demo, as this start found or created them.
pub(crate) struct Demo {
    pub(crate) operator_key: SecretString,
    pub(crate) tenant: TenantId,
    /// Absent if the user has revoked the token and created two others.
    pub(crate) scim_token: Option<ScimToken>,
    /// The identity provider of the tenant.
    pub(crate) idp: DemoIdp,
    /// The credentials of the app.
    pub(crate) credentials: ClientCredentials,
}

impl Demo {
    /// Finds the demo of an earlier start with this `directory`, and creates missing parts. Without
    /// a directory everything is new.
    pub(crate) async fn prepare(
        app: &AppState,
        base_url: &str,
        directory: Option<&Path>,
    ) -> Result<Self, DemoError> {
        let token_file = TokenFile { path: directory.map(|directory| directory.join(FILE)) };
        let operator_key = find_or_create_key(app, SecretName::OperatorKey).await?;
        if let Some(directory) = directory {
            let text = format!("{}\n", operator_key.expose_secret());
            private_file::replace(&directory.join(OPERATOR_KEY_FILE), text.as_bytes())?;
        }
        find_or_create_key(app, SecretName::CursorKey).await?;
        find_or_create_key(app, SecretName::LinkKey).await?;
        let known = token_file.read()?;
        let tenant = find_or_create_tenant(app, known.as_ref()).await?;
        let scim_token = find_or_create_token(app, &token_file, tenant, known).await?;
        let idp = DemoIdp::open(base_url, app.clock.clone(), directory)?;
        connection::prepare(app, base_url, tenant, &idp).await?;
        let credentials = ClientCredentials::prepare(app, base_url, directory).await?;
        Ok(Self { operator_key, tenant, scim_token, idp, credentials })
    }
}

/// Returns a secret. Creates it if there is none.
async fn find_or_create_key(app: &AppState, name: SecretName) -> Result<SecretString, DemoError> {
    if let Some(key) = app.secrets.fetch(name).await? {
        return Ok(key);
    }
    let key = secret_text("", &*random_secret().map_err(|_| DemoError::Random)?);
    app.secrets.put(name, &key).await?;
    Ok(key)
}

/// Returns the tenant of the known token, or the tenant of an earlier start that was killed, or a
/// new tenant.
async fn find_or_create_tenant(
    app: &AppState,
    known: Option<&ScimToken>,
) -> Result<TenantId, DemoError> {
    if let Some(token) = known
        && let Some(tenant) = app.store.tenant(token.tenant()).await?
    {
        return Ok(tenant.id);
    }
    if let Some(tenant) = app.store.tenant_by_external_id(EXTERNAL_ID).await? {
        return Ok(tenant.id);
    }
    let tenant = Tenant {
        generation: 0,
        id: TenantId::new(ordered_uuid()),
        name: "Acme".to_owned(),
        external_id: Some(EXTERNAL_ID.to_owned()),
        created_at: app.clock.now(),
        strict: false,
    };
    app.store.create_tenant(&tenant).await?;
    Ok(tenant.id)
}

/// Returns the known token if it is valid, or a new one. `None` if two other tokens exist.
async fn find_or_create_token(
    app: &AppState,
    token_file: &TokenFile,
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
            token_file.write(&token)?;
            Ok(Some(token))
        }
        Err(ScimTokensError::TwoLive) => Ok(None),
        Err(
            error @ (ScimTokensError::NoTenant
            | ScimTokensError::Contention
            | ScimTokensError::Store(_)
            | ScimTokensError::Secrets(_)
            | ScimTokensError::Random(_)
            | ScimTokensError::Corrupt(_)
            | ScimTokensError::Serialize(_)),
        ) => Err(error.into()),
    }
}

/// The private file that holds the SCIM token.
struct TokenFile {
    /// Absent if the demo is kept in memory.
    path: Option<PathBuf>,
}

/// Content of the file.
#[derive(Deserialize, Serialize)]
struct StoredDemo {
    scim_token: String,
}

impl TokenFile {
    fn read(&self) -> Result<Option<ScimToken>, DemoError> {
        let Some(path) = &self.path else { return Ok(None) };
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        let stored: StoredDemo = serde_json::from_slice(&text)?;
        Ok(ScimToken::parse(&stored.scim_token))
    }

    fn write(&self, token: &ScimToken) -> Result<(), DemoError> {
        let Some(path) = &self.path else { return Ok(()) };
        let stored = StoredDemo { scim_token: token.reveal().to_owned() };
        Ok(private_file::replace(path, &serde_json::to_vec_pretty(&stored)?)?)
    }
}

/// The demo cannot be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The private file cannot be read or written.
    #[error("cannot read or write {FILE}")]
    File(#[from] io::Error),
    /// The private file is not in the format of this program.
    #[error("{FILE} is damaged, delete it to get a new demo")]
    Damaged(#[from] serde_json::Error),
    /// The operating system provided no random bytes.
    #[error("no random bytes available")]
    Random,
    /// The key of the identity provider failed.
    #[error(transparent)]
    Idp(#[from] IdpKeyError),
    /// The connection to the identity provider failed.
    #[error(transparent)]
    Connection(#[from] DemoConnectionError),
    /// The app cannot be registered.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The embedded Secrets Manager failed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A token cannot be created or verified.
    #[error(transparent)]
    Token(#[from] ScimTokensError),
    /// The embedded table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const FILE: &str = "demo.json";

/// The file in which the command line tool looks for the operator key.
const OPERATOR_KEY_FILE: &str = "operator-key";

/// External id of the demo tenant, by which a later start finds it.
const EXTERNAL_ID: &str = "gatehouse-demo";

#[cfg(test)]
mod tests;

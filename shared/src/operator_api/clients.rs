//! `/v1/clients`: the apps that people sign in to.

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::body::{Created, Items, Json, Word};
use super::caller::Operator;
use super::params::{Path, Query};
use super::tenants::{Change, PageQuery, checked, present};
use crate::clock::{random_bytes, random_secret};
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::secrets;
use oidc::client::{Client, ClientId, secret_digest};
use oidc::pkce::Pkce;
use oidc::redirect_uri::AppUrl;
use types::secret_text::secret_text;

/// An app as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct ClientView {
    client_id: ClientId,
    /// Only in the answer that made it; a public client has none.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secrets::text::serialize_option"
    )]
    client_secret: Option<SecretString>,
    name: String,
    public: bool,
    pkce: Pkce,
    redirect_uris: Vec<AppUrl>,
    initiate_login_uri: Option<AppUrl>,
    created_at: Timestamp,
}

impl ClientView {
    fn new(client: Client, client_secret: Option<SecretString>) -> Self {
        Self {
            public: !client.is_confidential(),
            pkce: client.pkce(),
            client_id: client.id,
            client_secret,
            name: client.name,
            redirect_uris: client.redirect_uris,
            initiate_login_uri: client.initiate_login_uri,
            created_at: client.created_at,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClient {
    /// For people.
    #[serde(default)]
    name: Option<String>,
    /// Where codes may go, compared byte for byte.
    redirect_uris: Vec<String>,
    /// Where sign-ins go that the app did not begin.
    #[serde(default)]
    initiate_login_uri: Option<String>,
    /// Runs where no secret can be kept, in a browser or on a phone.
    #[serde(default)]
    public: bool,
    /// Optional for an app with a secret that cannot do it.
    #[serde(default)]
    pkce: Word<Pkce>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientChange {
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    /// All of them anew.
    #[serde(default, deserialize_with = "present")]
    redirect_uris: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pkce: Option<Word<Pkce>>,
    /// Absent leaves it, null clears it.
    #[serde(default)]
    initiate_login_uri: Change<String>,
}

pub(super) async fn create(
    _: Operator,
    State(app): State<AppState>,
    Json(body): Json<NewClient>,
) -> Result<Created<ClientView>, Problem> {
    let random = |_| {
        tracing::error!("the operating system gave no randomness");
        Problem::Unavailable
    };
    let secret = if body.public { None } else { Some(new_secret().map_err(random)?) };
    let client = Client {
        id: ClientId::new(random_bytes().map_err(random)?),
        name: checked("name", body.name.as_deref().unwrap_or("App"))?,
        pkce: checked_pkce(body.pkce.0, secret.is_some())?,
        secret_sha256: secret.as_ref().map(|secret| secret_digest(secret.expose_secret())),
        redirect_uris: redirect_uris(&body.redirect_uris)?,
        initiate_login_uri: body
            .initiate_login_uri
            .map(|url| app_url("initiate_login_uri", &url))
            .transpose()?,
        created_at: app.clock.now(),
    };
    app.store.create_client(&client).await?;
    Ok(Created(ClientView::new(client, secret)))
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Items<ClientView>>, Problem> {
    let last: Option<ClientId> = page.after()?;
    let clients = app.store.clients(last.as_ref(), page.limit()).await?;
    let last = clients.last().map(|client| client.id.to_string());
    let next_cursor = last.filter(|_| clients.len() == page.limit());
    let items = clients.into_iter().map(|client| ClientView::new(client, None)).collect();
    Ok(Json(Items { items, next_cursor }))
}

pub(super) async fn read(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<ClientView>, Problem> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    let client = app.store.client(&id).await?.ok_or(NO_CLIENT)?;
    Ok(Json(ClientView::new(client, None)))
}

/// Changes what is named. A sign-in that is under way to a URL that is no longer registered ends
/// on a page.
pub(super) async fn change(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<String>,
    Json(body): Json<ClientChange>,
) -> Result<Json<ClientView>, Problem> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    let before = app.store.client(&id).await?.ok_or(NO_CLIENT)?;
    let mut after = before.clone();
    if let Some(name) = body.name {
        after.name = checked("name", &name)?;
    }
    if let Some(texts) = body.redirect_uris {
        after.redirect_uris = redirect_uris(&texts)?;
    }
    if let Some(Word(pkce)) = body.pkce {
        after.pkce = checked_pkce(pkce, before.is_confidential())?;
    }
    match body.initiate_login_uri {
        Change::Keep => {}
        Change::Clear => after.initiate_login_uri = None,
        Change::Set(url) => after.initiate_login_uri = Some(app_url("initiate_login_uri", &url)?),
    }
    app.store.replace_client(&before, &after).await?;
    Ok(Json(ClientView::new(after, None)))
}

/// All tokens of the app count no more.
pub(super) async fn delete(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    if app.store.delete_client(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(NO_CLIENT) }
}

fn checked_pkce(pkce: Pkce, is_confidential: bool) -> Result<Pkce, Problem> {
    match pkce {
        Pkce::Optional if !is_confidential => {
            let rule = "pkce is required of a public app, which has nothing else";
            Err(Problem::Invalid(rule.to_owned()))
        }
        Pkce::Optional | Pkce::Required => Ok(pkce),
    }
}

fn redirect_uris(texts: &[String]) -> Result<Vec<AppUrl>, Problem> {
    if texts.is_empty() || texts.len() > MOST_REDIRECT_URIS {
        let limit = format!("redirect_uris must hold 1 to {MOST_REDIRECT_URIS} URLs");
        return Err(Problem::Invalid(limit));
    }
    texts.iter().map(|text| app_url("redirect_uris", text)).collect()
}

fn app_url(field: &str, text: &str) -> Result<AppUrl, Problem> {
    AppUrl::parse(text).map_err(|error| Problem::Invalid(format!("{field}: {error}")))
}

fn new_secret() -> Result<SecretString, getrandom::Error> {
    Ok(secret_text("gh_app_", &*random_secret()?))
}

const NO_CLIENT: Problem = Problem::NotFound("client");

const MOST_REDIRECT_URIS: usize = 20;

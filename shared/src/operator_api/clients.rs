//! `/v1/clients`: the apps that people sign in to, which are `OpenID` Connect clients.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::body::{Created, Json, VariantName};
use super::caller::Operator;
use super::fields::{PatchField, deserialize_present, validate_name};
use super::page::{Page, PageQuery};
use super::params::{NoQuery, Path, Query};
use crate::clock::{random_bytes, random_secret};
use crate::http::base_url::BaseUrl;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::secrets;
use oidc::client::{Client, ClientId, secret_digest};
use oidc::pkce::Pkce;
use oidc::redirect_uri::{AppUrl, RedirectUri};
use oidc::uri_syntax::InvalidUri;
use oidc::web_origin::WebOrigin;
use types::secret_text::secret_text;

/// An app in an answer.
#[derive(Debug, Serialize)]
pub(super) struct ClientView {
    /// The OpenID provider, which the library of the app needs beside id and secret.
    issuer: String,
    client_id: ClientId,
    /// Only in the answer of its creation. A public client has none.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secrets::text::serialize_option"
    )]
    client_secret: Option<SecretString>,
    name: String,
    public: bool,
    pkce: Pkce,
    redirect_uris: Vec<RedirectUri>,
    post_logout_redirect_uris: Vec<RedirectUri>,
    web_origins: Vec<WebOrigin>,
    initiate_login_uri: Option<AppUrl>,
    created_at: Timestamp,
}

impl ClientView {
    fn new(base_url: &BaseUrl, client: Client, client_secret: Option<SecretString>) -> Self {
        Self {
            issuer: base_url.join(""),
            public: !client.is_confidential(),
            pkce: client.pkce(),
            client_id: client.id,
            client_secret,
            name: client.name,
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris,
            web_origins: client.web_origins,
            initiate_login_uri: client.initiate_login_uri,
            created_at: client.created_at,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClient {
    /// Name for people; "App" by default.
    #[serde(default)]
    name: Option<String>,
    /// URIs that may receive authorization codes.
    redirect_uris: Vec<String>,
    /// URIs that the browser may be sent to after a sign-out.
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    /// Origins whose scripts redeem codes.
    #[serde(default)]
    web_origins: Vec<String>,
    /// URL that starts a sign-in at the app, for sign-ins that the app did not start.
    #[serde(default)]
    initiate_login_uri: Option<String>,
    /// Whether the app cannot keep a secret, because it runs in a browser or on a phone.
    #[serde(default)]
    public: bool,
    /// May be optional only for an app with a secret.
    #[serde(default)]
    pkce: VariantName<Pkce>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientPatch {
    #[serde(default, deserialize_with = "deserialize_present")]
    name: Option<String>,
    /// Replaces all URIs.
    #[serde(default, deserialize_with = "deserialize_present")]
    redirect_uris: Option<Vec<String>>,
    /// Replaces all URIs.
    #[serde(default, deserialize_with = "deserialize_present")]
    post_logout_redirect_uris: Option<Vec<String>>,
    /// Replaces all origins.
    #[serde(default, deserialize_with = "deserialize_present")]
    web_origins: Option<Vec<String>>,
    #[serde(default, deserialize_with = "deserialize_present")]
    pkce: Option<VariantName<Pkce>>,
    #[serde(default)]
    initiate_login_uri: PatchField<String>,
}

pub(super) async fn create(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(body): Json<NewClient>,
) -> Result<Created<ClientView>, OperatorApiError> {
    let secret = if body.public { None } else { Some(new_secret()?) };
    let is_public = body.public;
    let client = Client {
        id: ClientId::new(random_bytes().map_err(OperatorApiError::Random)?),
        name: validate_name("name", body.name.as_deref().unwrap_or("App"))?,
        pkce: validate_pkce(body.pkce.0, secret.is_some())?,
        secret_sha256: secret.as_ref().map(|secret| secret_digest(secret.expose_secret())),
        redirect_uris: redirect_uris(&body.redirect_uris, is_public)?,
        post_logout_redirect_uris: post_logout_uris(&body.post_logout_redirect_uris, is_public)?,
        web_origins: web_origins(&body.web_origins, is_public)?,
        initiate_login_uri: body
            .initiate_login_uri
            .map(|url| app_url("initiate_login_uri", &url))
            .transpose()?,
        created_at: app.clock.now(),
    };
    app.store.create_client(&client).await?;
    Ok(Created(ClientView::new(&BaseUrl::of(&app.config, &headers), client, secret)))
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Json<Page<ClientView>>, OperatorApiError> {
    let last: Option<ClientId> = page.after()?;
    let clients = app.store.clients(last.as_ref(), page.limit()).await?;
    let clients = Page::new(clients, page.limit(), |client| client.id.to_string());
    let base_url = BaseUrl::of(&app.config, &headers);
    Ok(Json(clients.map(|client| ClientView::new(&base_url, client, None))))
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ClientView>, OperatorApiError> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    let client = app.store.client(&id).await?.ok_or(NO_CLIENT)?;
    Ok(Json(ClientView::new(&BaseUrl::of(&app.config, &headers), client, None)))
}

/// Changes the given fields. A sign-in in progress to a URL that is no longer registered ends on an
/// error page.
pub(super) async fn patch(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<ClientPatch>,
) -> Result<Json<ClientView>, OperatorApiError> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    let before = app.store.client(&id).await?.ok_or(NO_CLIENT)?;
    let mut after = before.clone();
    if let Some(name) = body.name {
        after.name = validate_name("name", &name)?;
    }
    let is_public = !before.is_confidential();
    if let Some(texts) = body.redirect_uris {
        after.redirect_uris = redirect_uris(&texts, is_public)?;
    }
    if let Some(texts) = body.post_logout_redirect_uris {
        after.post_logout_redirect_uris = post_logout_uris(&texts, is_public)?;
    }
    if let Some(texts) = body.web_origins {
        after.web_origins = web_origins(&texts, is_public)?;
    }
    if let Some(VariantName(pkce)) = body.pkce {
        after.pkce = validate_pkce(pkce, before.is_confidential())?;
    }
    match body.initiate_login_uri {
        PatchField::Keep => {}
        PatchField::Clear => after.initiate_login_uri = None,
        PatchField::Set(url) => {
            after.initiate_login_uri = Some(app_url("initiate_login_uri", &url)?);
        }
    }
    app.store.replace_client(&before, &after).await?;
    Ok(Json(ClientView::new(&BaseUrl::of(&app.config, &headers), after, None)))
}

/// Deletes the app. All its tokens become invalid.
pub(super) async fn delete(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, OperatorApiError> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    if app.store.delete_client(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(NO_CLIENT) }
}

fn validate_pkce(pkce: Pkce, is_confidential: bool) -> Result<Pkce, OperatorApiError> {
    match pkce {
        Pkce::Optional if !is_confidential => {
            let rule = "pkce must be required for a public app, because it has no secret";
            Err(OperatorApiError::Invalid(rule.to_owned()))
        }
        Pkce::Optional | Pkce::Required => Ok(pkce),
    }
}

/// Reads redirect URIs, those with private-use schemes last, as the table stores them.
fn redirect_uris(texts: &[String], is_public: bool) -> Result<Vec<RedirectUri>, OperatorApiError> {
    let field = "redirect_uris";
    if texts.is_empty() || texts.len() > MAX_URIS {
        let limit = format!("{field} must hold 1 to {MAX_URIS} URIs");
        return Err(OperatorApiError::Invalid(limit));
    }
    let uris: Result<Vec<_>, _> =
        texts.iter().map(|text| redirect_uri(field, text, is_public)).collect();
    let mut uris = uris?;
    uris.sort_by_key(RedirectUri::is_private_use);
    Ok(uris)
}

fn post_logout_uris(
    texts: &[String],
    is_public: bool,
) -> Result<Vec<RedirectUri>, OperatorApiError> {
    let field = "post_logout_redirect_uris";
    validate_length(field, texts)?;
    texts.iter().map(|text| redirect_uri(field, text, is_public)).collect()
}

fn web_origins(texts: &[String], is_public: bool) -> Result<Vec<WebOrigin>, OperatorApiError> {
    let field = "web_origins";
    validate_length(field, texts)?;
    if !texts.is_empty() && !is_public {
        let rule = "web_origins are for a public app only: an app with a secret redeems its codes \
                    on its server, and no script may know the secret";
        return Err(OperatorApiError::Invalid(rule.to_owned()));
    }
    let read = |text: &String| WebOrigin::parse(text).map_err(|error| invalid(field, error));
    texts.iter().map(read).collect()
}

fn validate_length(field: &str, texts: &[String]) -> Result<(), OperatorApiError> {
    if texts.len() > MAX_URIS {
        return Err(OperatorApiError::Invalid(format!("{field} must hold at most {MAX_URIS}")));
    }
    Ok(())
}

fn redirect_uri(field: &str, text: &str, is_public: bool) -> Result<RedirectUri, OperatorApiError> {
    let uri = RedirectUri::parse(text).map_err(|error| invalid(field, error))?;
    if uri.is_private_use() && !is_public {
        let rule = format!(
            "{field}: a private-use scheme is for a public app only, because any app on the device \
             can claim it"
        );
        return Err(OperatorApiError::Invalid(rule));
    }
    Ok(uri)
}

fn app_url(field: &str, text: &str) -> Result<AppUrl, OperatorApiError> {
    AppUrl::parse(text).map_err(|error| invalid(field, error))
}

fn invalid(field: &str, error: InvalidUri) -> OperatorApiError {
    OperatorApiError::Invalid(format!("{field}: {error}"))
}

fn new_secret() -> Result<SecretString, OperatorApiError> {
    let secret = random_secret().map_err(OperatorApiError::Random)?;
    Ok(secret_text("gh_app_", &secret))
}

const NO_CLIENT: OperatorApiError = OperatorApiError::NotFound("client");

const MAX_URIS: usize = 20;

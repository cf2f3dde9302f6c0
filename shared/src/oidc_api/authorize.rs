//! `/oauth2/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2). By GET and by POST.

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::form::FormError;
use super::page::Page;
use super::reply::redirect_error;
use super::{form, issue, session};
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use crate::saml_api::{self, Choice};
use oidc::authorize::{self, AuthorizeRequest, Organisation, Prompt};
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::parameters::Parameters;
use oidc::purpose::Purpose;
use oidc::redirect_uri::AppUrl;
use saml::connection::Connection;
use types::ids::TenantId;

pub(super) async fn by_query(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::parse(&query.unwrap_or_default());
    authorize(&app, &headers, parameters.map_err(|error| Page::refused(error.description))).await
}

pub(super) async fn by_form(State(app): State<AppState>, request: Request) -> Response {
    let headers = request.headers().clone();
    let parameters = form::read(request).await.map_err(|fault| {
        let page = Page::refused(fault.error().description);
        match fault {
            FormError::TooLarge => Page { status: StatusCode::PAYLOAD_TOO_LARGE, ..page },
            FormError::Oauth(_) => page,
        }
    });
    authorize(&app, &headers, parameters).await
}

async fn authorize(
    app: &AppState,
    headers: &HeaderMap,
    parameters: Result<Parameters, Page>,
) -> Response {
    let asking = match parameters {
        Ok(parameters) => asking(app, &parameters).await.map(|found| (parameters, found)),
        Err(page) => Err(page),
    };
    let (parameters, (client, redirect_uri)) = match asking {
        Ok(found) => found,
        Err(page) => return page.into_response(),
    };
    let base_url = BaseUrl::of(&app.config, headers);
    let now = app.clock.now();
    let pkce = client.pkce();
    let request = AuthorizeRequest::read(&parameters, client.id, redirect_uri.clone(), pkce, now);
    let answer = match request {
        Ok(request) => answer(app, &base_url, headers, request).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| {
        redirect_error(&base_url, &redirect_uri, authorize::state(&parameters), error)
    })
}

/// Who asks, and where the answer goes; before that is known only a page may say what is wrong.
async fn asking(app: &AppState, parameters: &Parameters) -> Result<(Client, AppUrl), Page> {
    let refused = |error: OauthError| Page::refused(error.description);
    let id = authorize::client_id(parameters).map_err(refused)?;
    let client = app.store.client(&id).await.map_err(|error| {
        let _: OauthError = error.into();
        Page::UNAVAILABLE
    })?;
    let client = client.ok_or(Page::refused("client_id names no app"))?;
    let redirect_uri = authorize::redirect_uri(parameters, &client).map_err(refused)?;
    Ok((client, redirect_uri))
}

async fn answer(
    app: &AppState,
    base_url: &BaseUrl,
    headers: &HeaderMap,
    request: AuthorizeRequest,
) -> Result<Response, OauthError> {
    if let Some((tenant, authentication)) = session::current(app, base_url, headers).await?
        && request.is_met_by_session(authentication.auth_time, app.clock.now())
        && is_of(app, request.organisation.as_ref(), tenant, &authentication.domain).await?
    {
        return issue::code(app, base_url, tenant, authentication, request).await;
    }
    if request.prompt == Prompt::None {
        let needed = "the person has to sign in";
        return Err(OauthError::new(ErrorCode::LoginRequired, needed));
    }
    let Some(organisation) = &request.organisation else {
        let missing = "domain, tenant or login_hint must name the organisation";
        return Err(OauthError::invalid_request(missing));
    };
    let connections = connections(app, organisation).await?;
    match connections.as_slice() {
        [] => Err(NO_CONNECTION),
        [connection] => {
            let purpose = Purpose::App(Box::new(request));
            Ok(saml_api::begin(app, base_url, connection, purpose).await)
        }
        several => Ok(choose(base_url, &request, several)),
    }
}

/// The connections of an organisation at which people can sign in.
async fn connections(
    app: &AppState,
    organisation: &Organisation,
) -> Result<Vec<Connection>, OauthError> {
    let found = match organisation {
        Organisation::Domain(domain) => {
            app.store.connection_of_domain(domain).await?.into_iter().collect()
        }
        Organisation::Tenant(name) => match tenant_named(app, name).await? {
            Some(tenant) => app.store.connections(tenant).await?,
            None => Vec::new(),
        },
    };
    let connections = found.into_iter().map(|stored| stored.connection);
    Ok(connections.filter(|connection| connection.ready().is_ok()).collect())
}

/// A tenant with several connections: the person says which, and the app's request comes again.
fn choose(base_url: &BaseUrl, request: &AuthorizeRequest, connections: &[Connection]) -> Response {
    let choices: Vec<Choice> = connections
        .iter()
        .map(|connection| Choice {
            name: connection.domain.to_string(),
            url: base_url.join(&format!("/oauth2/authorize?{}", request.query(&connection.domain))),
        })
        .collect();
    saml_api::choose(&choices)
}

/// Whether a connection of a tenant is of the organisation that an app named.
pub(super) async fn is_of(
    app: &AppState,
    organisation: Option<&Organisation>,
    tenant: TenantId,
    domain: &str,
) -> Result<bool, OauthError> {
    match organisation {
        None => Ok(true),
        Some(Organisation::Domain(named)) => Ok(named.as_str() == domain),
        Some(Organisation::Tenant(named)) => Ok(tenant_named(app, named).await? == Some(tenant)),
    }
}

/// The tenant by our id, or by the operator's own.
pub(super) async fn tenant_named(
    app: &AppState,
    name: &str,
) -> Result<Option<TenantId>, OauthError> {
    if let Ok(tenant) = name.parse() {
        return Ok(Some(tenant));
    }
    Ok(app.store.tenant_by_external_id(name).await?.map(|tenant| tenant.id))
}

const NO_CONNECTION: OauthError =
    OauthError::new(ErrorCode::AccessDenied, "the organisation has no identity provider");

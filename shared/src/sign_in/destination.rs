//! Where a sign-in ends: at the app that asked, or at an app that is asked to ask.
//!
//! A destination is found before the sign-in is recorded (check 25, `app.redirect`), and always
//! from the apps as registered now: while the person was away an app may have been deleted.

use super::error::SignInError;
use crate::runtime::state::AppState;
use crate::store::StoreError;
use oidc::authorize::AuthorizeRequest;
use oidc::client::Client;
use oidc::purpose::Purpose;
use oidc::redirect_uri::AppUrl;
use saml::checks::{CheckId, Checks};
use saml::error::SamlError;

/// The end of a sign-in.
#[derive(Debug)]
pub enum Destination {
    /// The app that sent this authorization request. It gets a code.
    App(Box<AuthorizeRequest>),
    /// An app whose `initiate_login_uri` is opened (OpenID Connect Core §4): it sends an
    /// authorization request, which the session answers. So no app gets a code that it did not
    /// ask for.
    Login {
        /// The `initiate_login_uri`.
        url: AppUrl,
        /// The page of that app that the person asked for.
        target: Option<AppUrl>,
    },
    /// Our own page: no app has an `initiate_login_uri`.
    Page,
    /// The page of a test. Nobody is signed in.
    Test,
}

impl Destination {
    /// Finds the end of a sign-in of this purpose.
    ///
    /// # Errors
    ///
    /// [`SamlError::AppRedirect`] if the app that asked is deleted, or its redirect URI is no
    /// longer registered.
    pub async fn find(app: &AppState, purpose: Purpose) -> Result<Self, SignInError> {
        match purpose {
            Purpose::App(request) => {
                let client = app.store.client(&request.client_id).await?;
                let redirect_uri = request.redirect_uri.as_str();
                if client.is_some_and(|client| client.redirect_uri(redirect_uri).is_some()) {
                    return Ok(Self::App(request));
                }
                Err(SamlError::AppRedirect { redirect_uri: redirect_uri.to_owned() }.into())
            }
            Purpose::Start { target } => Self::login(app, target.as_deref()).await,
            Purpose::Test => Ok(Self::Test),
        }
    }

    async fn login(app: &AppState, target: Option<&str>) -> Result<Self, SignInError> {
        let clients = app.store.clients(None, MAX_CLIENTS).await?;
        let target = target.and_then(|target| AppUrl::parse_page(target).ok());
        Ok(app_with_page(&clients, target).or_else(|| first_app(&clients)).unwrap_or(Self::Page))
    }

    /// Records check 25. A sign-in that no app can take over is a warning: the person has a
    /// session, and the next request of any app is answered by it.
    pub fn record_check(&self, checks: &mut Checks) {
        let id = CheckId::AppRedirect;
        match self {
            Self::App(request) => checks.pass(id, "registered", request.redirect_uri.as_str()),
            Self::Login { url, .. } => checks.pass(id, "registered", url.as_str()),
            Self::Page => {
                checks.warn(id, "an app with an initiate_login_uri", "no app has one");
            }
            Self::Test => checks.pass(id, "", "a test opens no app"),
        }
    }

    /// The page of an app that the person asked for, if it belongs to an app.
    pub fn target(&self) -> Option<&AppUrl> {
        match self {
            Self::Login { target, .. } => target.as_ref(),
            Self::App(_) | Self::Page | Self::Test => None,
        }
    }
}

/// Whether `page` is an absolute URL with the origin of a registered URL of an app, and with a path
/// that all programs read alike. A sign-in leads to no other page.
///
/// # Errors
///
/// [`StoreError`] if the table does not answer.
pub async fn is_page_of_an_app(app: &AppState, page: &str) -> Result<bool, StoreError> {
    let Ok(page) = AppUrl::parse_page(page) else { return Ok(false) };
    let clients = app.store.clients(None, MAX_CLIENTS).await?;
    Ok(clients.iter().any(|client| client.owns(&page)))
}

/// The app that the target belongs to, if it can be opened.
fn app_with_page(clients: &[Client], target: Option<AppUrl>) -> Option<Destination> {
    let target = target?;
    let url = clients
        .iter()
        .filter(|client| client.owns(&target))
        .find_map(|client| client.initiate_login_uri.clone())?;
    Some(Destination::Login { url, target: Some(target) })
}

/// The app that was registered first, of those that can be opened.
fn first_app(clients: &[Client]) -> Option<Destination> {
    let can_open = clients.iter().filter(|client| client.initiate_login_uri.is_some());
    let url = can_open.min_by_key(|client| client.created_at)?.initiate_login_uri.clone()?;
    Some(Destination::Login { url, target: None })
}

/// More than the apps of one deployment.
const MAX_CLIENTS: usize = 1_000;

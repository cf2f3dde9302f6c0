//! The end of a sign-in whose user is known: a session, and the way to the app.

use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::SignedIn;
use super::active_grant::{Live, live};
use super::authorization_response::{respond_with_code, respond_with_refusal};
use super::destination::{AppChoice, Destination};
use super::error::SignInError;
use super::pages::Choice;
use super::refusal::Refused;
use super::{organisation, pages, session};
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use crate::store::ConnectionAuthority;
use oidc::authorize::AuthorizeRequest;
use oidc::claims::domain_of_connection;
use oidc::error::{ErrorCode, OauthError};
use oidc::grant::Authentication;
use oidc::purpose::Purpose;
use oidc::redirect_uri::AppUrl;
use saml::error::{SamlError, SessionError, UserError};
use types::ids::TenantId;

/// Creates the session and sends the browser to the destination, if the sign-in still counts: user
/// or connection may have changed since the response arrived. A test gets no session. `sign_in` is
/// the id of the sign-in.
pub async fn complete(
    app: &AppState,
    base_url: &BaseUrl,
    signed_in: SignedIn,
    destination: Destination,
    sign_in: Option<&str>,
) -> Response {
    match check_live(app, &signed_in).await {
        Ok(live) => {
            let authority = &live.standing.authority;
            let session = BrowserSession::New { sign_in };
            let ending = Ending { app, base_url, authority, session, reference: None };
            ending.complete(signed_in, destination).await
        }
        Err(error) => {
            let request = match destination {
                Destination::App(request) => Some(Purpose::App(request)),
                Destination::Login { .. } | Destination::Choice { .. } | Destination::Page => None,
                Destination::Test => return pages::test_ended(),
            };
            let purpose = request.as_ref();
            let refused = Refused { app, base_url, purpose, reference: None, retry_url: None };
            refused.answer(error).await
        }
    }
}

/// The session of the browser at the end of a sign-in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BrowserSession<'a> {
    /// The sign-in gives a session.
    New {
        /// The id of the sign-in.
        sign_in: Option<&'a str>,
    },
    /// The browser has the session that the sign-in gave.
    Kept,
}

/// The end of a sign-in whose rows were read by this request. What it gives remembers the
/// generations of these rows, so that a change in between ends it at its first use.
pub(crate) struct Ending<'a> {
    /// The state of the process.
    pub(crate) app: &'a AppState,
    /// The base URL.
    pub(crate) base_url: &'a BaseUrl,
    /// The authority of the connection.
    pub(crate) authority: &'a ConnectionAuthority,
    /// The session of the browser.
    pub(crate) session: BrowserSession<'a>,
    /// The reference of the record, if one was written.
    pub(crate) reference: Option<&'a str>,
}

impl Ending<'_> {
    /// Sends the browser to the destination, with a new session unless it has that of the sign-in.
    pub(crate) async fn complete(&self, signed_in: SignedIn, destination: Destination) -> Response {
        let ended = match destination {
            Destination::App(request) => return self.end_at_app(signed_in, &request).await,
            Destination::Test => return pages::test_ended(),
            Destination::Login { url, target } => {
                let open = |hint: &str| see_other(&self.login_url(&url, hint, target.as_ref()));
                self.end_at_us(signed_in, |hint| Ok(open(hint)?)).await
            }
            Destination::Choice { apps, target } => {
                let choice = |hint: &str, app: &AppChoice| Choice {
                    name: app.name.clone(),
                    url: self.login_url(&app.url, hint, target.as_ref()),
                };
                let page = |hint: &str| {
                    let choices: Vec<Choice> = apps.iter().map(|app| choice(hint, app)).collect();
                    Ok(pages::choose_app(&choices))
                };
                self.end_at_us(signed_in, page).await
            }
            Destination::Page => self.end_at_us(signed_in, |_| Ok(pages::signed_in())).await,
        };
        ended.unwrap_or_else(|error| error.into_response(None))
    }

    /// Sends the browser to the app that asked, with a code or an error.
    async fn end_at_app(&self, signed_in: SignedIn, request: &AuthorizeRequest) -> Response {
        let given = self.give_code(signed_in, request).await;
        given.unwrap_or_else(|error| {
            let told = error.into_oauth_error();
            respond_with_refusal(self.base_url, request, told, self.reference)
        })
    }

    async fn give_code(
        &self,
        signed_in: SignedIn,
        request: &AuthorizeRequest,
    ) -> Result<Response, SignInError> {
        let Self { app, base_url, .. } = self;
        let organisation = request.organisation.as_ref();
        if !organisation::matches(app, organisation, &signed_in, self.authority).await? {
            return Err(OTHER_ORGANISATION.into());
        }
        let SignedIn { tenant, authentication } = signed_in;
        if !request.expects(tenant, authentication.user) {
            return Err(OTHER_PERSON.into());
        }
        if !request.is_met_by_sign_in(authentication.auth_time, app.clock.now()) {
            return Err(NOT_RECENT.into());
        }
        let session = self.session_cookie(tenant, authentication.clone());
        let code = respond_with_code(app, base_url, tenant, authentication, request.clone());
        let (cookie, mut response) = tokio::try_join!(session, code)?;
        set_cookie(&mut response, cookie);
        Ok(response)
    }

    /// Answers with one of our pages, or a redirect, which gets the hint for the app.
    async fn end_at_us(
        &self,
        signed_in: SignedIn,
        answer: impl FnOnce(&str) -> Result<Response, SignInError>,
    ) -> Result<Response, SignInError> {
        // The app sends the hint back, and only a domain of the connection leads to this session.
        let connection = &signed_in.authentication.connection;
        let hint = domain_of_connection(connection, &self.authority.domains);
        let hint = hint.map(ToString::to_string).unwrap_or_default();
        let SignedIn { tenant, authentication } = signed_in;
        let cookie = self.session_cookie(tenant, authentication).await?;
        let mut response = answer(&hint)?;
        set_cookie(&mut response, cookie);
        Ok(response)
    }

    /// Returns the URL at which an app is asked to begin a sign-in (OpenID Connect Core §4).
    fn login_url(&self, url: &AppUrl, hint: &str, target: Option<&AppUrl>) -> String {
        let issuer = self.base_url.join("");
        let parameters = [("iss", issuer.as_str()), ("login_hint", hint)];
        let target = target.map(|target| ("target_link_uri", target.as_str()));
        url.with(parameters.into_iter().chain(target))
    }

    async fn session_cookie(
        &self,
        tenant: TenantId,
        authentication: Authentication,
    ) -> Result<Option<HeaderValue>, SignInError> {
        match self.session {
            BrowserSession::New { sign_in } => {
                let (app, base_url) = (self.app, self.base_url);
                session::create(app, base_url, tenant, authentication, sign_in).await.map(Some)
            }
            BrowserSession::Kept => Ok(None),
        }
    }
}

fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// Checks that the sign-in counts (rule 16), and that the identity provider's session is not over
/// by now (rule 18).
async fn check_live(app: &AppState, signed_in: &SignedIn) -> Result<Live, SignInError> {
    let SignedIn { tenant, authentication } = signed_in;
    if authentication.is_over(app.clock.now()) {
        return Err(SamlError::Session(SessionError::Over).into());
    }
    let live = live(app, *tenant, authentication, None).await?;
    live.ok_or_else(|| SamlError::UserState(UserError::Deactivated).into())
}

const OTHER_ORGANISATION: OauthError =
    OauthError::new(ErrorCode::AccessDenied, "the person belongs to another organisation");
const OTHER_PERSON: OauthError = OauthError::new(
    ErrorCode::LoginRequired,
    "another person signed in than the one of id_token_hint",
);
const NOT_RECENT: OauthError = OauthError::new(
    ErrorCode::LoginRequired,
    "the identity provider did not authenticate the person anew",
);

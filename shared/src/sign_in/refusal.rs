//! Where a refusal ends: at the app that asked, or on a page.
//!
//! If the request of an app is known, the app gets every refusal as an error of OAuth, with the
//! reference of the record in its description: the app has its own way on, and waits for an
//! answer. A page remains where no answer may be sent ([`outlet`]).

use axum::response::Response;

use super::authorization_response::respond_with_refusal;
use super::destination::is_registered;
use super::error::{SignInError, refused};
use crate::http::base_url::BaseUrl;
use crate::runtime::request_log::FailureCode;
use crate::runtime::state::AppState;
use oidc::authorize::AuthorizeRequest;
use oidc::error::{ErrorCode, OauthError};
use oidc::purpose::Purpose;
use saml::checks::CheckId;
use saml::error::{SamlError, SessionError};

/// Where the refusal of a check goes if the request of an app is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outlet {
    /// To the app, with this error.
    App(ErrorCode),
    /// To the person: nothing may be sent to the app.
    Page,
}

/// Decides where a refusal goes if the request of an app is known.
pub const fn outlet(error: &SamlError) -> Outlet {
    // A new sign-in at the identity provider helps, and the app decides whether to begin one.
    if let SamlError::Session(SessionError::Over) = error {
        return Outlet::App(ErrorCode::LoginRequired);
    }
    outlet_of(error.check())
}

const fn outlet_of(check: CheckId) -> Outlet {
    match check {
        CheckId::Form
        | CheckId::Xml
        | CheckId::Status
        | CheckId::Version
        | CheckId::Connection
        | CheckId::Issuer
        | CheckId::SignaturePresent
        | CheckId::SignatureAlgorithm
        | CheckId::SignatureKey
        | CheckId::SignatureReference
        | CheckId::Decryption
        | CheckId::Destination
        | CheckId::Recipient
        | CheckId::Time
        | CheckId::Audience
        | CheckId::InResponseTo
        | CheckId::Replay
        | CheckId::AuthnContext
        | CheckId::Session
        | CheckId::Subject
        | CheckId::Attributes
        | CheckId::UserDomain
        | CheckId::UserState
        | CheckId::UserLicence => Outlet::App(ErrorCode::AccessDenied),
        // The app or its redirect URI is gone.
        CheckId::AppRedirect => Outlet::Page,
    }
}

/// The error that an app is told of a refusal; `None` if it may not be told. The description is the
/// sentence that the page would have, which quotes nothing of the response.
pub fn app_error(error: &SamlError) -> Option<OauthError> {
    match outlet(error) {
        Outlet::App(code) => Some(OauthError::new(code, error.public_text())),
        Outlet::Page => None,
    }
}

/// A sign-in that does not go on.
pub(crate) struct Refused<'a> {
    /// The state of the process.
    pub(crate) app: &'a AppState,
    /// The base URL.
    pub(crate) base_url: &'a BaseUrl,
    /// The purpose of the sign-in, if this browser is known to have started it.
    pub(crate) purpose: Option<&'a Purpose>,
    /// The reference of the record, if there is one.
    pub(crate) reference: Option<&'a str>,
    /// The URL at which the person may try again.
    pub(crate) retry_url: Option<String>,
}

impl Refused<'_> {
    /// Sends the browser to the app with an error, or shows the page of the error.
    pub(crate) async fn answer(self, error: SignInError) -> Response {
        match (self.request().await, error) {
            (Some(request), SignInError::Refused(error)) => match app_error(&error) {
                Some(told) => {
                    let mut response =
                        respond_with_refusal(self.base_url, request, told, self.reference);
                    response.extensions_mut().insert(FailureCode(error.code()));
                    response
                }
                None => self.page(&error),
            },
            (Some(request), error) => {
                let told = error.into_oauth_error();
                respond_with_refusal(self.base_url, request, told, self.reference)
            }
            (None, SignInError::Refused(error)) => self.page(&error),
            (None, error) => error.into_response(self.retry_url.as_deref()),
        }
    }

    /// The request that is answered: one whose app is still registered. If the table does not tell,
    /// it was so when the sign-in was started.
    async fn request(&self) -> Option<&AuthorizeRequest> {
        let request = match self.purpose {
            Some(Purpose::App(request)) => request,
            Some(Purpose::Start { .. } | Purpose::Test) | None => return None,
        };
        is_registered(self.app, request).await.unwrap_or(true).then_some(request)
    }

    fn page(&self, error: &SamlError) -> Response {
        let hint = match self.purpose {
            Some(Purpose::Test) => Some("To test the connection again, ask for a new link."),
            Some(Purpose::App(_) | Purpose::Start { .. }) | None => None,
        };
        refused(error, self.reference, self.retry_url.as_deref(), hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_no_app_may_be_told_is_a_page() {
        let pages: Vec<&str> = CheckId::ALL
            .iter()
            .filter(|check| outlet_of(**check) == Outlet::Page)
            .map(|check| check.code())
            .collect();
        assert_eq!(pages, ["app.redirect"]);
    }

    #[test]
    fn an_app_is_asked_to_begin_again_only_if_that_helps() {
        let told = |error| outlet(&SamlError::Session(error));
        assert_eq!(told(SessionError::Over), Outlet::App(ErrorCode::LoginRequired));
        assert_eq!(told(SessionError::NoStatement), Outlet::App(ErrorCode::AccessDenied));
    }

    #[test]
    fn every_sentence_may_stand_in_an_error_description() {
        // RFC 6749 section 4.1.2.1.
        let is_allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        for check in CheckId::ALL {
            let text = check.info().public_text;
            assert!(text.bytes().all(is_allowed), "{text}");
        }
    }
}

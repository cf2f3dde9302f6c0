//! Where a refusal ends: at the app that asked, or on a page.
//!
//! If the request of an app is known, the app gets the refusal of this person or of this attempt as
//! an error of OAuth, with the reference of the record in its description: the app has its own way
//! on, and waits for an answer. A refusal that everybody of the organisation meets is for its IT
//! team: the person reads a page with the reference, and takes the error to the app by a link. A page
//! also remains where no answer may be sent ([`outlet`]).

use axum::response::Response;

use super::authorization_response::{respond_with_refusal, way_to_app};
use super::destination::is_registered;
use super::error::{SignInError, WayOn, refused};
use super::pages::ToApp;
use super::retry::retry_url;
use crate::http::base_url::BaseUrl;
use crate::http::failure_code::FailureCode;
use crate::runtime::state::AppState;
use oidc::authorize::AuthorizeRequest;
use oidc::error::{ErrorCode, OauthError};
use oidc::purpose::Purpose;
use saml::checks::CheckId;
use saml::connection::Connection;
use saml::error::{SamlError, SessionError};

/// Where the refusal of a check goes if the request of an app is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outlet {
    /// To the app, with this error.
    App(ErrorCode),
    /// To the person, who may go on to the app with this error.
    Page(ErrorCode),
    /// To the person: nothing may be sent to the app.
    PageAlone,
}

/// Decides where a refusal goes if the request of an app is known.
pub const fn outlet(error: &SamlError) -> Outlet {
    // A new sign-in at the identity provider helps, and the app decides whether to begin one.
    if let SamlError::Session(SessionError::Over) = error {
        return Outlet::App(ErrorCode::LoginRequired);
    }
    let check = error.check();
    if matches!(check, CheckId::AppRedirect) {
        // The app or its redirect URI is gone.
        Outlet::PageAlone
    } else if error.is_connection_wide() || matches!(check, CheckId::Form | CheckId::Xml) {
        Outlet::Page(ErrorCode::AccessDenied)
    } else {
        Outlet::App(ErrorCode::AccessDenied)
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

impl<'a> Refused<'a> {
    /// The refusal of a sign-in of this browser that leaves no record.
    pub(crate) fn unrecorded(
        app: &'a AppState,
        base_url: &'a BaseUrl,
        connection: &Connection,
        purpose: &'a Purpose,
    ) -> Self {
        let retry_url = retry_url(base_url, &connection.domain, Some(purpose));
        Self { app, base_url, purpose: Some(purpose), reference: None, retry_url }
    }

    /// Sends the browser to the app with an error, or shows the page of the error.
    pub(crate) async fn answer(self, error: SignInError) -> Response {
        let request = self.request().await;
        match (request, error) {
            (Some(request), SignInError::Refused(error)) => self.answer_request(request, &error),
            (Some(request), error) => {
                let told = error.into_oauth_error();
                respond_with_refusal(self.base_url, request, told, self.reference)
            }
            (None, SignInError::Refused(error)) => self.page(&error, None),
            (None, error) => error.into_response(self.retry_url.as_deref()),
        }
    }

    /// The description of the error is the sentence of the page, which quotes nothing of the
    /// response.
    fn answer_request(&self, request: &AuthorizeRequest, error: &SamlError) -> Response {
        let told = |code| OauthError::new(code, error.public_text());
        match outlet(error) {
            Outlet::App(code) => {
                let (base_url, reference) = (self.base_url, self.reference);
                let mut response = respond_with_refusal(base_url, request, told(code), reference);
                response.extensions_mut().insert(FailureCode(error.code()));
                response
            }
            Outlet::Page(code) => {
                let to_app = way_to_app(self.base_url, request, told(code), self.reference);
                self.page(error, Some(&to_app))
            }
            Outlet::PageAlone => self.page(error, None),
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

    fn page(&self, error: &SamlError, to_app: Option<&ToApp>) -> Response {
        let hint = match self.purpose {
            Some(Purpose::Test) => Some("To test the connection again, ask for a new link."),
            Some(Purpose::App(_) | Purpose::Start { .. }) | None => None,
        };
        let way_on = WayOn { hint, retry_url: self.retry_url.as_deref(), to_app };
        refused(error, self.reference, &way_on)
    }
}

#[cfg(test)]
mod tests {
    use saml::decryption::DecryptionError;
    use saml::error::{FormError, InResponseToError, UserError};
    use saml::xml::XmlError;

    use super::*;

    #[test]
    fn what_everybody_meets_is_a_page_and_what_one_person_meets_is_an_answer_to_the_app() {
        let denied = ErrorCode::AccessDenied;
        for error in [
            SamlError::Form(FormError::Field),
            SamlError::Xml(XmlError::Encoding),
            SamlError::Decryption(DecryptionError::Failed),
            SamlError::Audience { expected: String::new(), received: vec![] },
            SamlError::Session(SessionError::NoStatement),
            SamlError::InResponseTo(InResponseToError::Contradiction),
        ] {
            assert_eq!(outlet(&error), Outlet::Page(denied), "{error:?}");
        }
        for error in [
            SamlError::Status { code: String::new(), sub_code: None, message: None },
            SamlError::InResponseTo(InResponseToError::Unsolicited),
            SamlError::Replay,
            SamlError::UserDomain { domain: String::new() },
            SamlError::UserState(UserError::Deactivated),
            SamlError::UserLicence { seats: 1 },
        ] {
            assert_eq!(outlet(&error), Outlet::App(denied), "{error:?}");
        }
        let gone = SamlError::AppRedirect { redirect_uri: String::new() };
        assert_eq!(outlet(&gone), Outlet::PageAlone);
    }

    #[test]
    fn an_app_is_asked_to_begin_again_only_if_that_helps() {
        let told = |error| outlet(&SamlError::Session(error));
        assert_eq!(told(SessionError::Over), Outlet::App(ErrorCode::LoginRequired));
        assert_eq!(told(SessionError::NoStatement), Outlet::Page(ErrorCode::AccessDenied));
    }

    #[test]
    fn every_sentence_may_stand_in_an_error_description() {
        // RFC 6749 section 4.1.2.1.
        let is_allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let unknown = SamlError::UserState(UserError::Unknown).public_text();
        let texts = CheckId::ALL.iter().map(|check| check.info().public_text);
        for text in texts.chain([unknown]) {
            assert!(text.bytes().all(is_allowed), "{text}");
        }
    }
}

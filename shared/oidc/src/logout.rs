//! RP-initiated logout: an app asks to end the session of a browser (OpenID Connect RP-Initiated
//! Logout 1.0).

use super::client::{Client, ClientId};
use super::error::OauthError;
use super::id_token_hint::HintClaims;
use super::parameters::Parameters;
use super::redirect_uri::RedirectUri;
use super::response_target::read_state;
use types::ids::{ResourceId, TenantId};

/// A logout request. `logout_hint` and `ui_locales` are ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogoutRequest<'a> {
    /// An ID token that was issued to the app, not yet verified.
    pub id_token_hint: Option<&'a str>,
    /// The app, if it names itself.
    pub client_id: Option<ClientId>,
    /// The page of the app to go to.
    pub post_logout_redirect_uri: Option<&'a str>,
    /// Returned unchanged to that page.
    pub state: Option<&'a str>,
}

impl<'a> LogoutRequest<'a> {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// `invalid_request` for a repeated or malformed parameter. It is for a page: after an error
    /// nobody may be sent to the app (§4).
    pub fn read(parameters: &'a Parameters) -> Result<Self, OauthError> {
        let unknown = OauthError::invalid_request("client_id names no app");
        let client_id = parameters.one("client_id")?.map(str::parse).transpose();
        let state = read_state(parameters)?;
        // The page that asks the person has it in a form, which changes control characters.
        if state.is_some_and(|state| state.contains(char::is_control)) {
            return Err(OauthError::invalid_request("state has control characters"));
        }
        Ok(Self {
            id_token_hint: parameters.one("id_token_hint")?,
            client_id: client_id.map_err(|_| unknown)?,
            post_logout_redirect_uri: parameters.one("post_logout_redirect_uri")?,
            state,
        })
    }

    /// Returns the request as parameters.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("id_token_hint", self.id_token_hint),
            ("client_id", self.client_id.as_ref().map(ClientId::as_str)),
            ("post_logout_redirect_uri", self.post_logout_redirect_uri),
            ("state", self.state),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns the id of the app that asks: by its `client_id`, or by the hint.
    ///
    /// # Errors
    ///
    /// `invalid_request` if the hint was issued to another app (§2).
    pub fn asking(&self, hint: Option<&HintClaims>) -> Result<Option<ClientId>, OauthError> {
        match (&self.client_id, hint) {
            (Some(named), Some(hint)) if *named != hint.aud => {
                Err(OauthError::invalid_request("id_token_hint was issued to another app"))
            }
            (named, hint) => Ok(named.clone().or_else(|| hint.map(|hint| hint.aud.clone()))),
        }
    }

    /// Returns where the browser goes afterwards: the named URI, if the app registered it.
    pub fn target<'c>(&self, client: Option<&'c Client>) -> Option<&'c RedirectUri> {
        client?.post_logout_redirect_uri(self.post_logout_redirect_uri?)
    }

    /// Returns the URL of that page, with `state`.
    pub fn url(&self, target: &RedirectUri) -> String {
        match self.state {
            Some(state) => target.with([("state", state)]),
            None => target.as_str().to_owned(),
        }
    }
}

/// The step that follows a request to sign out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// There is no session.
    NoSession,
    /// Ask the person, because any site can lead a browser here.
    Ask,
    /// End the session.
    End,
}

/// Decides about a session of a user. A hint for that user proves that the request comes from an app
/// that the person signed in to; otherwise the person has to confirm.
pub fn step(
    session: Option<(TenantId, ResourceId)>,
    hint: Option<&HintClaims>,
    is_confirmed: bool,
) -> Step {
    match session {
        None => Step::NoSession,
        Some(person) => {
            let is_hinted = hint.is_some_and(|hint| (hint.tenant, hint.sub) == person);
            if is_hinted || is_confirmed { Step::End } else { Step::Ask }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "app_07070707070707070707070707070707";

    fn hint(user: &str) -> HintClaims {
        HintClaims {
            iss: "https://id.example".to_owned(),
            aud: APP.parse().unwrap(),
            sub: user.parse().unwrap(),
            tenant: "0199d3a0-0000-7000-8000-000000000001".parse().unwrap(),
        }
    }

    #[test]
    fn only_a_hint_for_the_user_or_the_person_ends_a_session() {
        let ada = hint("7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111");
        let bob = hint("7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d2222");
        let elsewhere = HintClaims {
            tenant: "0199d3a0-0000-7000-8000-000000000002".parse().unwrap(),
            ..ada.clone()
        };
        let session = Some((ada.tenant, ada.sub));
        for (session, hint, is_confirmed, expect) in [
            (None, Some(&ada), false, Step::NoSession),
            (None, None, true, Step::NoSession),
            (session, Some(&ada), false, Step::End),
            (session, Some(&bob), false, Step::Ask),
            (session, Some(&elsewhere), false, Step::Ask),
            (session, None, false, Step::Ask),
            (session, None, true, Step::End),
            (session, Some(&bob), true, Step::End),
        ] {
            assert_eq!(step(session, hint, is_confirmed), expect);
        }
    }

    #[test]
    fn a_request_names_one_app_and_a_page_that_it_registered() {
        let client = Client {
            id: APP.parse().unwrap(),
            name: "App".to_owned(),
            secret_sha256: None,
            pkce: crate::pkce::Pkce::Required,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: vec![RedirectUri::parse("https://app.example/bye").unwrap()],
            web_origins: Vec::new(),
            initiate_login_uri: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let check = |query: &str, expect: Result<Option<&str>, &str>| {
            let parameters = Parameters::parse(query).unwrap();
            let ada = hint("7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111");
            let read = LogoutRequest::read(&parameters).and_then(|request| {
                let hint = request.id_token_hint.map(|_| &ada);
                let asking = request.asking(hint)?;
                let client = Some(&client).filter(|client| asking.as_ref() == Some(&client.id));
                Ok(request.target(client).map(|target| request.url(target)))
            });
            let read = read.map_err(|error| error.code.as_str());
            assert_eq!(read.as_ref().map(Option::as_deref), expect.as_ref().copied(), "{query}");
        };
        let bye = "post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye";
        let at = "https://app.example/bye";
        check("", Ok(None));
        check(bye, Ok(None));
        check(&format!("{bye}&client_id={APP}"), Ok(Some(at)));
        check(&format!("{bye}&id_token_hint=x"), Ok(Some(at)));
        check(
            &format!("{bye}&id_token_hint=x&client_id={APP}&state=%26+"),
            Ok(Some(&format!("{at}?state=%26+"))),
        );
        check(&format!("{bye}%2F&client_id={APP}"), Ok(None));
        check(&format!("{bye}%3Fx&client_id={APP}"), Ok(None));
        let other = "client_id=app_00000000000000000000000000000000";
        check(&format!("{bye}&{other}"), Ok(None));
        check(&format!("{bye}&{other}&id_token_hint=x"), Err("invalid_request"));
        check("client_id=x", Err("invalid_request"));
        check(&format!("{bye}&{bye}"), Err("invalid_request"));
        check("state=%0A", Err("invalid_request"));
        check(&format!("state={}", "s".repeat(4_097)), Err("invalid_request"));
    }
}

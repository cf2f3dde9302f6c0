//! Where and how the response to an authorization request goes (RFC 6749 §4.1.2, OAuth 2.0 Multiple
//! Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode).
//!
//! It is known before the rest of the request is read, so that an error in that can be sent to the
//! app.

use serde::{Deserialize, Serialize};

use super::error::OauthError;
use super::parameters::Parameters;
use super::redirect_uri::RedirectUri;

/// The way of a response to the redirect URI.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// `query`: in the query of the redirect URI.
    #[default]
    Query,
    /// `form_post`: in a form that the browser posts to the redirect URI.
    FormPost,
}

impl ResponseMode {
    /// All modes, in the order in which discovery lists them.
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// Returns the mode as it is on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// Reads `response_mode`.
    ///
    /// # Errors
    ///
    /// `invalid_request` for an unknown mode; for `form_post` to a private-use scheme, because a
    /// native app receives a URI and no form; and for `form_post` with a `state` that a form changes.
    pub fn read(parameters: &Parameters, redirect_uri: &RedirectUri) -> Result<Self, OauthError> {
        let mode = Self::asked(parameters, redirect_uri)?;
        if mode == Self::FormPost && !is_kept_by_forms(read_state(parameters)?) {
            return Err(OauthError::invalid_request(
                "a form cannot return the control characters of state",
            ));
        }
        Ok(mode)
    }

    /// Reads `response_mode` alone.
    fn asked(parameters: &Parameters, redirect_uri: &RedirectUri) -> Result<Self, OauthError> {
        let asked = parameters.one("response_mode")?.unwrap_or(Self::Query.as_str());
        let mode = Self::ALL.into_iter().find(|mode| mode.as_str() == asked);
        let mode =
            mode.ok_or(OauthError::invalid_request("response_mode must be query or form_post"))?;
        if mode == Self::FormPost && redirect_uri.is_private_use() {
            return Err(OauthError::invalid_request(
                "response_mode form_post needs a redirect_uri with https or http",
            ));
        }
        Ok(mode)
    }
}

/// The redirect URI of a request, and what every response to it needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResponseTarget {
    /// The redirect URI.
    pub redirect_uri: RedirectUri,
    /// How the response gets there.
    pub response_mode: ResponseMode,
    /// Returned unchanged.
    pub state: Option<String>,
}

impl ResponseTarget {
    /// Reads the target of a request that may be wrong otherwise: an unusable `response_mode` counts
    /// as `query`, and an unusable `state` as none.
    pub fn read(parameters: &Parameters, redirect_uri: RedirectUri) -> Self {
        let response_mode = ResponseMode::asked(parameters, &redirect_uri).unwrap_or_default();
        let state = read_state(parameters).ok().flatten();
        let state =
            state.filter(|_| response_mode == ResponseMode::Query || is_kept_by_forms(state));
        Self { response_mode, state: state.map(str::to_owned), redirect_uri }
    }
}

/// Whether a form returns `state` as it is: a browser turns every line break of a field into CR LF, and
/// U+0000 into U+FFFD.
fn is_kept_by_forms(state: Option<&str>) -> bool {
    !state.is_some_and(|state| state.contains(char::is_control))
}

/// Reads `state`: any text.
///
/// # Errors
///
/// `invalid_request` if it is longer than [`MAX_STATE`], repeated or not UTF-8.
pub fn read_state(parameters: &Parameters) -> Result<Option<&str>, OauthError> {
    match parameters.one("state")? {
        Some(state) if state.len() > MAX_STATE => {
            Err(OauthError::invalid_request("state is longer than 4096 bytes"))
        }
        state => Ok(state),
    }
}

/// The longest `state`, in bytes. Apps keep the page that a person asked for in it.
pub const MAX_STATE: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, uri: &str) -> (Result<ResponseMode, &'static str>, ResponseTarget) {
        let parameters = Parameters::parse(query).unwrap();
        let uri = RedirectUri::parse(uri).unwrap();
        let mode = ResponseMode::read(&parameters, &uri).map_err(|error| error.code.as_str());
        (mode, ResponseTarget::read(&parameters, uri))
    }

    #[test]
    fn an_unusable_mode_is_an_error_that_goes_to_the_app_by_query() {
        let (page, app) = ("https://app.example/cb", "com.example.app:/cb");
        for (query, uri, expect) in [
            ("", page, Ok(ResponseMode::Query)),
            ("response_mode=query", app, Ok(ResponseMode::Query)),
            ("response_mode=form_post&state=a%20b", page, Ok(ResponseMode::FormPost)),
            ("response_mode=form_post", app, Err("invalid_request")),
            ("response_mode=fragment", page, Err("invalid_request")),
            ("response_mode=FORM_POST", page, Err("invalid_request")),
            ("response_mode=query&response_mode=query", page, Err("invalid_request")),
        ] {
            let (mode, target) = read(query, uri);
            assert_eq!(mode, expect, "{query} {uri}");
            assert_eq!(target.response_mode, mode.unwrap_or(ResponseMode::Query), "{query}");
        }
    }

    #[test]
    fn an_unusable_state_is_an_error_that_goes_to_the_app_by_the_mode_that_it_asked_for() {
        let long = "s".repeat(MAX_STATE + 1);
        for state in ["a%0Ab", "%FF", "a&state=b", &long] {
            let query = format!("response_mode=form_post&state={state}");
            let (_, target) = read(&query, "https://app.example/cb");
            assert_eq!(target.response_mode, ResponseMode::FormPost, "{state}");
            assert_eq!(target.state, None, "{state}");
        }
    }

    #[test]
    fn a_state_is_any_text_of_up_to_4096_bytes() {
        let page = "https://app.example/cb";
        let state = |query: &str| read(query, page).1.state;
        assert_eq!(state("state=%C3%A4%0A%00+%22%3C").as_deref(), Some("\u{e4}\n\0 \"<"));
        let longest = "s".repeat(MAX_STATE);
        assert_eq!(state(&format!("state={longest}")), Some(longest.clone()));
        assert_eq!(state(&format!("state={longest}s")), None);
        assert_eq!(state("state=%FF"), None);
        assert_eq!(state("state=a&state=a"), None);
    }
}

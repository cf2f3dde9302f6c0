//! The URLs at which a person tries a failed sign-in again, or resumes an ended one.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::sp_urls::SpUrls;
use crate::http::base_url::BaseUrl;
use oidc::purpose::Purpose;
use types::domain::Domain;

/// Returns the URL that starts a sign-in of the same purpose at the connection named `connection`.
/// `purpose` is `None` for a sign-in that the identity provider started.
///
/// A test has no such URL: its link works once.
pub(crate) fn retry_url(
    base_url: &BaseUrl,
    connection: &Domain,
    purpose: Option<&Purpose>,
) -> Option<String> {
    let sso_url = || SpUrls::new(base_url, connection).sso_url;
    match purpose {
        None | Some(Purpose::Start { target: None }) => Some(sso_url()),
        Some(Purpose::Start { target: Some(target) }) => {
            let target = utf8_percent_encode(target, NON_ALPHANUMERIC);
            Some(format!("{}?target={target}", sso_url()))
        }
        // The app's request is sent again as it was: the app still waits for its `state`.
        Some(Purpose::App(request)) => {
            Some(base_url.join(&format!("/oauth2/authorize?{}", request.query(connection))))
        }
        Some(Purpose::Test) => None,
    }
}

/// Returns the URL at which the browser that ended the sign-in `id` gets to where that led.
pub(crate) fn resume_url(base_url: &BaseUrl, connection: &Domain, id: &str) -> String {
    let sso_url = SpUrls::new(base_url, connection).sso_url;
    format!("{sso_url}/resume?sign_in={}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

/// Returns the URL that starts a sign-in at the connection named `name`; `None` if no connection can
/// have that name.
pub(crate) fn sso_url(base_url: &BaseUrl, name: &str) -> Option<String> {
    name.parse().ok().map(|name| SpUrls::new(base_url, &name).sso_url)
}

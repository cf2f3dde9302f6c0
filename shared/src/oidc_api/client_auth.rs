//! Authentication of an app (RFC 6749 §2.3): `client_secret_basic`, `client_secret_post`, or `none`
//! for a public client.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::OidcApiError;
use super::form;
use crate::http::base_url::BaseUrl;
use crate::runtime::state::AppState;
use oidc::client::Client;
use oidc::error::{ErrorCode, OauthError};
use oidc::parameters::Parameters;

/// A form of an authenticated app.
pub(super) struct ClientRequest {
    /// The app.
    pub(super) client: Client,
    /// Its form.
    pub(super) parameters: Parameters,
    /// The base URL by which the app reached us.
    pub(super) base_url: BaseUrl,
    /// The headers of its request.
    pub(super) headers: HeaderMap,
}

impl FromRequest<AppState> for ClientRequest {
    type Rejection = OidcApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, OidcApiError> {
        let headers = request.headers().clone();
        let parameters = form::read(request).await?;
        let client = authenticate(app, &headers, &parameters).await?;
        Ok(Self { client, parameters, base_url: BaseUrl::of(&app.config, &headers), headers })
    }
}

/// The credentials of a request, not yet checked.
struct Credentials {
    client_id: String,
    secret: Option<SecretString>,
}

/// Returns the client that sends the request.
///
/// All wrong credentials get the same error: which part is wrong would help only an attacker.
async fn authenticate(
    app: &AppState,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Client, OidcApiError> {
    let Credentials { client_id, secret } = credentials(headers, parameters)?;
    let client_id = client_id.parse().map_err(|_| INVALID_CLIENT)?;
    let client = app.store.client(&client_id).await?.ok_or(INVALID_CLIENT)?;
    let is_authentic = match &secret {
        Some(secret) => client.has_secret(secret.expose_secret()),
        None => !client.is_confidential(),
    };
    if is_authentic { Ok(client) } else { Err(INVALID_CLIENT.into()) }
}

fn credentials(headers: &HeaderMap, parameters: &Parameters) -> Result<Credentials, OauthError> {
    let client_id = parameters.one("client_id")?;
    let secret = parameters.one("client_secret")?;
    for name in ["client_assertion", "client_assertion_type"] {
        if parameters.one(name)?.is_some() {
            return Err(INVALID_CLIENT);
        }
    }
    if !headers.contains_key(header::AUTHORIZATION) {
        let client_id = client_id.ok_or(INVALID_CLIENT)?.to_owned();
        return Ok(Credentials { client_id, secret: secret.map(SecretString::from) });
    }
    let basic = read_basic(headers).ok_or(INVALID_CLIENT)?;
    if secret.is_some() || client_id.is_some_and(|id| id != basic.client_id) {
        // At most one method per request (RFC 6749 §2.3).
        return Err(OauthError::invalid_request("the client authenticates in two ways"));
    }
    Ok(basic)
}

/// Reads `client_secret_basic`. Both halves are form-encoded (RFC 6749 §2.3.1).
fn read_basic(headers: &HeaderMap) -> Option<Credentials> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") || encoded.len() > MAX_BASIC {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let (client_id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credentials {
        client_id: decode_form(client_id),
        secret: Some(decode_form(secret).into()),
    })
}

fn decode_form(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

const INVALID_CLIENT: OauthError =
    OauthError::new(ErrorCode::InvalidClient, "the client is unknown or its secret is wrong");

const MAX_BASIC: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        authorization: Option<&str>,
        form: &str,
    ) -> Result<(String, Option<String>), ErrorCode> {
        let headers = authorization.map(|value| (header::AUTHORIZATION, value.parse().unwrap()));
        let headers = headers.into_iter().collect();
        let parameters = Parameters::parse(form).unwrap();
        let found = credentials(&headers, &parameters).map_err(|error| error.code)?;
        Ok((found.client_id, found.secret.map(|secret| secret.expose_secret().to_owned())))
    }

    #[test]
    fn credentials_come_from_the_header_or_from_the_form() {
        let basic = |text: &str| format!("bAsIc {}", BASE64_STANDARD.encode(text));
        let ok = |id: &str, secret: Option<&str>| Ok((id.to_owned(), secret.map(str::to_owned)));
        assert_eq!(read(Some(&basic("a%3Ab:s+%2B")), ""), ok("a:b", Some("s +")));
        assert_eq!(read(Some(&basic("a:s")), "client_id=a"), ok("a", Some("s")));
        assert_eq!(read(None, "client_id=a&client_secret=s"), ok("a", Some("s")));
        assert_eq!(read(None, "client_id=a"), ok("a", None));
    }

    #[test]
    fn credentials_in_both_places_or_in_none_are_refused() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("a:s"));
        let (invalid_request, invalid_client) =
            (Err(ErrorCode::InvalidRequest), Err(ErrorCode::InvalidClient));
        assert_eq!(read(Some(&basic), "client_id=b"), invalid_request);
        assert_eq!(read(Some(&basic), "client_id=a&client_secret=s"), invalid_request);
        assert_eq!(read(None, "client_id=a&client_id=a"), invalid_request);
        assert_eq!(read(None, ""), invalid_client);
        assert_eq!(read(None, "client_secret=s"), invalid_client);
        assert_eq!(read(Some("Bearer x"), "client_id=a&client_secret=s"), invalid_client);
        assert_eq!(read(Some("Basic !"), "client_id=a"), invalid_client);
        let assertion = "client_id=a&client_assertion=x";
        assert_eq!(read(None, assertion), invalid_client);
    }
}

//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2).

use serde_json::{Value, json};

use super::directory_token::DIRECTORY_READ;
use super::response_target::ResponseMode;
use super::scopes::Scope;

/// Returns the document. `url` makes an absolute URL from a path.
pub fn document(url: impl Fn(&str) -> String) -> Value {
    json!({
        "issuer": url(""),
        "authorization_endpoint": url("/oauth2/authorize"),
        "token_endpoint": url("/oauth2/token"),
        "userinfo_endpoint": url("/oauth2/userinfo"),
        "introspection_endpoint": url("/oauth2/introspect"),
        "revocation_endpoint": url("/oauth2/revoke"),
        "end_session_endpoint": url("/oauth2/logout"),
        "jwks_uri": url("/oauth2/jwks"),
        "scopes_supported": scopes(),
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::as_str),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": CLAIMS,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}

/// The scopes of a sign-in, and that of the directory, which only `client_credentials` grants.
fn scopes() -> Vec<&'static str> {
    Scope::ALL.map(Scope::as_str).into_iter().chain([DIRECTORY_READ]).collect()
}

/// RFC 6749 §2.3.1. `none` is for public clients, which use PKCE.
const AUTH_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

const CLAIMS: [&str; 25] = [
    "iss",
    "aud",
    "sub",
    "iat",
    "exp",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "tenant",
    "domain",
    "license",
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "nickname",
    "preferred_username",
    "profile",
    "locale",
    "zoneinfo",
    "updated_at",
    "email",
    "email_verified",
    "groups",
];

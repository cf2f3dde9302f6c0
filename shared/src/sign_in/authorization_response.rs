//! The response to an app's authorization request: the browser takes a code or an error to the app,
//! by a redirect or by a form.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::SignInError;
use super::pages::{self, ToApp};
use crate::clock::{random_secret, random_uuid};
use crate::http::base_url::BaseUrl;
use crate::http::failure_code::FailureCode;
use crate::http::html;
use crate::http::redirect::see_other;
use crate::runtime::state::AppState;
use oidc::authorize::AuthorizeRequest;
use oidc::error::{ErrorCode, OauthError};
use oidc::grant::{Authentication, CODE_LIFE, Code, Grant, after};
use oidc::handle::{Handle, HandleKind};
use oidc::response_target::{ResponseMode, ResponseTarget};
use types::ids::{GrantId, TenantId};

/// Stores a code for the app and sends the browser to the app with it (RFC 6749 §4.1.2, RFC 9207
/// §2).
pub(crate) async fn respond_with_code(
    app: &AppState,
    base_url: &BaseUrl,
    tenant: TenantId,
    authentication: Authentication,
    request: AuthorizeRequest,
) -> Result<Response, SignInError> {
    let now = app.clock.now();
    let secret = random_secret().map_err(SignInError::Random)?;
    let handle = Handle::new(HandleKind::Code, tenant, &secret);
    let target = request.response_target();
    let AuthorizeRequest { client_id, redirect_uri, nonce, scopes, code_challenge, .. } = request;
    let code = Code {
        grant_id: GrantId::new(random_uuid()),
        grant: Grant::new(client_id, scopes, authentication, now),
        redirect_uri,
        code_challenge,
        nonce,
        expires_at: after(now, CODE_LIFE),
    };
    app.store.create_code(tenant, &handle.digest(), &code).await?;
    respond(base_url, &target, &[("code", handle.reveal())])
}

/// Sends the browser to the app with an error (RFC 6749 §4.1.2.1, RFC 9207 §2).
pub(crate) fn respond_with_error(
    base_url: &BaseUrl,
    target: &ResponseTarget,
    error: OauthError,
) -> Response {
    send_error(base_url, target, error.code, error.description)
}

/// Answers the request of an app with an error; the description names the record of the sign-in, if
/// there is one.
pub(crate) fn respond_with_refusal(
    base_url: &BaseUrl,
    request: &AuthorizeRequest,
    error: OauthError,
    reference: Option<&str>,
) -> Response {
    let description = describe(&error, reference);
    send_error(base_url, &request.response_target(), error.code, &description)
}

/// Returns the way by which a person takes the same to the app.
pub(crate) fn way_to_app(
    base_url: &BaseUrl,
    request: &AuthorizeRequest,
    error: OauthError,
    reference: Option<&str>,
) -> ToApp {
    let target = request.response_target();
    let (code, description) = (error.code.as_str(), describe(&error, reference));
    let issuer = base_url.join("");
    let parameters = [("error", code), ("error_description", description.as_str())];
    let all = complete_parameters(&target, &issuer, &parameters);
    let uri = &target.redirect_uri;
    match target.response_mode {
        ResponseMode::Query => ToApp::Link(uri.with(all)),
        ResponseMode::FormPost => ToApp::Form {
            action: uri.as_str().to_owned(),
            fields: all
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            form_action: uri.form_action(),
        },
    }
}

fn describe(error: &OauthError, reference: Option<&str>) -> String {
    let description = error.description.trim_end_matches('.');
    reference.map_or_else(
        || error.description.to_owned(),
        |reference| format!("{description}. Reference: {reference}"),
    )
}

fn send_error(
    base_url: &BaseUrl,
    target: &ResponseTarget,
    code: ErrorCode,
    description: &str,
) -> Response {
    let parameters = [("error", code.as_str()), ("error_description", description)];
    match respond(base_url, target, &parameters) {
        Ok(mut response) => {
            response.extensions_mut().insert(FailureCode(code.as_str()));
            response
        }
        Err(error) => error.into_response(None),
    }
}

/// Sends the browser to the app with these parameters, the issuer and `state`.
fn respond(
    base_url: &BaseUrl,
    target: &ResponseTarget,
    parameters: &[(&str, &str)],
) -> Result<Response, SignInError> {
    let issuer = base_url.join("");
    let parameters = complete_parameters(target, &issuer, parameters);
    match target.response_mode {
        ResponseMode::Query => Ok(see_other(&target.redirect_uri.with(parameters))?),
        ResponseMode::FormPost => Ok(form(target, &parameters)),
    }
}

/// Adds the issuer and `state`.
fn complete_parameters<'a>(
    target: &'a ResponseTarget,
    issuer: &'a str,
    parameters: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let state = target.state.as_deref().map(|state| ("state", state));
    parameters.iter().copied().chain([("iss", issuer)]).chain(state).collect()
}

/// The page whose form takes a response to the app, by itself or by its button.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    action: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

/// Makes the page of `response_mode=form_post` (OAuth 2.0 Form Post Response Mode §2). No cache
/// stores it, since it has a code.
fn form(target: &ResponseTarget, fields: &[(&str, &str)]) -> Response {
    let action = target.redirect_uri.form_action();
    let policy = format!("script-src {}; form-action {action}", html::hash_source(SUBMIT));
    let form = FormPost { action: target.redirect_uri.as_str(), fields };
    pages::page(StatusCode::OK, &form, &policy)
}

const SUBMIT: &str = "document.forms[0].submit()";

#[cfg(test)]
mod tests {
    use axum::http::header;
    use http_body_util::BodyExt as _;

    use super::*;
    use oidc::redirect_uri::RedirectUri;

    #[tokio::test]
    async fn a_form_escapes_its_values_and_its_policy_allows_one_script_and_no_other() {
        let target = ResponseTarget {
            redirect_uri: RedirectUri::parse("https://app.example/cb?a=1&b='").unwrap(),
            response_mode: ResponseMode::FormPost,
            state: Some("\"><script>alert(1)</script>&amp;'\u{e4}".to_owned()),
        };
        let base_url = BaseUrl::for_test("https://id.example");
        let error = OauthError::new(ErrorCode::LoginRequired, "the person has to sign in");
        let response = respond_with_error(&base_url, &target, error);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("form-action https://app.example "), "{policy}");
        let policy = policy.to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!page.contains("<script>alert"), "{page}");
        assert_eq!(page.matches("<script>").count(), 1);
        let (_, script) = page.split_once("<script>").unwrap();
        let (script, _) = script.split_once("</script>").unwrap();
        assert!(policy.contains(&format!("script-src {};", html::hash_source(script))), "{policy}");
        assert!(page.contains("action=\"https://app.example/cb?a=1&#38;b=&#39;\""), "{page}");
        assert!(page.contains("name=\"error\" value=\"login_required\""), "{page}");
        assert!(page.contains("name=\"iss\" value=\"https://id.example\""), "{page}");
        let state = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;amp;&#39;\u{e4}";
        assert!(page.contains(&format!("name=\"state\" value=\"{state}\"")), "{page}");
    }
}

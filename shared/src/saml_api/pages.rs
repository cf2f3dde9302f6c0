//! What a person sees between the app and the identity provider. Templates escape every value.
//!
//! Each page may run no script and load nothing; the one that posts by itself may run the one
//! script of that page, named by its digest.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::base_url::BaseUrl;
use crate::http::html;
use crate::runtime::request_log::FailureCode;
use saml::authn_request::PostForm;

/// A sign-in that is refused.
#[derive(Debug, Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    text: &'a str,
    reference: Option<&'a str>,
    again: Option<&'a str>,
}

/// One way to go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// What the person reads.
    pub name: String,
    /// Where the link leads.
    pub url: String,
}

#[derive(Debug, Template)]
#[template(path = "choose.html")]
struct Choose<'a> {
    choices: &'a [Choice],
}

#[derive(Debug, Template)]
#[template(path = "agree.html")]
struct Agree<'a> {
    name: &'a str,
    domain: &'a str,
    action: &'a str,
    sign_in: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "post.html")]
struct Post<'a> {
    form: &'a PostForm,
}

#[derive(Debug, Template)]
#[template(path = "tested.html")]
struct Tested<'a> {
    domain: &'a str,
    name: &'a str,
    reference: &'a str,
}

/// The page of a refusal. `text` is one of our own sentences.
pub(super) fn refused(
    status: StatusCode,
    code: &'static str,
    text: &str,
    reference: Option<&str>,
    again: Option<&str>,
) -> Response {
    let mut response = page(status, &Refused { text, reference, again }, "form-action 'none'");
    response.extensions_mut().insert(FailureCode(code));
    response
}

/// Several ways to go on: links, since a form may not lead to another site.
pub fn choose(choices: &[Choice]) -> Response {
    page(StatusCode::OK, &Choose { choices }, "form-action 'none'")
}

/// One button, by which a person agrees to a sign-in that this browser did not begin.
pub(super) fn agree(
    base_url: &BaseUrl,
    name: &str,
    domain: &str,
    action: &str,
    sign_in: &str,
) -> Response {
    // The answer of the form leads to the app, and browsers hold redirects to this rule too.
    page(StatusCode::OK, &Agree { name, domain, action, sign_in }, form_action(base_url))
}

/// The form that takes a request to the identity provider by itself, or by its button.
pub(super) fn post(base_url: &BaseUrl, form: &PostForm) -> Response {
    let policy = format!("script-src {}; {}", html::hash_source(SUBMIT), form_action(base_url));
    page(StatusCode::OK, &Post { form }, &policy)
}

/// The end of a test.
pub(super) fn tested(domain: &str, name: &str, reference: &str) -> Response {
    page(StatusCode::OK, &Tested { domain, name, reference }, "form-action 'none'")
}

/// Where a form may lead: any site over TLS, since an identity provider may pass it on to others.
fn form_action(base_url: &BaseUrl) -> &'static str {
    if base_url.is_loopback_http() {
        "form-action https: http://127.0.0.1:* http://localhost:*"
    } else {
        "form-action https:"
    }
}

fn page(status: StatusCode, template: &impl Template, policy: &str) -> Response {
    let Ok(html) = template.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    html::page(status, html, policy)
}

const SUBMIT: &str = "document.forms[0].submit()";

#[cfg(test)]
mod tests {
    use axum::http::header;
    use http_body_util::BodyExt as _;

    use super::*;

    async fn text(response: Response) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn values_cannot_leave_their_place() {
        let odd = "\"><script>alert(1)</script>";
        let form = PostForm {
            action: format!("https://idp.example/{odd}"),
            saml_request: odd.to_owned(),
            relay_state: Some(odd.to_owned()),
        };
        let choices = [Choice { name: odd.to_owned(), url: odd.to_owned() }];
        let base_url = BaseUrl::for_test("https://id.example");
        for response in [
            post(&base_url, &form),
            choose(&choices),
            agree(&base_url, odd, odd, odd, odd),
            tested(odd, odd, odd),
            refused(StatusCode::FORBIDDEN, "x", odd, Some(odd), Some(odd)),
        ] {
            let html = text(response).await;
            assert!(!html.contains("<script>alert"), "{html}");
            assert!(!html.contains("\"\">"), "{html}");
        }
    }

    #[tokio::test]
    async fn the_one_script_and_the_style_are_those_that_the_policy_names() {
        let base_url = BaseUrl::for_test("https://id.example");
        let form = PostForm {
            action: "https://idp.example/".to_owned(),
            saml_request: "eA==".to_owned(),
            relay_state: None,
        };
        let response = post(&base_url, &form);
        let policy =
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let text = text(response).await;
        for (tag, directive) in [("script", "script-src"), ("style", "style-src")] {
            let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap();
            let (inline, _) = rest.split_once(&format!("</{tag}>")).unwrap();
            assert!(
                policy.contains(&format!("{directive} {}", html::hash_source(inline))),
                "{policy}"
            );
        }
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
}

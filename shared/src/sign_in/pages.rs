//! The pages that a person sees between the app and the identity provider.
//!
//! The templates escape every value. No page runs a script or loads anything, except that the page
//! which posts a form by itself runs one inline script, allowed by its hash.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::error_chain::ErrorChain;
use crate::http::base_url::BaseUrl;
use crate::http::failure_code::FailureCode;
use crate::http::html;
use saml::authn_request::PostForm;

/// The page of a refused sign-in.
#[derive(Debug, Template)]
#[template(path = "refused.html")]
pub(crate) struct Refusal<'a> {
    /// The status of the response.
    pub(crate) status: StatusCode,
    /// The code for the log, `saml.audience`.
    pub(crate) code: &'static str,
    /// One of our own sentences.
    pub(crate) text: &'a str,
    /// The reference of the record, for the person to pass on.
    pub(crate) reference: Option<&'a str>,
    /// The way on of a person who cannot try again.
    pub(crate) hint: Option<&'a str>,
    /// The URL at which the person may try again.
    pub(crate) retry_url: Option<&'a str>,
    /// The way to the app that waits for an answer.
    pub(crate) to_app: Option<&'a ToApp>,
}

/// The way by which a person takes the answer to the app that waits for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ToApp {
    /// A link to this URL.
    Link(String),
    /// A form with a button.
    Form {
        /// The URL that gets it.
        action: String,
        /// The hidden fields.
        fields: Vec<(String, String)>,
        /// The sources that `form-action` has to allow.
        form_action: String,
    },
}

/// One link of the page [`choose`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Choice {
    /// The text of the link.
    pub(crate) name: String,
    /// The target of the link.
    pub(crate) url: String,
}

#[derive(Debug, Template)]
#[template(path = "choose.html")]
struct Choose<'a> {
    title: &'a str,
    choices: &'a [Choice],
}

/// The page with the button that begins the test of a connection.
#[derive(Debug, Template)]
#[template(path = "begin_test.html")]
pub(crate) struct BeginTest<'a> {
    /// The name of the connection.
    pub(crate) connection: &'a str,
    /// The URL that the form posts to.
    pub(crate) action: &'a str,
}

/// The page with one button, by which a person agrees to a sign-in that this browser did not start.
#[derive(Debug, Template)]
#[template(path = "agree.html")]
pub(crate) struct Agree<'a> {
    /// The person, as the identity provider names them.
    pub(crate) person: &'a str,
    /// The name of the connection.
    pub(crate) connection: &'a str,
    /// The URL that the form posts to.
    pub(crate) action: &'a str,
    /// The id of the pending sign-in.
    pub(crate) sign_in: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "post.html")]
struct Post<'a> {
    form: &'a PostForm,
}

#[derive(Debug, Template)]
#[template(path = "tested.html")]
struct Tested<'a> {
    connection: &'a str,
    person: &'a str,
    reference: &'a str,
}

#[derive(Debug, Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
    /// For the developers of the app.
    detail: Option<&'a str>,
    /// The URL and the text of the link that leads on.
    link: Option<(&'a str, &'a str)>,
}

/// Makes the page of a refused sign-in.
pub(crate) fn refused(refusal: &Refusal<'_>) -> Response {
    let answer = match refusal.to_app {
        Some(ToApp::Form { form_action, .. }) => {
            page(refusal.status, refusal, &format!("form-action {form_action}"))
        }
        Some(ToApp::Link(_)) | None => page(refusal.status, refusal, NO_FORM),
    };
    with_code(answer, refusal.code)
}

/// Makes the page with several ways to sign in. They are links, because a form may not lead to
/// another site.
pub(crate) fn choose(choices: &[Choice]) -> Response {
    page(StatusCode::OK, &Choose { title: "Choose how to sign in", choices }, NO_FORM)
}

/// Makes the page with several apps, for a person who is signed in.
pub(crate) fn choose_app(choices: &[Choice]) -> Response {
    page(StatusCode::OK, &Choose { title: "Which app do you want to open?", choices }, NO_FORM)
}

/// Makes the page [`BeginTest`].
pub(crate) fn begin_test(base_url: &BaseUrl, begin: &BeginTest<'_>) -> Response {
    // The answer to the form leads to the identity provider.
    page(StatusCode::OK, begin, form_action(base_url))
}

/// Makes the page [`Agree`].
pub(crate) fn agree(base_url: &BaseUrl, agree: &Agree<'_>) -> Response {
    // The answer to the form redirects to the app, and browsers apply `form-action` to that too.
    page(StatusCode::OK, agree, form_action(base_url))
}

/// Makes the page whose form takes a request to the identity provider, by itself or by its button.
pub(crate) fn post(base_url: &BaseUrl, form: &PostForm) -> Response {
    let policy = format!("script-src {}; {}", html::hash_source(SUBMIT), form_action(base_url));
    page(StatusCode::OK, &Post { form }, &policy)
}

/// Makes the page that ends the test of a connection.
pub(crate) fn tested(connection: &str, person: &str, reference: &str) -> Response {
    page(StatusCode::OK, &Tested { connection, person, reference }, NO_FORM)
}

/// Makes the page of a test about which nothing more is known.
pub(crate) fn test_ended() -> Response {
    let message = Message {
        title: "The test has ended",
        text: "Its result is in the records of sign-ins. To test the connection again, ask for a new \
               link.",
        detail: None,
        link: None,
    };
    page(StatusCode::OK, &message, NO_FORM)
}

/// Makes the page for a person who is signed in while no app can be opened.
pub(crate) fn signed_in() -> Response {
    let message = Message {
        title: "You are signed in",
        text: "Open the app that you want to use.",
        detail: None,
        link: None,
    };
    page(StatusCode::OK, &message, NO_FORM)
}

/// Makes the page for a request of an app that may not be answered to the app. `detail` is for the
/// app's developers. `login_url` asks the app to begin again, if it is known.
pub(crate) fn invalid_request(
    status: StatusCode,
    detail: &str,
    login_url: Option<&str>,
) -> Response {
    let link = login_url.map(|url| (url, "Back to the app"));
    invalid_link(status, "This sign-in link is not valid", detail, link)
}

/// Makes the page for an app's request to sign a person out that is malformed. `detail` is for the
/// app's developers.
pub(crate) fn invalid_logout(status: StatusCode, detail: &str) -> Response {
    invalid_link(status, "This sign-out link is not valid", detail, None)
}

fn invalid_link(
    status: StatusCode,
    title: &str,
    detail: &str,
    link: Option<(&str, &str)>,
) -> Response {
    let text = "Go back to the app and try again.";
    let message = Message { title, text, detail: Some(detail), link };
    with_code(page(status, &message, NO_FORM), "invalid_request")
}

/// Makes the page for a failure of a service that we depend on. `code` is for the log.
pub(crate) fn unavailable(code: &'static str, retry_url: Option<&str>) -> Response {
    let message = Message {
        title: "Sign-in is unavailable",
        text: "Please try again in a moment: reload this page, or start again at your app.",
        detail: None,
        link: retry_url.map(|url| (url, "Try again")),
    };
    with_code(page(StatusCode::SERVICE_UNAVAILABLE, &message, NO_FORM), code)
}

/// Makes the page of a template. `policy`: the directives of its Content Security Policy besides those
/// that all pages have.
pub(crate) fn page(status: StatusCode, template: &impl Template, policy: &str) -> Response {
    match template.render() {
        Ok(html) => html::page(status, html, policy),
        Err(error) => {
            tracing::error!("could not render a page: {}", ErrorChain(&error));
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Makes the page for a person whose session has ended. `login_url` asks the app to sign the person in
/// again.
pub(crate) fn signed_out(login_url: Option<&str>) -> Response {
    let message = Message {
        title: "You are signed out",
        text: "Your organisation’s sign-in page may still know you: sign out there too if others use \
               this device.",
        detail: None,
        link: login_url.map(|url| (url, "Sign in again")),
    };
    page(StatusCode::OK, &message, NO_FORM)
}

fn with_code(mut response: Response, code: &'static str) -> Response {
    response.extensions_mut().insert(FailureCode(code));
    response
}

/// Allows forms to any site over TLS: an identity provider may redirect to others.
fn form_action(base_url: &BaseUrl) -> &'static str {
    if base_url.is_loopback_http() {
        "form-action https: http://127.0.0.1:* http://localhost:*"
    } else {
        "form-action https:"
    }
}

const NO_FORM: &str = "form-action 'none'";
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
    async fn values_are_escaped() {
        let odd = "\"><script>alert(1)</script>";
        let form = PostForm {
            action: format!("https://idp.example/{odd}"),
            saml_request: odd.to_owned(),
            relay_state: Some(odd.to_owned()),
        };
        let choices = [Choice { name: odd.to_owned(), url: odd.to_owned() }];
        let base_url = BaseUrl::for_test("https://id.example");
        let refusal = Refusal {
            status: StatusCode::FORBIDDEN,
            code: "x",
            text: odd,
            reference: Some(odd),
            hint: Some(odd),
            retry_url: Some(odd),
            to_app: Some(&ToApp::Form {
                action: odd.to_owned(),
                fields: vec![(odd.to_owned(), odd.to_owned())],
                form_action: "'self'".to_owned(),
            }),
        };
        for response in [
            post(&base_url, &form),
            choose(&choices),
            choose_app(&choices),
            begin_test(&base_url, &BeginTest { connection: odd, action: odd }),
            agree(&base_url, &Agree { person: odd, connection: odd, action: odd, sign_in: odd }),
            tested(odd, odd, odd),
            refused(&refusal),
            invalid_request(StatusCode::BAD_REQUEST, odd, None),
            unavailable("x", Some(odd)),
        ] {
            let html = text(response).await;
            assert!(!html.contains("<script>alert"), "{html}");
            assert!(!html.contains("\"\">"), "{html}");
        }
    }

    #[tokio::test]
    async fn every_page_has_a_way_on() {
        let base_url = BaseUrl::for_test("https://id.example");
        let choices = [Choice { name: "App".to_owned(), url: "https://app.example/".to_owned() }];
        let agree_page =
            Agree { person: "Ada", connection: "acme.com", action: "/", sign_in: "_1" };
        let form = PostForm {
            action: "https://idp.example/".to_owned(),
            saml_request: "eA==".to_owned(),
            relay_state: None,
        };
        for response in [
            post(&base_url, &form),
            choose(&choices),
            choose_app(&choices),
            begin_test(&base_url, &BeginTest { connection: "acme.com", action: "/" }),
            agree(&base_url, &agree_page),
            tested("acme.com", "Ada", "7KQ2-M9XV"),
            test_ended(),
            signed_in(),
            invalid_request(StatusCode::BAD_REQUEST, "client_id is missing", None),
            unavailable("unavailable", None),
        ] {
            let html = text(response).await;
            let (_, main) = html.split_once("<main").unwrap();
            let ways = [
                "href=",
                "<button",
                "ask for a new link",
                "close this page",
                "Open the app",
                "Go back to the app",
                "reload this page",
            ];
            assert!(ways.iter().any(|way| main.contains(way)), "{main}");
        }
    }

    #[tokio::test]
    async fn the_policy_allows_exactly_the_inline_script_and_stylesheet() {
        let base_url = BaseUrl::for_test("https://id.example");
        let form = PostForm {
            action: "https://idp.example/".to_owned(),
            saml_request: "eA==".to_owned(),
            relay_state: None,
        };
        let response = post(&base_url, &form);
        let policy =
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let html = text(response).await;
        for (tag, directive) in [("script", "script-src"), ("style", "style-src")] {
            let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap();
            let (inline, _) = rest.split_once(&format!("</{tag}>")).unwrap();
            let expected = format!("{directive} {}", html::hash_source(inline));
            assert!(policy.contains(&expected), "{policy}");
        }
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
}

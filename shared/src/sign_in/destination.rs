//! Where a sign-in ends: at the app that asked, or at an app that is asked to ask.
//!
//! A destination is found before the sign-in is recorded (check 25, `app.redirect`), and always
//! from the apps as registered now: while the person was away an app may have been deleted.

use std::collections::BTreeSet;

use super::error::SignInError;
use crate::runtime::state::AppState;
use crate::store::StoreError;
use oidc::authorize::AuthorizeRequest;
use oidc::client::Client;
use oidc::purpose::Purpose;
use oidc::redirect_uri::AppUrl;
use saml::checks::{CheckId, Checks};
use saml::error::SamlError;

/// The end of a sign-in.
#[derive(Debug)]
pub enum Destination {
    /// The app that sent this authorization request. It gets a code.
    App(Box<AuthorizeRequest>),
    /// An app whose `initiate_login_uri` is opened (OpenID Connect Core §4): it sends an
    /// authorization request, which the session answers. So no app gets a code that it did not
    /// ask for.
    Login {
        /// The `initiate_login_uri`.
        url: AppUrl,
        /// The page of that app that the person asked for.
        target: Option<AppUrl>,
    },
    /// Our own page with the apps of which the person chooses one.
    Choice {
        /// The apps, in order of their names.
        apps: Vec<AppChoice>,
        /// The page that the person asked for, which belongs to each of them.
        target: Option<AppUrl>,
    },
    /// Our own page: no app has an `initiate_login_uri`.
    Page,
    /// The page of a test. Nobody is signed in.
    Test,
}

/// An app that the person may choose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AppChoice {
    /// The name of the app.
    pub name: String,
    /// The `initiate_login_uri`.
    pub url: AppUrl,
}

impl Destination {
    /// Finds the end of a sign-in of this purpose. `default_app` is the client id that the
    /// connection names for sign-ins that no app began.
    ///
    /// # Errors
    ///
    /// [`SamlError::AppRedirect`] if the app that asked is deleted, or its redirect URI is no
    /// longer registered.
    pub async fn find(
        app: &AppState,
        purpose: Purpose,
        default_app: Option<&str>,
    ) -> Result<Self, SignInError> {
        match purpose {
            Purpose::App(request) => {
                if is_registered(app, &request).await? {
                    return Ok(Self::App(request));
                }
                let redirect_uri = request.redirect_uri.as_str().to_owned();
                Err(SamlError::AppRedirect { redirect_uri }.into())
            }
            Purpose::Start { target } => {
                let clients = app.store.clients(None, MAX_CLIENTS).await?;
                let target = target.and_then(|target| AppUrl::parse_page(&target).ok());
                Ok(choose(&clients, target, default_app))
            }
            Purpose::Test => Ok(Self::Test),
        }
    }

    /// Records check 25. A sign-in that no app can take over is a warning: the person has a
    /// session, and the next request of any app is answered by it.
    pub fn record_check(&self, checks: &mut Checks) {
        let id = CheckId::AppRedirect;
        match self {
            Self::App(request) => checks.pass(id, "registered", request.redirect_uri.as_str()),
            Self::Login { url, .. } => checks.pass(id, "registered", url.as_str()),
            Self::Choice { apps, .. } => {
                checks.pass(id, "registered", format!("one of {} apps, by choice", apps.len()));
            }
            Self::Page => {
                checks.warn(id, "an app with an initiate_login_uri", "no app has one");
            }
            Self::Test => checks.pass(id, "", "a test opens no app"),
        }
    }

    /// The page of an app that the person asked for, if it belongs to an app.
    pub fn target(&self) -> Option<&AppUrl> {
        match self {
            Self::Login { target, .. } | Self::Choice { target, .. } => target.as_ref(),
            Self::App(_) | Self::Page | Self::Test => None,
        }
    }
}

/// Whether the app that sent a request still exists and has its redirect URI.
///
/// # Errors
///
/// [`StoreError`] if the table does not answer.
pub(crate) async fn is_registered(
    app: &AppState,
    request: &AuthorizeRequest,
) -> Result<bool, StoreError> {
    let client = app.store.client(&request.client_id).await?;
    let redirect_uri = request.redirect_uri.as_str();
    Ok(client.is_some_and(|client| client.redirect_uri(redirect_uri).is_some()))
}

/// Whether `page` is an absolute URL with the origin of a registered URL of an app, and with a path
/// that all programs read alike. A sign-in leads to no other page.
///
/// # Errors
///
/// [`StoreError`] if the table does not answer.
pub async fn is_page_of_an_app(app: &AppState, page: &str) -> Result<bool, StoreError> {
    let Ok(page) = AppUrl::parse_page(page) else { return Ok(false) };
    let clients = app.store.clients(None, MAX_CLIENTS).await?;
    Ok(clients.iter().any(|client| client.owns(&page)))
}

/// Chooses among the apps that can be opened: those that the target belongs to, or all if it belongs
/// to none. Of several the default one is opened, or else the person chooses.
fn choose(clients: &[Client], target: Option<AppUrl>, default_app: Option<&str>) -> Destination {
    let can_open = |client: &&Client| client.initiate_login_uri.is_some();
    let owns = |client: &&Client| target.as_ref().is_some_and(|target| client.owns(target));
    let mut candidates: Vec<&Client> = clients.iter().filter(can_open).filter(owns).collect();
    let has_owner = !candidates.is_empty();
    if !has_owner {
        candidates = clients.iter().filter(can_open).collect();
    }
    let default = candidates.iter().find(|client| Some(client.id.as_str()) == default_app);
    if let Some(default) = default {
        candidates = vec![*default];
    }
    let mut apps: Vec<AppChoice> = candidates.into_iter().filter_map(AppChoice::of).collect();
    apps.sort_by(|a, b| (&a.name, a.url.as_str()).cmp(&(&b.name, b.url.as_str())));
    // Several clients of one app, such as its web pages and its command line, are one choice.
    let mut seen = BTreeSet::new();
    apps.retain(|app| seen.insert(app.url.as_str().to_owned()));
    let target = target.filter(|_| has_owner);
    match apps.as_slice() {
        [] => Destination::Page,
        [only] => Destination::Login { url: only.url.clone(), target },
        _ => Destination::Choice { apps, target },
    }
}

impl AppChoice {
    fn of(client: &Client) -> Option<Self> {
        let url = client.initiate_login_uri.clone()?;
        Some(Self { name: client.name.clone(), url })
    }
}

/// More than the apps of one deployment.
const MAX_CLIENTS: usize = 1_000;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use oidc::client::ClientId;
    use oidc::pkce::Pkce;

    use super::*;

    fn client(number: u8, name: &str, login: Option<&str>) -> Client {
        let url = |text: &str| AppUrl::parse(text).unwrap();
        Client {
            id: ClientId::new([number; 16]),
            name: name.to_owned(),
            secret_sha256: None,
            pkce: Pkce::Required,
            redirect_uris: vec![url(&format!("https://{name}.example/cb")).into()],
            post_logout_redirect_uris: Vec::new(),
            web_origins: Vec::new(),
            initiate_login_uri: login.map(url),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[track_caller]
    fn check(clients: &[Client], target: Option<&str>, default: Option<u8>, expect: &str) {
        let target = target.map(|target| AppUrl::parse_page(target).unwrap());
        let default = default.map(|number| ClientId::new([number; 16]).to_string());
        let found = match choose(clients, target, default.as_deref()) {
            Destination::Login { url, target: None } => url.as_str().to_owned(),
            Destination::Login { url, target: Some(target) } => {
                format!("{} for {}", url.as_str(), target.as_str())
            }
            Destination::Choice { apps, target } => {
                let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
                let target = target.map(|target| format!(" for {}", target.as_str()));
                format!("choice of {}{}", names.join(", "), target.unwrap_or_default())
            }
            Destination::Page => "page".to_owned(),
            other @ (Destination::App(_) | Destination::Test) => panic!("{other:?}"),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn of_several_apps_the_person_chooses_unless_target_or_setting_decide() {
        let (docs, mail) = ("https://docs.example/login", "https://mail.example/login");
        let apps =
            [client(1, "mail", Some(mail)), client(2, "docs", Some(docs)), client(3, "api", None)];
        check(&[], None, None, "page");
        check(&apps[2..], None, None, "page");
        check(&apps[1..], None, None, docs);
        check(&apps, None, None, "choice of docs, mail");
        check(&apps, None, Some(1), mail);
        // Deleted, or without a page to open.
        check(&apps, None, Some(9), "choice of docs, mail");
        check(&apps, None, Some(3), "choice of docs, mail");
        let page = "https://docs.example/7";
        check(&apps, Some(page), None, "https://docs.example/login for https://docs.example/7");
        check(&apps, Some(page), Some(1), "https://docs.example/login for https://docs.example/7");
        check(&apps, Some("https://api.example/7"), None, "choice of docs, mail");
        check(&apps, Some("https://evil.example/"), Some(1), mail);
        // Two clients that are opened at one URL.
        check(&[client(1, "docs", Some(docs)), client(2, "cli", Some(docs))], None, None, docs);
    }

    #[test]
    fn of_several_apps_with_the_origin_of_the_target_the_person_chooses() {
        let login = |app: &str| format!("https://apps.example/{app}/login");
        let apps = [
            client(1, "mail", Some(&login("mail"))),
            client(2, "docs", Some(&login("docs"))),
            client(3, "else", Some("https://else.example/login")),
        ];
        let page = "https://apps.example/docs/7";
        check(&apps, Some(page), None, "choice of docs, mail for https://apps.example/docs/7");
        let docs = "https://apps.example/docs/login for https://apps.example/docs/7";
        check(&apps, Some(page), Some(2), docs);
    }
}

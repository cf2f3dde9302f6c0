//! The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
//!
//! The client and its redirect URI are read first. Until both are known to belong together an error
//! is shown on a page and not sent to the app (RFC 6749 §4.1.2.1).

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Client, ClientId};
use super::error::{ErrorCode, OauthError};
use super::id_token_hint::IdTokenHint;
use super::parameters::Parameters;
use super::pkce::{CodeChallenge, Pkce};
use super::redirect_uri::RedirectUri;
use super::response_target::{ResponseMode, ResponseTarget, read_state};
use super::scopes::{Scope, Scopes};
use types::domain::Domain;
use types::email_address::EmailAddress;
use types::ids::{ResourceId, TenantId};

/// A valid request. It is stored while the person is at the identity provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizeRequest {
    /// The app that sends the request.
    pub client_id: ClientId,
    /// The registered redirect URI for the response.
    pub redirect_uri: RedirectUri,
    /// How the response gets there. A row of an earlier version has none: by query.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// Returned unchanged with the response.
    pub state: Option<String>,
    /// Copied unchanged into the ID token.
    pub nonce: Option<String>,
    /// The requested scopes.
    pub scopes: Scopes,
    /// The PKCE challenge; `None` if the app may leave PKCE out and did.
    pub code_challenge: Option<CodeChallenge>,
    /// Whether the person may, or must, be asked to sign in.
    pub prompt: Prompt,
    /// The greatest age of the authentication, in seconds.
    pub max_age_seconds: Option<u32>,
    /// The organisation whose identity provider is asked.
    pub organisation: Option<Organisation>,
    /// The user whom the app expects, by an ID token of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_hint: Option<IdTokenHint>,
    /// The authentication context classes that the app prefers (`acr_values`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The e-mail address that the person typed (`login_hint`), for the identity provider's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// The time of the request.
    pub requested_at: Timestamp,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// A session is enough; without one the identity provider is asked. `consent` means the same,
    /// because the operator's own apps need no consent.
    Unset,
    /// `none`: no page may be shown.
    None,
    /// `login`: the identity provider authenticates the person anew.
    Login,
    /// `select_account`: the identity provider is asked even if there is a session.
    SelectAccount,
}

impl Prompt {
    const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unset => None,
            Self::None => Some("none"),
            Self::Login => Some("login"),
            Self::SelectAccount => Some("select_account"),
        }
    }
}

/// The person's organisation, as the app names it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Organisation {
    /// `domain`, or the part of `login_hint` after the `@`, in lower case.
    Domain(Domain),
    /// `tenant`: our id of the tenant, or the operator's external id.
    Tenant(String),
    /// `connection`: the name of a connection, which the person chose or a lookup named.
    Connection(Domain),
}

/// Reads the client. An error is for a page.
///
/// # Errors
///
/// `invalid_request` if `client_id` is missing, repeated or malformed.
pub fn client_id(parameters: &Parameters) -> Result<ClientId, OauthError> {
    let unknown = OauthError::invalid_request("client_id names no app");
    parameters.required("client_id", "client_id is missing")?.parse().map_err(|_| unknown)
}

/// Reads the redirect URI. An error is for a page.
///
/// # Errors
///
/// `invalid_request` unless it is a registered one of the client.
pub fn redirect_uri(parameters: &Parameters, client: &Client) -> Result<RedirectUri, OauthError> {
    let uri = parameters.required("redirect_uri", "redirect_uri is missing")?;
    let unknown = OauthError::invalid_request("redirect_uri is not one that the app registered");
    client.redirect_uri(uri).ok_or(unknown)
}

impl AuthorizeRequest {
    /// Reads the rest of a request, without `id_token_hint`, which [`Self::with_hint`] adds. An
    /// error is sent to the [`ResponseTarget`].
    ///
    /// # Errors
    ///
    /// The error for the app (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
    pub fn read(
        parameters: &Parameters,
        client_id: ClientId,
        redirect_uri: RedirectUri,
        pkce: Pkce,
        now: Timestamp,
    ) -> Result<Self, OauthError> {
        let response_mode = ResponseMode::read(parameters, &redirect_uri)?;
        refuse_unsupported(parameters)?;
        Ok(Self {
            client_id,
            redirect_uri,
            response_mode,
            state: read_state(parameters)?.map(str::to_owned),
            nonce: nonce(parameters)?,
            scopes: scopes(parameters)?,
            code_challenge: CodeChallenge::read(parameters, pkce)?,
            prompt: prompt(parameters)?,
            max_age_seconds: max_age(parameters)?,
            organisation: organisation(parameters)?,
            id_token_hint: None,
            acr_values: acr_values(parameters)?,
            login_hint: login_hint(parameters)?,
            requested_at: now,
        })
    }

    /// Adds the user whom the app expects. If the app names no organisation, it is that of the user.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<IdTokenHint>) -> Self {
        let tenant = hint.as_ref().map(|hint| Organisation::Tenant(hint.tenant.to_string()));
        self.organisation = self.organisation.or(tenant);
        self.id_token_hint = hint;
        self
    }

    /// Returns where the response goes.
    pub fn response_target(&self) -> ResponseTarget {
        ResponseTarget {
            redirect_uri: self.redirect_uri.clone(),
            response_mode: self.response_mode,
            state: self.state.clone(),
        }
    }

    /// Returns the query of the same request at the connection named `connection`.
    pub fn query(&self, connection: &Domain) -> String {
        let scope = self.scopes.to_string();
        let max_age = self.max_age_seconds.map(|seconds| seconds.to_string());
        let prompt = self.prompt.as_str();
        let challenge = self.code_challenge.as_ref().map(CodeChallenge::as_str);
        let hint = self.id_token_hint.as_ref().map(|hint| hint.token.as_str());
        let acr_values = self.acr_values.join(" ");
        let response_mode = match self.response_mode {
            ResponseMode::Query => None,
            ResponseMode::FormPost => Some(self.response_mode.as_str()),
        };
        let optional = [
            ("code_challenge", challenge),
            ("code_challenge_method", challenge.map(|_| "S256")),
            ("response_mode", response_mode),
            ("id_token_hint", hint),
            ("acr_values", Some(acr_values.as_str()).filter(|values| !values.is_empty())),
            ("login_hint", self.login_hint.as_deref()),
            ("state", self.state.as_deref()),
            ("nonce", self.nonce.as_deref()),
            ("max_age", max_age.as_deref()),
            ("prompt", prompt),
        ];
        form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id.as_str())
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("scope", &scope)
            .append_pair("connection", connection.as_str())
            .extend_pairs(optional.iter().filter_map(|(name, value)| Some((name, (*value)?))))
            .finish()
    }

    /// Whether the identity provider must authenticate the person anew (SAML core §3.4.1,
    /// `ForceAuthn`). True also for `max_age`: our session was not fresh enough, and the identity
    /// provider's session may not be either.
    pub fn force_authn(&self) -> bool {
        self.prompt == Prompt::Login || self.max_age_seconds.is_some()
    }

    /// Whether the person is the one whom the app expects (`id_token_hint`).
    pub fn expects(&self, tenant: TenantId, user: ResourceId) -> bool {
        self.id_token_hint.as_ref().is_none_or(|hint| hint.is_of(tenant, user))
    }

    /// Whether a session from an authentication at `auth_time` is enough for the request.
    pub fn is_met_by_session(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        match self.prompt {
            Prompt::Login | Prompt::SelectAccount => false,
            Prompt::Unset | Prompt::None => {
                self.max_age_seconds != Some(0) && self.is_recent(auth_time, now)
            }
        }
    }

    /// Whether an authentication at `auth_time`, by the identity provider's clock, is enough for
    /// the request. An old one is not if the app asked for a new one.
    ///
    /// `prompt=login` has no time that the app could compare, so that an error of the provider's
    /// clock is allowed for. `max_age=0` means the same (OpenID Connect Core §3.1.2.1). Any other
    /// `max_age` is exact, because the app compares `auth_time` with it; but an authentication
    /// after the request is enough, however long the way back took.
    pub fn is_met_by_sign_in(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        let max_age = self.max_age_seconds;
        let must_be_new = self.prompt == Prompt::Login || max_age == Some(0);
        let allowed = jiff::SignedDuration::try_from(CLOCK_SKEW).unwrap_or_default();
        let is_new = self.requested_at.duration_since(auth_time) <= allowed;
        let is_after = auth_time.as_second() >= self.requested_at.as_second();
        let is_young = max_age == Some(0) || is_after || self.is_recent(auth_time, now);
        (!must_be_new || is_new) && is_young
    }

    /// Whether an authentication is as young as `max_age` asks, in whole seconds, in which `auth_time`
    /// is told to the app and in which identity providers write it.
    fn is_recent(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        self.max_age_seconds.is_none_or(|max_age| {
            now.as_second().saturating_sub(auth_time.as_second()) <= i64::from(max_age)
        })
    }
}

/// Refuses parameters that would change the meaning of the request if they were ignored.
fn refuse_unsupported(parameters: &Parameters) -> Result<(), OauthError> {
    let response_type = parameters.required("response_type", "response_type is missing")?;
    if response_type != "code" {
        let only = "response_type must be code";
        return Err(OauthError::new(ErrorCode::UnsupportedResponseType, only));
    }
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if parameters.one(name)?.is_some() {
            return Err(OauthError::new(code, "request objects are not supported"));
        }
    }
    Ok(())
}

/// Reads `nonce`: printable ASCII, as in RFC 6749 appendix A.
fn nonce(parameters: &Parameters) -> Result<Option<String>, OauthError> {
    let is_usable =
        |text: &str| text.len() <= MAX_NONCE && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    match parameters.one("nonce")? {
        Some(text) if is_usable(text) => Ok(Some(text.to_owned())),
        Some(_) => Err(OauthError::invalid_request("nonce is too long or not ASCII")),
        None => Ok(None),
    }
}

fn scopes(parameters: &Parameters) -> Result<Scopes, OauthError> {
    let scopes = Scopes::parse(parameters.one("scope")?.unwrap_or_default());
    if scopes.has(Scope::Openid) {
        Ok(scopes)
    } else {
        Err(OauthError::new(ErrorCode::InvalidScope, "scope must contain openid"))
    }
}

fn prompt(parameters: &Parameters) -> Result<Prompt, OauthError> {
    let mut prompt = Prompt::Unset;
    let text = parameters.one("prompt")?.unwrap_or_default();
    for value in text.split(' ').filter(|value| !value.is_empty()) {
        prompt = match (value, prompt) {
            ("none", Prompt::Unset) if text.trim() == "none" => Prompt::None,
            ("login", _) | ("select_account", Prompt::Login) => Prompt::Login,
            ("select_account", _) => Prompt::SelectAccount,
            ("consent", other) => other,
            _ => {
                return Err(OauthError::invalid_request(
                    "prompt has an unknown or contradictory value",
                ));
            }
        };
    }
    Ok(prompt)
}

fn max_age(parameters: &Parameters) -> Result<Option<u32>, OauthError> {
    let Some(text) = parameters.one("max_age")? else { return Ok(None) };
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(OauthError::invalid_request("max_age must be a number of seconds"));
    }
    // A number that does not fit exceeds the lifetime of every session.
    Ok(text.parse().ok())
}

/// Reads `acr_values`, which are wishes: what cannot be an authentication context class is left out.
fn acr_values(parameters: &Parameters) -> Result<Vec<String>, OauthError> {
    let text = parameters.one("acr_values")?.unwrap_or_default();
    let is_usable = |value: &&str| {
        !value.is_empty()
            && value.len() <= MAX_ACR_VALUE
            && value.bytes().all(|b| b.is_ascii_graphic())
    };
    let values = text.split(' ').filter(is_usable).take(MAX_ACR_VALUES);
    Ok(values.map(str::to_owned).collect())
}

/// Reads the e-mail address in `login_hint`. A hint of another form is for us alone.
fn login_hint(parameters: &Parameters) -> Result<Option<String>, OauthError> {
    let hint = parameters.one("login_hint")?.map(str::trim);
    Ok(hint.filter(|hint| EmailAddress::parse(hint).is_ok()).map(str::to_owned))
}

fn organisation(parameters: &Parameters) -> Result<Option<Organisation>, OauthError> {
    if let Some(name) = parameters.one("connection")? {
        let refusal = OauthError::invalid_request("connection must be the name of a connection");
        return name.parse().map(|name| Some(Organisation::Connection(name))).map_err(|_| refusal);
    }
    if let Some(domain) = parameters.one("domain")? {
        let refusal = OauthError::invalid_request("domain must be a DNS name");
        return match Domain::from_unicode(domain) {
            Ok(domain) => Ok(Some(Organisation::Domain(domain))),
            Err(_) => Err(refusal),
        };
    }
    if let Some(tenant) = parameters.one("tenant")? {
        if tenant.len() > MAX_TENANT {
            return Err(OauthError::invalid_request("tenant is too long"));
        }
        return Ok(Some(Organisation::Tenant(tenant.to_owned())));
    }
    // A hint of another form is ignored: an app passes on what a person typed.
    Ok(parameters.one("login_hint")?.and_then(domain_of_hint).map(Organisation::Domain))
}

/// Reads the domain of a `login_hint`: what follows `@`, or the whole hint, in its ASCII form or in
/// the letters of its script. A person typed it, so that white space around it does not count.
pub fn domain_of_hint(hint: &str) -> Option<Domain> {
    let hint = hint.trim();
    Domain::from_unicode(hint.rsplit_once('@').map_or(hint, |(_, domain)| domain)).ok()
}

const MAX_NONCE: usize = 512;
const MAX_TENANT: usize = 200;
const MAX_ACR_VALUE: usize = 256;
const MAX_ACR_VALUES: usize = 16;

/// The greatest error of an identity provider's clock at which its `AuthnInstant` counts as new.
const CLOCK_SKEW: Duration = Duration::from_mins(3);

#[cfg(test)]
mod tests;

//! The assertion consumer service: takes an identity provider's answer (SAML profiles §4.1.4).
//!
//! In this order: read and bound the form, load the connection and what this browser began,
//! verify (pure), use up the assertion and the request, find the user, write the record, go on.
//! Nobody is signed in before both are used up, and each is used up by one conditional write, so
//! of any number of equal responses one signs in.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::begin::{pending, request_id};
use super::bench::Bench;
use super::browser;
use super::failure::{Failure, status};
use super::form::Form;
use super::pages;
use super::record::{self, Facts};
use super::urls::SpUrls;
use super::user::{Arrival, NoUser};
use crate::http::base_url::BaseUrl;
use crate::oidc_api;
use crate::runtime::request_log::{ConnectionRefused, FailureCode, note_tenant};
use crate::runtime::state::AppState;
use crate::sign_in::SignedIn;
use crate::store::{PendingSignIn, Stage, StoredUser};
use oidc::purpose::Purpose;
use saml::checks::{CheckId, Checks};
use saml::connection::Connection;
use saml::error::{ConnectionError, FormError, SamlError};
use saml::response::{Assertion, Verdict, decode_form_field};
use saml::xml::clipped;
use types::digest::digest_of_parts;
use types::domain::Domain;

/// Index 0: of a connection with one provider.
pub(super) async fn consume(
    State(app): State<AppState>,
    Path(domain): Path<String>,
    request: Request,
) -> Response {
    answer(&app, &domain, false, request).await.unwrap_or_else(Failure::into_response)
}

/// Index 1: of a federation, where the issuer says which member it is.
pub(super) async fn consume_federated(
    State(app): State<AppState>,
    Path(domain): Path<String>,
    request: Request,
) -> Response {
    answer(&app, &domain, true, request).await.unwrap_or_else(Failure::into_response)
}

async fn answer(
    app: &AppState,
    domain: &str,
    federated: bool,
    request: Request,
) -> Result<Response, Failure> {
    let unknown = SamlError::Connection(ConnectionError::Unknown);
    let domain: Domain = domain.parse().map_err(|_| Failure::Refused(unknown.clone()))?;
    let base_url = BaseUrl::of(&app.config, request.headers());
    let headers = request.headers().clone();
    let now = app.clock.now();
    let form = Form::read(request).await;
    let (stored, begun) = tokio::join!(
        app.store.connection_of_domain(&domain),
        browser::pending_sign_ins(app, &base_url, &headers, now),
    );
    let connection = stored?.ok_or(Failure::Refused(unknown))?.connection;
    note_tenant(connection.tenant);
    let mut begun = begun?;
    begun.retain(|begun| begun.domain == connection.domain && begun.tenant == connection.tenant);
    let consumer = Consumer { app, base_url, connection, federated, begun, now };
    Ok(consumer.consume(form).await)
}

/// One answer and what it is judged by.
struct Consumer<'a> {
    app: &'a AppState,
    base_url: BaseUrl,
    connection: Connection,
    federated: bool,
    /// What this browser has begun at this connection.
    begun: Vec<PendingSignIn>,
    now: Timestamp,
}

/// What came of an answer that is good so far.
struct Accepted {
    assertion: Assertion,
    /// The sign-in that it ends; none when the provider began.
    begun: Option<PendingSignIn>,
}

impl Consumer<'_> {
    async fn consume(&self, form: Result<Form, SamlError>) -> Response {
        let mut checks = Checks::default();
        let relay_state = form.as_ref().ok().and_then(|form| form.one("RelayState"));
        let relay_state = relay_state.map(str::to_owned);
        let verified = match self.verified(form, &mut checks).await {
            Ok(verified) => verified,
            Err(Failure::Refused(error)) => {
                return self.refused(&mut checks, None, None, error).await;
            }
            Err(other) => return other.into_response(),
        };
        let accepted = match self.used_up(verified, &mut checks).await {
            Ok(accepted) => accepted,
            Err(failure) => return failure,
        };
        let origin = origin(accepted.begun.as_ref());
        let arrival = Arrival {
            app: self.app,
            connection: &self.connection,
            assertion: &accepted.assertion,
            now: self.now,
        };
        let tested = matches!(&accepted.begun, Some(begun) if begun.purpose == Purpose::Test);
        let found = if tested {
            arrival.rehearse(&mut checks).await.map(|()| None)
        } else {
            arrival.user(&mut checks).await.map(Some)
        };
        let user = match found {
            Ok(user) => user,
            Err(NoUser::Refused(error)) => {
                let assertion = Some(&accepted.assertion);
                let begun = accepted.begun.as_ref();
                return self.refused(&mut checks, begun, assertion, error).await;
            }
            Err(NoUser::Store(error)) => return Failure::from(error).into_response(),
        };
        let facts = Facts {
            began: origin,
            user: user.as_ref().map(|user| user.resource.id),
            error: None,
            assertion: Some(&accepted.assertion),
        };
        let reference = record::write(self.app, &self.connection, &checks, facts, self.now).await;
        let Some(user) = user else {
            let name = shown_name(&accepted.assertion);
            return pages::tested(self.connection.domain.as_str(), &name, &reference);
        };
        self.go_on(accepted, &user, relay_state).await
    }

    /// Verifies the response. Checks 1 to 16 and 18 to 21.
    async fn verified(
        &self,
        form: Result<Form, SamlError>,
        checks: &mut Checks,
    ) -> Result<Assertion, Failure> {
        let trust = self.connection.ready().map_err(SamlError::Connection)?;
        if trust.federation != self.federated {
            return Err(SamlError::Connection(ConnectionError::Unknown).into());
        }
        let keys = match self.app.saml_keys.load(self.now).await {
            Ok(keys) => keys,
            Err(error) => return Err(error.into()),
        };
        let form = form?;
        let field = form.one("SAMLResponse").ok_or(SamlError::Form(FormError::Field))?;
        let response = decode_form_field(field)?;
        let bench = Bench {
            connection: &self.connection,
            trust,
            urls: SpUrls::new(&self.base_url, &self.connection.domain),
            keys: &keys,
        };
        let provider = bench.provider(&response)?;
        let asked = |begun: &&PendingSignIn| matches!(&begun.stage, Stage::Asked(entity_id) if *entity_id == provider.entity_id);
        let open: Vec<&str> =
            self.begun.iter().filter(asked).map(|begun| begun.id.as_str()).collect();
        let Verdict { result, checks: found } =
            bench.verify(provider, &response, &open, self.now)?;
        *checks = found;
        checks.pass(CheckId::Connection, "on", "on");
        Ok(result?)
    }

    /// Uses up the assertion and the request. Check 17.
    async fn used_up(
        &self,
        assertion: Assertion,
        checks: &mut Checks,
    ) -> Result<Accepted, Response> {
        let begun = assertion
            .in_response_to
            .as_deref()
            .and_then(|id| self.begun.iter().find(|begun| begun.id == id).cloned());
        let store = &self.app.store;
        let used = store
            .consume_assertion(
                self.connection.tenant,
                &self.digest(&assertion),
                assertion.replay_until,
            )
            .await;
        let fresh = match (used, &begun) {
            (Ok(true), Some(begun)) => store.consume_pending_sign_in(begun).await,
            (Ok(true), None) => Ok(assertion.in_response_to.is_none()),
            (Ok(false), _) => Ok(false),
            (Err(error), _) => Err(error),
        };
        match fresh {
            Ok(true) => {
                checks.pass(CheckId::Replay, "", "not seen before");
                Ok(Accepted { assertion, begun })
            }
            Ok(false) => {
                let known = Some(&assertion);
                Err(self.refused(checks, begun.as_ref(), known, SamlError::Replay).await)
            }
            Err(error) => Err(Failure::from(error).into_response()),
        }
    }

    /// What an assertion is remembered by: an `ID` is unique within its issuer only.
    fn digest(&self, assertion: &Assertion) -> String {
        digest_of_parts(&[self.connection.domain.as_str(), &assertion.issuer, &assertion.id])
    }

    async fn go_on(
        &self,
        accepted: Accepted,
        user: &StoredUser,
        relay_state: Option<String>,
    ) -> Response {
        let Accepted { assertion, begun } = accepted;
        let Some(begun) = begun else {
            let agreed = self.ask_person(&assertion, user, relay_state).await;
            return agreed.unwrap_or_else(Failure::into_response);
        };
        let signed_in = SignedIn {
            tenant: self.connection.tenant,
            user: user.resource.id,
            domain: self.connection.domain.to_string(),
            authn_instant: assertion.authn_instant,
            session_not_on_or_after: assertion.session_not_on_or_after,
        };
        let mut response =
            oidc_api::complete(self.app, &self.base_url, signed_in, begun.purpose).await;
        browser::take_back(&self.base_url, &begun.id, &mut response);
        response
    }

    /// A response that nobody asked for signs nobody in by itself: anybody can make a browser
    /// post one. The person has to press a button, in the browser that got the page.
    async fn ask_person(
        &self,
        assertion: &Assertion,
        user: &StoredUser,
        relay_state: Option<String>,
    ) -> Result<Response, Failure> {
        let target = match relay_state.filter(|text| !text.is_empty()) {
            Some(page) if oidc_api::is_page_of_an_app(self.app, &page).await? => Some(page),
            Some(_) | None => None,
        };
        let stage = Stage::Arrived {
            user: user.resource.id,
            authn_instant: assertion.authn_instant,
            session_not_on_or_after: assertion.session_not_on_or_after,
        };
        let purpose = Purpose::Start { target };
        let (arrived, binding) =
            pending(self.app, &self.connection, &request_id()?, purpose, stage)?;
        self.app.store.create_pending_sign_in(&arrived).await?;
        let domain = self.connection.domain.as_str();
        let action = self.base_url.join(&format!("/saml/sso/{domain}/continue"));
        let name = shown_name(assertion);
        let mut response = pages::agree(&self.base_url, &name, domain, &action, &arrived.id);
        binding.give(&self.base_url, &arrived.id, false, &mut response);
        Ok(response)
    }

    /// Records a refusal and shows its page.
    async fn refused(
        &self,
        checks: &mut Checks,
        begun: Option<&PendingSignIn>,
        assertion: Option<&Assertion>,
        error: SamlError,
    ) -> Response {
        checks.fail(&error);
        // Before the response is verified, what this browser began last is the best guess.
        let begun = begun.or_else(|| self.begun.last());
        let facts = Facts { began: origin(begun), user: None, error: Some(&error), assertion };
        let reference = record::write(self.app, &self.connection, checks, facts, self.now).await;
        let again = begun.and_then(|begun| match &begun.purpose {
            Purpose::Start { target: None } => {
                Some(SpUrls::new(&self.base_url, &self.connection.domain).sso_url)
            }
            Purpose::Start { target: Some(_) } | Purpose::App(_) | Purpose::Test => None,
        });
        let mut response = pages::refused(
            status(&error),
            error.code(),
            error.public_text(),
            Some(&reference),
            again.as_deref(),
        );
        response.extensions_mut().insert(FailureCode(error.code()));
        if error.is_connection_wide() {
            response.extensions_mut().insert(ConnectionRefused);
        }
        response
    }
}

fn origin(begun: Option<&PendingSignIn>) -> &'static str {
    match begun.map(|begun| &begun.purpose) {
        None => "provider",
        Some(Purpose::App(_)) => "app",
        Some(Purpose::Start { .. }) => "start",
        Some(Purpose::Test) => "test",
    }
}

/// How the person is called on a page of their own.
fn shown_name(assertion: &Assertion) -> String {
    let profile = &assertion.profile;
    let name = profile.email.as_deref().or(profile.display_name.as_deref());
    clipped(name.unwrap_or(&assertion.subject.value), 100)
}

//! The assertion consumer service: takes an identity provider's response (SAML profiles §4.1.4).
//!
//! The order is: read the form, load the connection with what it may speak for and the sign-ins
//! that this browser has open, verify (pure), consume the assertion and the request, find the user,
//! find the app, write the record, complete the sign-in. Nobody is signed in before
//! assertion and request are consumed, and each is consumed by one conditional write: of any number
//! of equal responses one signs in.
//!
//! A browser may post a response twice, by a double click or a reload. The second one gives nothing.
//! It leads to where the first one led ([`super::resume`]), if it comes with the cookie of the
//! sign-in that it ended.
//!
//! Verification is in `connection_verifier`; everything after it is in [`crate::sign_in`].

use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;

use super::connection_verifier::{Acs, ConnectionVerifier, request_named_by};
use super::form::Form;
use crate::http::base_url::BaseUrl;
use crate::http::redirect::see_other;
use crate::runtime::request_log::RefusedSignIn;
use crate::runtime::state::AppState;
use crate::sign_in::complete::{BrowserSession, Ending};
use crate::sign_in::connection::read_with_standing;
use crate::sign_in::matching::{MatchedUser, Matching};
use crate::sign_in::record::{self, Facts};
use crate::sign_in::refusal::Refused;
use crate::sign_in::retry::{resume_url, retry_url, sso_url};
use crate::sign_in::sessions::authority_of;
use crate::sign_in::start::{new_id, new_pending_sign_in};
use crate::sign_in::{Destination, SignInError, SignedIn, browser, pages, session};
use crate::store::{EndedSignIn, PendingSignIn, Stage, Standing};
use oidc::grant::Authentication;
use oidc::purpose::Purpose;
use saml::authn_context::AuthnContextClass;
use saml::checks::{CheckId, Checks, Outcome};
use saml::connection::Connection;
use saml::error::{ConnectionError, FormError, InResponseToError, SamlError};
use saml::response::{Assertion, decode_form_field};
use saml::xml::truncate;
use types::digest::digest_of_parts;

/// `POST /saml/sso/{domain}`: the ACS with index 0.
pub(super) async fn consume(
    State(app): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    answer(&app, &name, Acs::Single, headers, Form::read(request).await).await
}

/// `POST /saml/sso/{domain}/federated`: the ACS with index 1.
pub(super) async fn consume_federated(
    State(app): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    answer(&app, &name, Acs::Federated, headers, Form::read(request).await).await
}

/// Refuses a message that came by another binding than HTTP-POST. Starting a sign-in instead would
/// send the browser round in a circle.
pub(super) async fn refuse_message(
    app: &AppState,
    name: &str,
    headers: HeaderMap,
    error: FormError,
) -> Response {
    answer(app, name, Acs::Single, headers, Err(SamlError::Form(error))).await
}

async fn answer(
    app: &AppState,
    name: &str,
    acs: Acs,
    headers: HeaderMap,
    form: Result<Form, SamlError>,
) -> Response {
    let base_url = BaseUrl::of(&app.config, &headers);
    let now = app.clock.now();
    let loaded = tokio::try_join!(
        read_with_standing(app, name),
        browser::sign_ins(app, &base_url, &headers, now),
    );
    let ((connection, standing), found) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return error.into_response(sso_url(&base_url, name).as_deref()),
    };
    let (mut open, mut ended) = (found.open, found.ended);
    open.retain(|open| open.is_at(&connection));
    ended.retain(|ended| ended.is_at(&connection));
    let consumer = Consumer { app, base_url, headers, connection, standing, acs, open, ended, now };
    consumer.consume(form).await
}

/// The connection and the browser of one response.
struct Consumer<'a> {
    app: &'a AppState,
    base_url: BaseUrl,
    headers: HeaderMap,
    connection: Connection,
    /// The generations and what the connection may speak for. Whatever the sign-in gives remembers
    /// these generations, so that a later change ends it.
    standing: Standing,
    /// The ACS that the response came to.
    acs: Acs,
    /// The sign-ins that this browser has open at the connection, the newest first.
    open: Vec<PendingSignIn>,
    /// Those that have ended, of which this browser still has the cookies.
    ended: Vec<EndedSignIn>,
    now: Timestamp,
}

impl Consumer<'_> {
    async fn consume(&self, form: Result<Form, SamlError>) -> Response {
        let mut checks = Checks::default();
        let relay_state = form.as_ref().ok().and_then(|form| form.one("RelayState"));
        let relay_state = relay_state.filter(|text| !text.is_empty()).map(str::to_owned);
        let mut named = None;
        let assertion = match self.verify(form, &mut checks, &mut named).await {
            Ok(assertion) => assertion,
            Err(error) => {
                let named = named.or_else(|| self.meant_by_unreadable(&error));
                return self.refuse(error, &mut checks, named, None).await;
            }
        };
        let pending = self.pending_of(&assertion);
        let answered = match self.posted_before(&assertion) {
            Ok(Some(response)) => return response,
            Ok(None) => self.sign_in(&assertion, pending, relay_state, &mut checks).await,
            Err(error) => Err(error),
        };
        match (answered, pending) {
            (Ok(response), _) => response,
            // Of two equal posts at the same time, the other one ended the sign-in.
            (Err(SignInError::Refused(SamlError::Replay)), Some(pending)) => {
                self.resume(&pending.id).unwrap_or_else(|error| error.into_response(None))
            }
            (Err(error), _) => self.refuse(error, &mut checks, pending, Some(&assertion)).await,
        }
    }

    /// The answer to a response that this browser posted before: the page that asks again, or the
    /// way to where the sign-in led.
    ///
    /// # Errors
    ///
    /// [`SamlError::InResponseTo`] if another assertion ended the sign-in that this one answers.
    fn posted_before(&self, assertion: &Assertion) -> Result<Option<Response>, SignInError> {
        let digest = Some(self.digest(assertion));
        let asks = |open: &&PendingSignIn| match &open.stage {
            Stage::Arrived { assertion, .. } => *assertion == digest,
            Stage::Invited | Stage::Choosing | Stage::Asked(_) => false,
        };
        if let Some(asking) = self.open.iter().find(asks) {
            return Ok(Some(self.page_that_asks(assertion, &asking.id)));
        }
        if let Some(ended) = self.ended.iter().find(|ended| ended.assertion == digest) {
            return Ok(Some(self.resume(&ended.id)?));
        }
        match &assertion.in_response_to {
            Some(request) if self.ended.iter().any(|ended| ended.id == *request) => {
                Err(SamlError::InResponseTo(InResponseToError::Unknown(request.clone())).into())
            }
            Some(_) | None => Ok(None),
        }
    }

    /// The sign-in that a response means which cannot be read: the only one in which this browser was
    /// sent to the identity provider.
    fn meant_by_unreadable(&self, error: &SignInError) -> Option<&PendingSignIn> {
        let SignInError::Refused(SamlError::Form(_) | SamlError::Xml(_)) = error else {
            return None;
        };
        let mut asked = self.open.iter().filter(|open| matches!(open.stage, Stage::Asked(_)));
        asked.next().filter(|_| asked.next().is_none())
    }

    fn resume(&self, sign_in: &str) -> Result<Response, SignInError> {
        Ok(see_other(&resume_url(&self.base_url, &self.connection.domain, sign_in))?)
    }

    /// Verifies the response. Checks 1 to 16 and 18 to 21. The sign-in of this browser that the
    /// response says it answers is left in `named`, also if the response is refused.
    async fn verify<'s>(
        &'s self,
        form: Result<Form, SamlError>,
        checks: &mut Checks,
        named: &mut Option<&'s PendingSignIn>,
    ) -> Result<Assertion, SignInError> {
        let response =
            form.and_then(|form| decode_form_field(form.response().map_err(SamlError::Form)?));
        let request = response.as_ref().ok().and_then(|response| request_named_by(response));
        *named = request.and_then(|id| self.open_sign_in(&id));
        // Before any other error, so that a connection which is not ready looks like an unknown name.
        let trust = self.connection.active_trust().map_err(SamlError::Connection)?;
        let keys = self.app.saml_keys.load(self.now).await?;
        let response = response?;
        let authority = &self.standing.authority;
        let verifier =
            ConnectionVerifier::new(&self.connection, trust, authority, &self.base_url, &keys);
        let provider = verifier.provider(&response)?;
        let asked = Stage::Asked(provider.entity_id.clone());
        let requests = self.open.iter().filter(|open| open.stage == asked);
        // A second post of the same response is verified like the first.
        let ended = self.ended.iter().map(|ended| ended.id.as_str());
        let requests: Vec<&str> = requests.map(|open| open.id.as_str()).chain(ended).collect();
        let verdict = verifier.verify(provider, self.acs, &response, &requests, self.now)?;
        *checks = verdict.checks;
        Ok(verdict.result?)
    }

    /// The sign-in that the assertion answers; `None` if the identity provider started it.
    fn pending_of(&self, assertion: &Assertion) -> Option<&PendingSignIn> {
        self.open_sign_in(assertion.in_response_to.as_deref()?)
    }

    fn open_sign_in(&self, request: &str) -> Option<&PendingSignIn> {
        self.open.iter().find(|open| open.id == request)
    }

    async fn sign_in(
        &self,
        assertion: &Assertion,
        pending: Option<&PendingSignIn>,
        relay_state: Option<String>,
        checks: &mut Checks,
    ) -> Result<Response, SignInError> {
        self.consume_once(assertion, pending, checks).await?;
        let purpose = pending.map(|pending| &pending.purpose);
        let is_test = purpose == Some(&Purpose::Test);
        let Self { app, connection, now, .. } = self;
        let authority = &self.standing.authority;
        let matching = Matching::new(app, connection, authority, assertion, *now);
        let matched = matching.match_user(is_test, checks).await?.filter(|_| !is_test);
        let goal = purpose.cloned().unwrap_or(Purpose::Start { target: relay_state });
        let note = async {
            match &matched {
                Some(matched) => {
                    tokio::try_join!(matching.note_use(matched), matching.update_user(matched))?;
                    Ok(())
                }
                None => Ok(()),
            }
        };
        let default_app = connection.settings.default_app.as_deref();
        let (destination, ()) = tokio::try_join!(Destination::find(app, goal, default_app), note)?;
        destination.record_check(checks);
        let id = matched.as_ref().map(|matched| matched.user.resource.id);
        let facts = Facts { purpose, user: id, error: None, assertion: Some(assertion) };
        let reference = record::write(app, connection, checks, facts, *now).await;
        let Some(matched) = matched else {
            let name = name_of(assertion);
            return Ok(pages::tested(connection.domain.as_str(), &name, &reference));
        };
        let signed_in = self.signed_in(assertion, &matched)?;
        match pending {
            Some(pending) if !self.replaces_session(pending, &signed_in).await? => {
                self.complete(signed_in, destination, &pending.id, &reference).await
            }
            Some(_) | None => self.ask_person(assertion, &signed_in, &destination).await,
        }
    }

    /// Consumes the assertion and the request that it answers. Check 17.
    async fn consume_once(
        &self,
        assertion: &Assertion,
        pending: Option<&PendingSignIn>,
        checks: &mut Checks,
    ) -> Result<(), SignInError> {
        let (store, tenant) = (&self.app.store, self.connection.tenant);
        let digest = self.digest(assertion);
        let is_fresh = store.consume_assertion(tenant, &digest, assertion.replay_until).await?
            && match pending {
                Some(pending) => store.consume_pending_sign_in(pending, Some(&digest)).await?,
                None => assertion.in_response_to.is_none(),
            };
        if !is_fresh {
            return Err(SamlError::Replay.into());
        }
        checks.pass(CheckId::Replay, "", "not seen before");
        Ok(())
    }

    /// The digest by which an assertion is known once it is consumed. An `ID` is unique only within
    /// its issuer.
    fn digest(&self, assertion: &Assertion) -> String {
        digest_of_parts(&[self.connection.domain.as_str(), &assertion.issuer, &assertion.id])
    }

    fn signed_in(
        &self,
        assertion: &Assertion,
        matched: &MatchedUser,
    ) -> Result<SignedIn, SignInError> {
        let authority =
            authority_of(&self.connection, &assertion.issuer, &matched.domains, &self.standing);
        let gone = SamlError::Connection(ConnectionError::Unknown);
        let authentication = Authentication {
            user: matched.user.resource.id,
            user_generation: matched.user.generation,
            connection: self.connection.domain.to_string(),
            authority: Some(authority.ok_or(gone)?),
            // The identity provider's clock may be ahead of ours.
            auth_time: assertion.authn_instant.min(self.now),
            not_on_or_after: assertion.session_not_on_or_after,
            // The class comes from the provider, whose text may be of any length.
            authn_context: assertion.authn_context.clone().filter(|class| is_class(class)),
        };
        Ok(SignedIn { tenant: self.connection.tenant, authentication })
    }

    /// Whether a sign-in that no app began would replace the session of another person (rule 19): a
    /// link can start one.
    ///
    /// A browser does not send the cookie of its session with a form that another site posts. So the
    /// session that it had when the sign-in was started counts, unless the cookie is there.
    async fn replaces_session(
        &self,
        pending: &PendingSignIn,
        signed_in: &SignedIn,
    ) -> Result<bool, SignInError> {
        if !matches!(pending.purpose, Purpose::Start { .. }) {
            return Ok(false);
        }
        let sent = session::key_of(&self.base_url, &self.headers);
        let current = match sent.or_else(|| pending.session.clone()) {
            Some(key) => session::with_key(self.app, key).await?,
            None => None,
        };
        let person = |signed_in: &SignedIn| (signed_in.tenant, signed_in.authentication.user);
        Ok(current.is_some_and(|(current, _)| person(&current) != person(signed_in)))
    }

    async fn complete(
        &self,
        signed_in: SignedIn,
        destination: Destination,
        pending: &str,
        reference: &str,
    ) -> Result<Response, SignInError> {
        let Self { app, base_url, headers, standing, .. } = self;
        let authority = &standing.authority;
        let session = BrowserSession::New { sign_in: Some(pending) };
        let ending = Ending { app, base_url, authority, session, reference: Some(reference) };
        let mut response = ending.complete(signed_in, destination).await;
        browser::end_sign_in(base_url, headers, pending, &mut response)?;
        Ok(response)
    }

    /// Asks the person to press a button before a sign-in that no app began: any site can make a
    /// browser post an unsolicited response, or follow a link that starts a sign-in. The button
    /// works in the browser that got the page.
    async fn ask_person(
        &self,
        assertion: &Assertion,
        signed_in: &SignedIn,
        destination: &Destination,
    ) -> Result<Response, SignInError> {
        let Authentication {
            user,
            user_generation,
            authority,
            auth_time,
            not_on_or_after,
            authn_context,
            ..
        } = signed_in.authentication.clone();
        let stage = Stage::Arrived {
            user,
            authn_instant: auth_time,
            session_not_on_or_after: not_on_or_after,
            user_generation,
            authority,
            authn_context,
            assertion: Some(self.digest(assertion)),
        };
        let target = destination.target().map(ToString::to_string);
        let purpose = Purpose::Start { target };
        let Self { app, base_url, headers, connection, .. } = self;
        let id = new_id()?;
        let (arrived, binding) =
            new_pending_sign_in(app, base_url, headers, connection, &id, purpose, stage)?;
        app.store.create_pending_sign_in(&arrived).await?;
        let mut response = self.page_that_asks(assertion, &arrived.id);
        binding.set_cookie(base_url, &arrived.id, false, &mut response)?;
        Ok(response)
    }

    fn page_that_asks(&self, assertion: &Assertion, sign_in: &str) -> Response {
        let connection = self.connection.domain.as_str();
        let page = pages::Agree {
            person: &name_of(assertion),
            connection,
            action: &self.base_url.join(&format!("/saml/sso/{connection}/continue")),
            sign_in,
        };
        pages::agree(&self.base_url, &page)
    }

    /// Sends the browser back to the app that asked, or shows the page of an error. A refusal is
    /// recorded first.
    async fn refuse(
        &self,
        error: SignInError,
        checks: &mut Checks,
        pending: Option<&PendingSignIn>,
        assertion: Option<&Assertion>,
    ) -> Response {
        // If the response names no sign-in of this browser, the one that the browser started last
        // is the best guess.
        let purpose = pending.or_else(|| self.open.first()).map(|pending| &pending.purpose);
        let retry_url = retry_url(&self.base_url, &self.connection.domain, purpose);
        let Self { app, base_url, .. } = self;
        let known = pending.map(|pending| &pending.purpose);
        let refused = Refused { app, base_url, purpose: known, reference: None, retry_url };
        let SignInError::Refused(error) = error else { return refused.answer(error).await };
        checks.fail(&error);
        let facts = Facts { purpose, user: None, error: Some(&error), assertion };
        let reference = record::write(self.app, &self.connection, checks, facts, self.now).await;
        // The page of a connection that cannot be used is that of an unknown name (rule 21).
        let reference = Some(reference).filter(|_| !matches!(error, SamlError::Connection(_)));
        // Anybody can post a response that answers nothing and that nobody signed: such a one must
        // not raise an alarm.
        let is_counted = pending.is_some() || has_verified_signature(checks);
        let is_connection_wide = error.is_connection_wide();
        let refused = Refused { reference: reference.as_deref(), ..refused };
        let mut response = refused.answer(error.into()).await;
        if is_counted {
            response.extensions_mut().insert(RefusedSignIn { is_connection_wide });
        }
        response
    }
}

/// Whether a text can be an authentication context class, which apps are told as `acr`.
fn is_class(text: &str) -> bool {
    text.parse::<AuthnContextClass>().is_ok()
}

/// Whether a trusted key signed what was read, in the response or in the assertion.
fn has_verified_signature(checks: &Checks) -> bool {
    [CheckId::SignatureKey, CheckId::SignatureReference]
        .iter()
        .all(|check| checks.outcome(*check) == Outcome::Passed)
}

/// The person's name, for a page that only this person sees.
fn name_of(assertion: &Assertion) -> String {
    let profile = &assertion.profile;
    let name = profile.email.as_deref().or(profile.display_name.as_deref());
    truncate(name.unwrap_or(&assertion.identity.best().value), 100)
}

//! Checks signed claims: version, issuer, confirmation, times, audience, session, subject. The
//! signatures are verified in [`super::verification`].
//!
//! Invariant (*all checks*): each check records its outcome and the next one runs. Only a foreign
//! issuer ends the verification, so that nothing of another issuer's assertion gets into our
//! records.

use jiff::{SignedDuration, Timestamp};

use super::Assertion;
use super::verification::Verification;
use crate::assertion::{Attribute, AuthnStatement, BearerConfirmation, Claims, Conditions};
use crate::attributes;
use crate::checks::{CheckId, Outcome};
use crate::error::{InResponseToError, RecipientError, SamlError, SessionError, TimeError};
use crate::identity::{Identity, identify};
use crate::time::parse_instant;
use crate::xml::truncate;

/// A bearer confirmation with the result of its checks.
struct CheckedConfirmation {
    errors: Vec<SamlError>,
    in_response_to: Option<String>,
    not_on_or_after: Option<Timestamp>,
}

impl Verification<'_> {
    /// Checks all claims and returns the assertion, or `None` if a claim that it needs is missing.
    ///
    /// # Errors
    ///
    /// [`SamlError::Issuer`] when the assertion is of another issuer.
    pub(super) fn check_claims(
        &mut self,
        mut claims: Claims,
        response_in_response_to: Option<&str>,
        xml: String,
    ) -> Result<Option<Assertion>, SamlError> {
        if claims.issuer != self.expect.idp_entity_id {
            return Err(self.foreign_issuer(&claims.issuer));
        }
        self.check_issuer(claims.issuer.clone());
        self.check_version(&claims.version);
        self.check_not_in_future("Assertion IssueInstant", &claims.issue_instant);
        let confirmation = self.check_confirmations(&claims.bearers, response_in_response_to);
        self.check_conditions(claims.conditions.as_ref());
        self.check_authn_context(&claims.statements);
        let session = self.check_session(&claims.statements);
        let unused = self.decrypt_parts(&mut claims);
        let subject = self.check_subject(&claims);
        let profile = attributes::profile(claims.name_id.as_ref(), &claims.attributes);
        self.check_attributes(profile.email.as_deref(), &claims, unused);

        let skew = SignedDuration::from_secs(self.expect.clock_skew.seconds().into());
        let (Some((in_response_to, end)), Some((authn_instant, session_end)), Some(subject)) =
            (confirmation, session, subject)
        else {
            return Ok(None);
        };
        let statement = claims.statements.into_iter().next();
        let (session_index, authn_context) = statement
            .map_or((None, None), |statement| (statement.session_index, statement.context));
        Ok(Some(Assertion {
            id: claims.id,
            replay_until: end.checked_add(skew).unwrap_or(Timestamp::MAX),
            in_response_to,
            issuer: claims.issuer,
            identity: subject,
            profile,
            session_index,
            authn_instant,
            session_not_on_or_after: session_end,
            authn_context,
            attributes: claims.attributes,
            xml,
        }))
    }

    /// Records check 4.
    pub(super) fn check_version(&mut self, received: &str) {
        let expected = CheckId::Version.info().expected;
        if received == expected {
            self.checks.pass(CheckId::Version, expected, received);
        } else {
            self.fail(SamlError::Version { received: truncate(received, 32) });
        }
    }

    /// Records check 6.
    pub(super) fn check_issuer(&mut self, received: String) {
        if received == self.expect.idp_entity_id {
            self.checks.pass(CheckId::Issuer, received.clone(), received);
        } else {
            let error = self.foreign_issuer(&received);
            self.fail(error);
        }
    }

    fn foreign_issuer(&self, received: &str) -> SamlError {
        SamlError::Issuer {
            expected: self.expect.idp_entity_id.to_owned(),
            received: truncate(received, 512),
        }
    }

    /// Fails check 14 when an instant is in the future. `what` names the attribute.
    pub(super) fn check_not_in_future(&mut self, what: &'static str, received: &str) {
        if let Err(error) = self.past_instant(what, received) {
            self.fail(SamlError::Time(error));
        }
    }

    /// Returns `InResponseTo` and the end of the bearer confirmation that holds. Records checks 13,
    /// 14 and 16; if none holds, the errors of the one with the fewest.
    fn check_confirmations(
        &mut self,
        bearers: &[BearerConfirmation],
        response_in_response_to: Option<&str>,
    ) -> Option<(Option<String>, Timestamp)> {
        let checked =
            bearers.iter().map(|bearer| self.check_bearer(bearer, response_in_response_to));
        let checked: Vec<CheckedConfirmation> = checked.collect();
        // The latest end of all: no confirmation may outlive the memory of the assertion's use.
        let latest = checked.iter().filter_map(|confirmation| confirmation.not_on_or_after).max();
        let Some(best) = checked.into_iter().min_by_key(|confirmation| confirmation.errors.len())
        else {
            self.fail(self.recipient_error(RecipientError::NoBearer));
            return None;
        };
        let holds = best.errors.is_empty();
        for error in best.errors {
            self.fail(error);
        }
        let acs_url = self.expect.acs_url;
        self.checks.pass(CheckId::Recipient, acs_url, acs_url);
        let answers = best.in_response_to.clone().unwrap_or_else(|| "(provider-initiated)".into());
        self.checks.pass(CheckId::InResponseTo, answers.clone(), answers);
        let end = latest?;
        let skew = self.expect.clock_skew.seconds();
        self.checks.pass(CheckId::Time, format!("until {end}, ±{skew} s"), self.now.to_string());
        if !holds {
            return None;
        }
        Some((best.in_response_to, end))
    }

    fn check_bearer(
        &self,
        bearer: &BearerConfirmation,
        response_in_response_to: Option<&str>,
    ) -> CheckedConfirmation {
        const WHAT: &str = "SubjectConfirmationData NotOnOrAfter";
        let mut errors = Vec::new();
        if bearer.recipient.as_deref() != Some(self.expect.acs_url) {
            let received = bearer.recipient.as_deref().map(|received| truncate(received, 512));
            errors.push(self.recipient_error(RecipientError::Other(received)));
        }
        if bearer.not_before {
            errors.push(self.recipient_error(RecipientError::NotBefore));
        }
        let mut not_on_or_after = None;
        match bearer.not_on_or_after.as_deref() {
            None => errors.push(self.recipient_error(RecipientError::Endless)),
            Some(end) => match self.future_instant(WHAT, end) {
                Ok(end) => not_on_or_after = Some(end),
                Err(error) => errors.push(SamlError::Time(error)),
            },
        }
        let in_response_to = bearer.in_response_to.as_deref();
        if let Err(error) = self.match_request(in_response_to, response_in_response_to) {
            errors.push(SamlError::InResponseTo(error));
        }
        let in_response_to = in_response_to.map(str::to_owned);
        CheckedConfirmation { errors, in_response_to, not_on_or_after }
    }

    fn recipient_error(&self, reason: RecipientError) -> SamlError {
        SamlError::Recipient { expected: self.expect.acs_url.to_owned(), reason }
    }

    /// Matches `InResponseTo` with the open requests. A response that names a request must match it
    /// even where unsolicited responses are accepted: otherwise a response stolen on its way to one
    /// browser could be used in another.
    fn match_request(
        &self,
        assertion: Option<&str>,
        response: Option<&str>,
    ) -> Result<(), InResponseToError> {
        if response.is_some() && response != assertion {
            return Err(InResponseToError::Contradiction);
        }
        match assertion {
            Some(id) if self.expect.open_requests.contains(&id) => Ok(()),
            Some(id) => Err(InResponseToError::Unknown(truncate(id, 128))),
            None if self.expect.allow_idp_initiated => Ok(()),
            None => Err(InResponseToError::Unsolicited),
        }
    }

    /// Records checks 14 and 15.
    fn check_conditions(&mut self, conditions: Option<&Conditions>) {
        let expected = self.expect.sp_entity_id;
        let audiences = conditions.map(|conditions| conditions.audiences.as_slice());
        let audiences = audiences.unwrap_or_default();
        let names_us = |names: &Vec<String>| names.iter().any(|name| name == expected);
        if !audiences.is_empty() && audiences.iter().all(names_us) {
            self.checks.pass(CheckId::Audience, expected, expected);
        } else {
            let received = audiences.iter().flatten().take(8).map(|name| truncate(name, 256));
            let received = received.collect();
            self.fail(SamlError::Audience { expected: expected.to_owned(), received });
        }
        let Some(conditions) = conditions else { return };
        let start = conditions.not_before.as_deref();
        let start = start.map(|start| self.past_instant("Conditions NotBefore", start));
        let end = conditions.not_on_or_after.as_deref();
        let end = end.map(|end| self.future_instant("Conditions NotOnOrAfter", end));
        if let (Some(Ok(start)), Some(Ok(end))) = (&start, &end)
            && start >= end
        {
            self.fail(SamlError::Time(TimeError::Never));
        }
        for error in [start, end].into_iter().flatten().filter_map(Result::err) {
            self.fail(SamlError::Time(error));
        }
    }

    /// Records check 18.
    fn check_authn_context(&mut self, statements: &[AuthnStatement]) {
        let accepted = self.expect.authn_contexts;
        let contexts = || statements.iter().filter_map(|statement| statement.context.as_deref());
        let received = truncate(contexts().next().unwrap_or("(nothing)"), 256);
        if accepted.is_empty() || contexts().any(|context| accepted.contains(&context)) {
            self.checks.pass(CheckId::AuthnContext, accepted.join(", "), received);
        } else {
            let expected = accepted.iter().map(|&context| context.to_owned()).collect();
            self.fail(SamlError::AuthnContext { expected, received });
        }
    }

    /// Returns the time of the sign-in at the provider and the end of that session. Records check
    /// 19.
    fn check_session(
        &mut self,
        statements: &[AuthnStatement],
    ) -> Option<(Timestamp, Option<Timestamp>)> {
        let mut end: Option<Timestamp> = None;
        let mut signed_in: Option<Timestamp> = None;
        for statement in statements {
            match self.check_statement(statement) {
                Ok((instant, until)) => {
                    signed_in = signed_in.or(Some(instant));
                    end = end.into_iter().chain(until).min();
                }
                Err(error) => {
                    self.fail(SamlError::Session(error));
                    return None;
                }
            }
        }
        let Some(instant) = signed_in else {
            self.fail(SamlError::Session(SessionError::NoStatement));
            return None;
        };
        self.checks.pass(CheckId::Session, "", format!("signed in at {instant}"));
        Some((instant, end))
    }

    fn check_statement(
        &self,
        statement: &AuthnStatement,
    ) -> Result<(Timestamp, Option<Timestamp>), SessionError> {
        let instant = statement.instant.as_deref().unwrap_or("(nothing)");
        let instant = self.past_instant("AuthnInstant", instant).map_err(SessionError::Instant)?;
        let end = statement.session_not_on_or_after.as_deref();
        let end = end.map(|end| self.future_instant("SessionNotOnOrAfter", end)).transpose();
        match end {
            // Within the skew it is over all the same: what it gives would end before it begins.
            Ok(Some(end)) if end <= self.now => Err(SessionError::Over),
            Ok(end) => Ok((instant, end)),
            Err(TimeError::Late { .. }) => Err(SessionError::Over),
            Err(error) => Err(SessionError::Instant(error)),
        }
    }

    /// Records check 20.
    fn check_subject(&mut self, claims: &Claims) -> Option<Identity> {
        if self.checks.outcome(CheckId::Decryption) == Outcome::Failed {
            // An attribute must not take the place of an identifier that could not be read.
            return None;
        }
        match identify(claims.name_id.as_ref(), &claims.attributes) {
            Ok(subject) => {
                self.checks.pass(CheckId::Subject, "", subject.best().source.as_str());
                Some(subject)
            }
            Err(error) => {
                self.fail(SamlError::Subject(error));
                None
            }
        }
    }

    /// Records check 21. `unused`: the number of encrypted attributes that are not used.
    fn check_attributes(&mut self, email: Option<&str>, claims: &Claims, unused: usize) {
        let missing = CheckId::Attributes.info().expected;
        let received: Vec<String> =
            claims.attributes.iter().take(64).map(Attribute::short_name).collect();
        if unused > 0 && (email.is_some() || !self.expect.require_email) {
            let expected = "attributes in plain, or the whole assertion encrypted";
            let received = format!("{unused} encrypted attributes that are not used");
            self.checks.warn(CheckId::Attributes, expected, received);
        } else if email.is_some() {
            self.checks.pass(CheckId::Attributes, missing, received.join(", "));
        } else if self.expect.require_email {
            self.fail(SamlError::Attributes { missing, received });
        } else {
            self.checks.warn(CheckId::Attributes, missing, received.join(", "));
        }
    }

    /// Parses an instant that must not be in the future.
    fn past_instant(&self, what: &'static str, received: &str) -> Result<Timestamp, TimeError> {
        let instant = parse(what, received)?;
        if self.expect.clock_skew.is_reached(instant, self.now) {
            return Ok(instant);
        }
        Err(TimeError::Early { what, seconds: instant.as_second() - self.now.as_second() })
    }

    /// Parses an instant that must not have passed.
    fn future_instant(&self, what: &'static str, received: &str) -> Result<Timestamp, TimeError> {
        let instant = parse(what, received)?;
        if self.expect.clock_skew.is_over(instant, self.now) {
            let seconds = self.now.as_second() - instant.as_second();
            return Err(TimeError::Late { what, seconds });
        }
        Ok(instant)
    }
}

fn parse(what: &'static str, received: &str) -> Result<Timestamp, TimeError> {
    parse_instant(received)
        .ok_or_else(|| TimeError::Malformed { what, received: truncate(received, 64) })
}

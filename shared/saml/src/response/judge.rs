//! Judges claims that are signed: version, issuer, confirmation, times, audience, session, subject.
//!
//! Invariant (*all checks*): each check notes its outcome and the next one runs; only a foreign
//! issuer ends the run, so that nothing of somebody else's assertion gets into our records.

use jiff::{SignedDuration, Timestamp};

use super::Assertion;
use super::run::Run;
use crate::assertion::{Attribute, AuthnStatement, Bearer, Claims, Conditions};
use crate::attributes;
use crate::checks::CheckId;
use crate::error::{
    InResponseToError, RecipientError, SamlError, SessionError, SubjectError, TimeError,
};
use crate::time::parse_instant;
use crate::xml::clipped;

/// A bearer confirmation, judged.
struct Confirmation {
    faults: Vec<SamlError>,
    in_response_to: Option<String>,
    not_on_or_after: Option<Timestamp>,
}

impl Run<'_> {
    pub(super) fn judge(
        &mut self,
        claims: Claims,
        response_in_response_to: Option<&str>,
        xml: String,
    ) -> Result<Option<Assertion>, SamlError> {
        if claims.issuer != self.expect.idp_entity_id {
            return Err(self.foreign_issuer(&claims.issuer));
        }
        self.issuer(claims.issuer.clone());
        self.version(&claims.version);
        self.not_in_future("Assertion IssueInstant", &claims.issue_instant);
        let confirmation = self.confirmation(&claims.bearers, response_in_response_to);
        self.conditions(claims.conditions.as_ref());
        self.authn_context(&claims.statements);
        let session = self.session(&claims.statements);
        let subject = self.subject(&claims);
        let profile = attributes::profile(claims.name_id.as_ref(), &claims.attributes);
        self.attributes(profile.email.as_deref(), &claims);

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
            subject,
            profile,
            session_index,
            authn_instant,
            session_not_on_or_after: session_end,
            authn_context,
            attributes: claims.attributes,
            xml,
        }))
    }

    pub(super) fn version(&mut self, received: &str) {
        if received == "2.0" {
            self.checks.pass(CheckId::Version, "2.0", received);
        } else {
            self.fail(SamlError::Version { received: clipped(received, 32) });
        }
    }

    pub(super) fn issuer(&mut self, received: String) {
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
            received: clipped(received, 512),
        }
    }

    pub(super) fn not_in_future(&mut self, what: &'static str, received: &str) {
        if let Err(fault) = self.reached(what, received) {
            self.fail(SamlError::Time(fault));
        }
    }

    /// The bearer confirmation that holds. Notes checks 13, 14 and 16; when none holds, the
    /// faults of the one that comes nearest.
    fn confirmation(
        &mut self,
        bearers: &[Bearer],
        response_in_response_to: Option<&str>,
    ) -> Option<(Option<String>, Timestamp)> {
        let judged = bearers.iter().map(|bearer| self.bearer(bearer, response_in_response_to));
        let judged: Vec<Confirmation> = judged.collect();
        // Whichever of several is presented later must find the assertion used.
        let latest = judged.iter().filter_map(|confirmation| confirmation.not_on_or_after).max();
        let Some(best) = judged.into_iter().min_by_key(|confirmation| confirmation.faults.len())
        else {
            self.fail(self.recipient(RecipientError::NoBearer));
            return None;
        };
        let holds = best.faults.is_empty();
        for fault in best.faults {
            self.fail(fault);
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

    fn bearer(&self, bearer: &Bearer, response_in_response_to: Option<&str>) -> Confirmation {
        const WHAT: &str = "SubjectConfirmationData NotOnOrAfter";
        let mut faults = Vec::new();
        if bearer.recipient.as_deref() != Some(self.expect.acs_url) {
            let received = bearer.recipient.as_deref().map(|received| clipped(received, 512));
            faults.push(self.recipient(RecipientError::Other(received)));
        }
        if bearer.not_before {
            faults.push(self.recipient(RecipientError::NotBefore));
        }
        let mut not_on_or_after = None;
        match bearer.not_on_or_after.as_deref() {
            None => faults.push(self.recipient(RecipientError::Endless)),
            Some(end) => match self.not_over(WHAT, end) {
                Ok(end) => not_on_or_after = Some(end),
                Err(fault) => faults.push(SamlError::Time(fault)),
            },
        }
        let in_response_to = bearer.in_response_to.as_deref();
        if let Err(fault) = self.in_response_to(in_response_to, response_in_response_to) {
            faults.push(SamlError::InResponseTo(fault));
        }
        Confirmation { faults, in_response_to: in_response_to.map(str::to_owned), not_on_or_after }
    }

    fn recipient(&self, reason: RecipientError) -> SamlError {
        SamlError::Recipient { expected: self.expect.acs_url.to_owned(), reason }
    }

    /// What answers a request is held to it, whether or not unsolicited responses are accepted:
    /// otherwise a response stolen on its way to one browser could be used in another.
    fn in_response_to(
        &self,
        assertion: Option<&str>,
        response: Option<&str>,
    ) -> Result<(), InResponseToError> {
        if response.is_some() && response != assertion {
            return Err(InResponseToError::Contradiction);
        }
        match assertion {
            Some(id) if self.expect.open_requests.contains(&id) => Ok(()),
            Some(id) => Err(InResponseToError::Unknown(clipped(id, 128))),
            None if self.expect.allow_idp_initiated => Ok(()),
            None => Err(InResponseToError::Unsolicited),
        }
    }

    /// Notes checks 14 and 15.
    fn conditions(&mut self, conditions: Option<&Conditions>) {
        let expected = self.expect.sp_entity_id;
        let audiences = conditions.map(|conditions| conditions.audiences.as_slice());
        let audiences = audiences.unwrap_or_default();
        let names_us = |names: &Vec<String>| names.iter().any(|name| name == expected);
        if !audiences.is_empty() && audiences.iter().all(names_us) {
            self.checks.pass(CheckId::Audience, expected, expected);
        } else {
            let received = audiences.iter().flatten().take(8).map(|name| clipped(name, 256));
            let received = received.collect();
            self.fail(SamlError::Audience { expected: expected.to_owned(), received });
        }
        let Some(conditions) = conditions else { return };
        let start = conditions.not_before.as_deref();
        let start = start.map(|start| self.reached("Conditions NotBefore", start));
        let end = conditions.not_on_or_after.as_deref();
        let end = end.map(|end| self.not_over("Conditions NotOnOrAfter", end));
        if let (Some(Ok(start)), Some(Ok(end))) = (&start, &end)
            && start >= end
        {
            self.fail(SamlError::Time(TimeError::Never));
        }
        for fault in [start, end].into_iter().flatten().filter_map(Result::err) {
            self.fail(SamlError::Time(fault));
        }
    }

    /// Notes check 18.
    fn authn_context(&mut self, statements: &[AuthnStatement]) {
        let accepted = self.expect.authn_contexts;
        let contexts = || statements.iter().filter_map(|statement| statement.context.as_deref());
        let received = clipped(contexts().next().unwrap_or("(nothing)"), 256);
        if accepted.is_empty() || contexts().any(|context| accepted.contains(&context)) {
            self.checks.pass(CheckId::AuthnContext, accepted.join(", "), received);
        } else {
            let expected = accepted.iter().map(|&context| context.to_owned()).collect();
            self.fail(SamlError::AuthnContext { expected, received });
        }
    }

    /// When the person signed in at the provider, and when that session ends. Notes check 19.
    fn session(&mut self, statements: &[AuthnStatement]) -> Option<(Timestamp, Option<Timestamp>)> {
        let mut end: Option<Timestamp> = None;
        let mut signed_in: Option<Timestamp> = None;
        for statement in statements {
            match self.statement(statement) {
                Ok((instant, until)) => {
                    signed_in = signed_in.or(Some(instant));
                    end = end.into_iter().chain(until).min();
                }
                Err(fault) => {
                    self.fail(SamlError::Session(fault));
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

    fn statement(
        &self,
        statement: &AuthnStatement,
    ) -> Result<(Timestamp, Option<Timestamp>), SessionError> {
        let instant = statement.instant.as_deref().unwrap_or("(nothing)");
        let instant = self.reached("AuthnInstant", instant).map_err(SessionError::Instant)?;
        let end = statement.session_not_on_or_after.as_deref();
        let end = end.map(|end| self.not_over("SessionNotOnOrAfter", end)).transpose();
        match end {
            Ok(end) => Ok((instant, end)),
            Err(TimeError::Late { .. }) => Err(SessionError::Over),
            Err(fault) => Err(SessionError::Instant(fault)),
        }
    }

    /// Notes check 20.
    fn subject(&mut self, claims: &Claims) -> Option<attributes::SubjectId> {
        let subject = if claims.encrypted_id {
            Err(SubjectError::Encrypted)
        } else {
            attributes::subject(claims.name_id.as_ref(), &claims.attributes)
        };
        match subject {
            Ok(subject) => {
                self.checks.pass(CheckId::Subject, "", subject.source.as_str());
                Some(subject)
            }
            Err(fault) => {
                self.fail(SamlError::Subject(fault));
                None
            }
        }
    }

    /// Notes check 21.
    fn attributes(&mut self, email: Option<&str>, claims: &Claims) {
        const MISSING: &str = "e-mail address";
        let received: Vec<String> =
            claims.attributes.iter().take(64).map(Attribute::listed).collect();
        if email.is_some() {
            self.checks.pass(CheckId::Attributes, MISSING, received.join(", "));
        } else if self.expect.require_email {
            self.fail(SamlError::Attributes { missing: MISSING, received });
        } else {
            self.checks.warn(CheckId::Attributes, MISSING, received.join(", "));
        }
    }

    fn reached(&self, what: &'static str, received: &str) -> Result<Timestamp, TimeError> {
        let instant = instant(what, received)?;
        if self.expect.clock_skew.reached(instant, self.now) {
            return Ok(instant);
        }
        Err(TimeError::Early { what, seconds: instant.as_second() - self.now.as_second() })
    }

    fn not_over(&self, what: &'static str, received: &str) -> Result<Timestamp, TimeError> {
        let instant = instant(what, received)?;
        if self.expect.clock_skew.over(instant, self.now) {
            let seconds = self.now.as_second() - instant.as_second();
            return Err(TimeError::Late { what, seconds });
        }
        Ok(instant)
    }
}

fn instant(what: &'static str, received: &str) -> Result<Timestamp, TimeError> {
    parse_instant(received)
        .ok_or_else(|| TimeError::Malformed { what, received: clipped(received, 64) })
}

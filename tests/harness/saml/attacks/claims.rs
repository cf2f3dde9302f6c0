//! Responses signed by the right provider whose claims do not allow a sign-in here and now.

use saml::response::SignedPart;

use super::Corpus;
use crate::saml::draft::{Draft, at, authn, bearer, claim, conditions, status};
use crate::saml::signing::Signing;
use crate::saml::world::{ACS, REQUEST, SP, Settings};

pub(super) fn add(corpus: &mut Corpus) {
    times(corpus);
    requests(corpus);
    statuses(corpus);
    versions_and_conditions(corpus);
    sessions(corpus);
    subjects(corpus);
    policies(corpus);
}

pub(super) fn base() -> Draft {
    Draft::default()
}

pub(super) fn signed_response() -> Draft {
    Draft { sign_assertion: None, sign_response: Some(Signing::default()), ..base() }
}

fn times(corpus: &mut Corpus) {
    let mut add = |what: &str, draft: Draft, because| {
        corpus.add(what, draft.response(), "saml.time", because);
    };
    let within = |start: Option<&str>, end: Option<&str>| Draft {
        conditions: conditions(start, end, &[&[SP]]),
        ..base()
    };
    add("over for 180 s", within(None, Some(&at(-180))), "NotOnOrAfter passed");
    add("over for a year", within(None, Some(&at(-31_536_000))), "NotOnOrAfter passed");
    add("not valid for another 181 s", within(Some(&at(181)), None), "NotBefore is 181 s ahead");
    add("not valid for another year", within(Some(&at(31_536_000)), None), "ahead of our clock");
    add("ends before it begins", within(Some(&at(60)), Some(&at(30))), "NotBefore is not before");
    let confirmed = |end: &str| Draft {
        confirmations: bearer(Some(ACS), Some(end), Some(REQUEST), ""),
        ..base()
    };
    add(
        "confirmation over for 180 s",
        confirmed(&at(-180)),
        "SubjectConfirmationData NotOnOrAfter passed",
    );
    add(
        "confirmation over for a day",
        confirmed(&at(-86_400)),
        "SubjectConfirmationData NotOnOrAfter passed",
    );
    add("issued in the future", Draft { issued: at(181), ..base() }, "IssueInstant is 181 s ahead");
    for odd in [
        "",
        "now",
        "2026-11-21",
        "2026-11-21T12:00:00",
        "2026-11-21T12:04:58",
        "1763719200",
        "262142-01-01T00:00:00Z",
        "9999999999-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T12:00:61Z",
        "2026-11-21T12:00:00.Z",
        "2026-11-21T12:00:00+99:99",
        "1970-01-01T00:00:00Z",
        "2300-01-01T00:00:00Z",
    ] {
        add(&format!("NotOnOrAfter=\"{odd}\""), within(None, Some(odd)), "not an instant");
        add(&format!("confirmation NotOnOrAfter=\"{odd}\""), confirmed(odd), "not an instant");
    }
    add(
        "malformed IssueInstant",
        Draft { issued: "yesterday".to_owned(), ..base() },
        "not an instant",
    );
}

fn requests(corpus: &mut Corpus) {
    let answering = |assertion: Option<&str>, response: Option<&str>| Draft {
        confirmations: bearer(Some(ACS), Some(&at(298)), assertion, ""),
        in_response_to: response.map(str::to_owned),
        ..base()
    };
    let mut add = |settings: Settings, what: &str, draft: Draft, because| {
        corpus.under(settings, what, draft.response(), "saml.inresponseto", because);
    };
    let initiated = || Settings { idp_initiated: true, ..Settings::default() };
    let closed = || Settings { request_open: false, ..Settings::default() };
    add(
        Settings::default(),
        "answers no request",
        answering(None, None),
        "provider-initiated sign-in is off",
    );
    add(
        Settings::default(),
        "answers another request",
        answering(Some("_other"), Some("_other")),
        "is not open",
    );
    add(closed(), "answers a request of another browser", base(), "is not open");
    add(
        Settings { request_open: false, idp_initiated: true, ..Settings::default() },
        "stolen answer where provider-initiated is on",
        base(),
        "is not open",
    );
    add(
        initiated(),
        "made-up request where provider-initiated is on",
        answering(Some("_dummy"), Some("_dummy")),
        "is not open",
    );
    add(
        Settings::default(),
        "response and assertion differ",
        answering(Some(REQUEST), Some("_other")),
        "different requests",
    );
    add(
        Settings::default(),
        "only the response answers",
        answering(None, Some(REQUEST)),
        "different requests",
    );
    add(
        initiated(),
        "only the response answers, provider-initiated on",
        answering(None, Some(REQUEST)),
        "different requests",
    );
    add(Settings::default(), "an empty request", answering(Some(""), Some("")), "is not open");
    add(
        initiated(),
        "an empty request, provider-initiated on",
        answering(Some(""), None),
        "is not open",
    );
    add(
        Settings::default(),
        "a request in upper case",
        answering(Some(&REQUEST.to_uppercase()), None),
        "is not open",
    );
}

fn statuses(corpus: &mut Corpus) {
    for code in ["Requester", "Responder", "VersionMismatch", "success", "AuthnFailed", ""] {
        let code = format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
        for draft in [base(), signed_response()] {
            let is_signed = draft.sign_response.is_some();
            let which = if is_signed { "response" } else { "assertion" };
            // Of an unsigned status, only the codes of SAML are quoted.
            let is_known = is_signed || !(code.ends_with("success") || code.ends_with(':'));
            let because = if is_known { "answered urn" } else { "answered (a code that SAML" };
            let draft = Draft { status: status(&code), ..draft };
            corpus.add(
                format!("status {code} with a signed {which}"),
                draft.response(),
                "saml.status",
                because,
            );
        }
    }
    let nested = "<P:Status><P:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><P:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></P:StatusCode><P:StatusMessage>AADSTS50105: not assigned</P:StatusMessage></P:Status>";
    // The message of a signed response is quoted, and of an unsigned one its codes alone.
    corpus.add(
        "success below a failure in a signed response",
        Draft { status: nested.to_owned(), ..signed_response() }.response(),
        "saml.status",
        "status:Success: AADSTS50105: not assigned",
    );
    corpus.add(
        "success below a failure",
        Draft { status: nested.to_owned(), ..base() }.response(),
        "saml.status",
        "status:Responder / urn:oasis:names:tc:SAML:2.0:status:Success",
    );
    let error =
        Draft { status: nested.to_owned(), destination: None, sign_assertion: None, ..base() };
    corpus.add(
        "Entra's error without an assertion",
        error.around(""),
        "saml.status",
        "status:Responder / urn:oasis:names:tc:SAML:2.0:status:Success",
    );
    let none = Draft { status: String::new(), ..base() };
    corpus.add("no status", none.response(), "saml.xml", "Status is missing");
    let empty = Draft { status: "<P:Status/>".to_owned(), ..base() };
    corpus.add("no status code", empty.response(), "saml.xml", "StatusCode is missing");
    let valueless = Draft { status: "<P:Status><P:StatusCode/></P:Status>".to_owned(), ..base() };
    corpus.add("status code without a value", valueless.response(), "saml.status", "answered");
    let twice = Draft { status: base().status.repeat(2), ..base() };
    corpus.add("two statuses", twice.response(), "saml.xml", "more than once");
    let codes = status("urn:oasis:names:tc:SAML:2.0:status:Success").replace(
        "<P:StatusCode ",
        "<P:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"/><P:StatusCode ",
    );
    corpus.add(
        "two status codes",
        Draft { status: codes, ..base() }.response(),
        "saml.xml",
        "more than once",
    );
    corpus.add(
        "success without an assertion",
        base().around(""),
        "saml.xml",
        "Assertion is missing",
    );
}

fn versions_and_conditions(corpus: &mut Corpus) {
    for versions in [("1.1", "2.0"), ("2.0", "1.1"), ("2.1", "2.0"), ("", "2.0"), ("2.0", "2")] {
        let draft = Draft { versions, ..base() };
        corpus.add(format!("versions {versions:?}"), draft.response(), "saml.version", "not 2.0");
    }
    let condition = |inside: &str| {
        let conditions = conditions(Some(&at(-5)), Some(&at(300)), &[&[SP]]);
        Draft {
            conditions: conditions.replace("</A:Conditions>", &format!("{inside}</A:Conditions>")),
            ..base()
        }
    };
    for unknown in [
        "<A:Condition/>",
        "<A:OnlyOnTuesdays/>",
        "<x:Condition xmlns:x=\"urn:evil\"/>",
        "<x:OneTimeUse xmlns:x=\"urn:evil\"/>",
    ] {
        corpus.add(
            format!("unknown condition: {unknown}"),
            condition(unknown).response(),
            "saml.xml",
            "is not allowed here",
        );
    }
    let twice = Draft { conditions: base().conditions.repeat(2), ..base() };
    corpus.add("two Conditions", twice.response(), "saml.xml", "more than once");
}

fn sessions(corpus: &mut Corpus) {
    let mut add = |what: &str, authn: String, because| {
        corpus.add(what, Draft { authn, ..base() }.response(), "saml.session", because);
    };
    add("no authentication statement", String::new(), "no AuthnStatement");
    add("session over for 180 s", authn(&at(-10), Some(&at(-180))), "is over");
    add("malformed session end", authn(&at(-10), Some("never")), "not an instant");
    add("signed in tomorrow", authn(&at(86_400), None), "ahead of our clock");
    add("empty AuthnInstant", authn("", None), "not an instant");
    add("no AuthnInstant", authn("x", None).replace(" AuthnInstant=\"x\"", ""), "(nothing)");
    add(
        "one of two sessions over",
        authn(&at(-10), None) + &authn(&at(-10), Some(&at(-500))),
        "is over",
    );
}

fn subjects(corpus: &mut Corpus) {
    let mut add = |what: &str, name_id: String, because| {
        corpus.add(what, Draft { name_id, ..base() }.response(), "saml.subject", because);
    };
    add("no NameID", String::new(), "no NameID");
    add("an empty NameID", "<A:NameID/>".to_owned(), "is empty");
    add("a blank NameID", "<A:NameID> \n\t </A:NameID>".to_owned(), "is empty");
    add(
        "a NameID of 1,025 characters",
        format!("<A:NameID>{}</A:NameID>", "x".repeat(1025)),
        "longer than 1024",
    );
    let mut odd =
        |what: &str, draft: Draft, because| corpus.add(what, draft.response(), "saml.xml", because);
    odd("two NameIDs", Draft { name_id: base().name_id.repeat(2), ..base() }, "more than once");
    odd(
        "a NameID of another namespace",
        Draft { name_id: "<e:NameID xmlns:e=\"urn:evil\">eve</e:NameID>".to_owned(), ..base() },
        "is not allowed here",
    );
    odd(
        "another NameID beside the good one",
        Draft {
            name_id: format!("<e:NameID xmlns:e=\"urn:evil\">eve</e:NameID>{}", base().name_id),
            ..base()
        },
        "is not allowed here",
    );
    odd(
        "markup in the NameID",
        Draft {
            name_id: "<A:NameID>ada@acme.com<x/>.evil.example</A:NameID>".to_owned(),
            ..base()
        },
        "only text",
    );
    odd(
        "an attribute without a name",
        Draft {
            assertion_extra: "<A:AttributeStatement><A:Attribute/></A:AttributeStatement>"
                .to_owned(),
            ..base()
        },
        "Attribute Name is missing",
    );
    odd("attribute value of another namespace", Draft { assertion_extra: "<A:AttributeStatement><A:Attribute Name=\"email\"><e:AttributeValue xmlns:e=\"urn:evil\">eve</e:AttributeValue></A:Attribute></A:AttributeStatement>".to_owned(), ..base() }, "is not allowed here");
    odd(
        "two subjects",
        Draft {
            assertion_extra: "<A:Subject><A:NameID>eve</A:NameID></A:Subject>".to_owned(),
            ..base()
        },
        "more than once",
    );
    odd(
        "two issuers in the assertion",
        Draft { assertion_extra: "<A:Issuer>x</A:Issuer>".to_owned(), ..base() },
        "more than once",
    );
    let transient = Draft {
        name_id:
            "<A:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">t</A:NameID>"
                .to_owned(),
        claims: vec![claim("x", &["y"])],
        ..base()
    };
    corpus.add("only a transient NameID", transient.response(), "saml.subject", "transient");
}

fn policies(corpus: &mut Corpus) {
    let requiring = |signed| Settings { signed, ..Settings::default() };
    corpus.under(
        requiring(SignedPart::Response),
        "only the assertion signed",
        base().response(),
        "saml.sig.present",
        "the response must be",
    );
    corpus.under(
        requiring(SignedPart::Assertion),
        "only the response signed",
        signed_response().response(),
        "saml.sig.present",
        "the assertion must be",
    );
    corpus.under(
        requiring(SignedPart::Both),
        "only one of two signed",
        base().response(),
        "saml.sig.present",
        "and the assertion must be",
    );
    corpus.add(
        "nothing signed",
        Draft { sign_assertion: None, ..base() }.response(),
        "saml.sig.present",
        "must be",
    );
    let strong = Settings { contexts: &["https://refeds.org/profile/mfa"], ..Settings::default() };
    corpus.under(
        strong.clone(),
        "a password where another context is required",
        base().response(),
        "saml.authncontext",
        "refeds",
    );
    let none =
        Draft { authn: authn(&at(-10), None).replace("PasswordProtectedTransport", ""), ..base() };
    corpus.under(
        strong,
        "an empty context where one is required",
        none.response(),
        "saml.authncontext",
        "refeds",
    );
    let anonymous = Draft {
        name_id: "<A:NameID>7</A:NameID>".to_owned(),
        claims: vec![claim("email", &["not an address"])],
        ..base()
    };
    corpus.under(
        Settings { require_email: true, ..Settings::default() },
        "no e-mail address where one is required",
        anonymous.response(),
        "saml.attributes",
        "e-mail address",
    );
}

//! Responses signed by the right provider, but with another audience, recipient, destination or
//! issuer.

use super::Corpus;
use super::claims::{base, signed_response};
use crate::saml::draft::{Draft, at, bearer, conditions};
use crate::saml::world::{ACS, REQUEST, SP};

pub(super) fn add(corpus: &mut Corpus) {
    audiences(corpus);
    recipients(corpus);
    destinations(corpus);
    issuers(corpus);
}

fn audiences(corpus: &mut Corpus) {
    let mut add = |what: &str, audiences: &[&[&str]], because| {
        let draft =
            Draft { conditions: conditions(Some(&at(-5)), Some(&at(300)), audiences), ..base() };
        corpus.add(what, draft.response(), "saml.audience", because);
    };
    add("for another app", &[&["https://other.example"]], "https://other.example");
    add("for us with a slash", &[&["https://sp.example/saml/metadata/acme.com/"]], "acme.com/");
    add("for us by http", &[&["http://sp.example/saml/metadata/acme.com"]], "http://");
    add("for us in upper case", &[&["HTTPS://SP.EXAMPLE/saml/metadata/acme.com"]], "HTTPS");
    add(
        "for a tenant with a longer name",
        &[&["https://sp.example/saml/metadata/acme.com.evil.example"]],
        "evil",
    );
    add(
        "for a tenant with a shorter name",
        &[&["https://sp.example/saml/metadata/acme"]],
        "audience",
    );
    add(
        "for us, with a second restriction to another app",
        &[&[SP], &["https://other.example"]],
        "other",
    );
    add("restricted to another app first", &[&["https://other.example"], &[SP]], "other");
    add("an empty restriction", &[&[]], "audience");
    add("an empty audience", &[&[""]], "audience");
    add("no restriction", &[], "audience");
    let none = Draft { conditions: String::new(), ..base() };
    corpus.add("no conditions", none.response(), "saml.audience", "audience");
    let extra =
        conditions(None, Some(&at(300)), &[&[SP]]).replace("</A:Audience>", "</A:Audience><x/>");
    let foreign = Draft {
        conditions: extra
            .replace("<A:Audience>", "<e:Audience xmlns:e=\"urn:evil\">")
            .replace("</A:Audience>", "</e:Audience>"),
        ..base()
    };
    corpus.add(
        "an audience of another namespace",
        foreign.response(),
        "saml.xml",
        "is not allowed here",
    );
}

fn recipients(corpus: &mut Corpus) {
    let mut add = |what: &str, confirmations: String, because| {
        corpus.add(what, Draft { confirmations, ..base() }.response(), "saml.recipient", because);
    };
    let end = at(298);
    let to = |recipient| bearer(recipient, Some(&end), Some(REQUEST), "");
    for other in [
        "https://other.example/acs",
        "https://sp.example/saml/sso/acme.com/",
        "https://sp.example/saml/sso/acme.com/federated",
        "https://sp.example/saml/sso/other.com",
        "http://sp.example/saml/sso/acme.com",
        "https://sp.example/saml/sso/acme.com?x",
        "https://sp.example/saml/sso/acme.comx",
        "https://sp.example/saml/sso/ACME.com",
        "https://sp.example/ saml/sso/acme.com",
        "\u{a0}https://sp.example/saml/sso/acme.com",
        "",
    ] {
        add(&format!("recipient \"{other}\""), to(Some(other)), "the recipient is");
    }
    add("no recipient", to(None), "(nothing)");
    add("no confirmation", String::new(), "no confirmation has the bearer method");
    add(
        "confirmation without an end",
        bearer(Some(ACS), None, Some(REQUEST), ""),
        "no NotOnOrAfter",
    );
    add(
        "confirmation with a beginning",
        bearer(Some(ACS), Some(&end), Some(REQUEST), &format!(" NotBefore=\"{}\"", at(-60))),
        "has a NotBefore",
    );
    for method in ["holder-of-key", "sender-vouches", "Bearer", ""] {
        add(
            &format!("confirmation method {method}"),
            to(Some(ACS)).replace("cm:bearer", &format!("cm:{method}")),
            "bearer method",
        );
    }
    add(
        "bearer without data",
        "<A:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/>".to_owned(),
        "(nothing)",
    );
    let twice = to(Some(ACS)).replace(
        "<A:SubjectConfirmationData ",
        "<A:SubjectConfirmationData/><A:SubjectConfirmationData ",
    );
    corpus.add(
        "two data in one confirmation",
        Draft { confirmations: twice, ..base() }.response(),
        "saml.xml",
        "more than once",
    );
}

fn destinations(corpus: &mut Corpus) {
    for other in [
        "https://other.example/acs",
        "https://sp.example/saml/sso/acme.com/",
        "https://sp.example/saml/sso/other.com",
        "http://sp.example/saml/sso/acme.com",
        "https://sp.example/saml/sso/acme.com/../x",
        "https://SP.example/saml/sso/acme.com",
        "",
    ] {
        for draft in [base(), signed_response()] {
            let which = if draft.sign_response.is_some() { "signed" } else { "unsigned" };
            let draft = Draft { destination: Some(other.to_owned()), ..draft };
            corpus.add(
                format!("destination \"{other}\", response {which}"),
                draft.response(),
                "saml.dest",
                "the destination is",
            );
        }
    }
    let none = Draft { destination: None, ..signed_response() };
    corpus.add("signed response without a destination", none.response(), "saml.dest", "(nothing)");
}

fn issuers(corpus: &mut Corpus) {
    for other in [
        "https://evil.example/saml",
        "https://idp.example/saml/",
        "https://idp.example/SAML",
        "http://idp.example/saml",
        "https://idp.example/ saml",
        "\u{a0}https://idp.example/saml",
        "",
    ] {
        let assertion = Draft { issuer: other.to_owned(), ..base() };
        corpus.add(
            format!("assertion issued by \"{other}\""),
            assertion.response(),
            "saml.issuer",
            "the issuer is",
        );
        let response = Draft { response_issuer: Some(other.to_owned()), ..signed_response() };
        corpus.add(
            format!("response issued by \"{other}\""),
            response.response(),
            "saml.issuer",
            "the issuer is",
        );
    }
    let missing = Draft { issuer: String::new(), ..base() };
    corpus.add("an empty issuer", missing.response(), "saml.issuer", "the issuer is");
}

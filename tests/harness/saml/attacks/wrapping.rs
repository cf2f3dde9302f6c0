//! Signature wrapping (XSW): a second element where another reader would look.

use super::{Corpus, cut, evil, replaced};
use crate::saml::draft::Draft;
use crate::saml::signing::Signing;

const MISPLACED: &str = "is not allowed here";
const TWICE: &str = "occurs twice";
const MORE: &str = "more than once";

pub(super) fn add(corpus: &mut Corpus) {
    classic_on_response(corpus);
    classic_on_assertion(corpus);
    everywhere(corpus);
    moved_signatures(corpus);
    second_signatures(corpus);
    swapped_parts(corpus);
}

fn response_signed() -> Draft {
    Draft { sign_assertion: None, sign_response: Some(Signing::default()), ..Draft::default() }
}

/// XSW 1 and 2, and their later forms.
fn classic_on_response(corpus: &mut Corpus) {
    let original = response_signed().response();
    let (signature, bare) = cut(&original, "<ds:Signature ", "</ds:Signature>");
    let evil = evil();
    let around = |inside: &str, id: &str| {
        let outer = Draft { sign_assertion: None, response_id: id.to_owned(), ..evil.clone() };
        replaced(&outer.response(), "</saml:Issuer>", &format!("</saml:Issuer>{inside}"))
    };
    let same = &response_signed().response_id;
    for (id, label) in [("_evil", "another ID"), (same.as_str(), "the same ID")] {
        let object = replaced(
            &signature,
            "</ds:Signature>",
            &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"),
        );
        corpus.add(
            format!("XSW1: response in the signature's Object, {label}"),
            around(&object, id),
            "saml.xml",
            MISPLACED,
        );
        corpus.add(
            format!("XSW2: response beside a detached signature, {label}"),
            around(&format!("{bare}{signature}"), id),
            "saml.xml",
            MISPLACED,
        );
        corpus.add(
            format!("XSW2: signature before the response, {label}"),
            around(&format!("{signature}{bare}"), id),
            "saml.xml",
            MISPLACED,
        );
        let key_info = replaced(
            &signature,
            "</ds:Signature>",
            &format!("<ds:KeyInfo>{bare}</ds:KeyInfo></ds:Signature>"),
        );
        corpus.add(
            format!("response in KeyInfo, {label}"),
            around(&key_info, id),
            "saml.xml",
            MISPLACED,
        );
        let extensions = format!("{signature}<samlp:Extensions>{bare}</samlp:Extensions>");
        corpus.add(
            format!("response in Extensions, {label}"),
            around(&extensions, id),
            "saml.xml",
            MISPLACED,
        );
    }
    let nested = replaced(
        &evil.around(&evil.plain_assertion()),
        "</samlp:Status>",
        &format!("<samlp:StatusDetail>{original}</samlp:StatusDetail></samlp:Status>"),
    );
    corpus.add("signed response in StatusDetail", nested, "saml.xml", MISPLACED);
    let renamed = original.replace("samlp:Response", "samlp:LogoutResponse");
    corpus.add("signed element under another name", renamed, "saml.xml", "the root is");
    let as_child = format!(
        "<samlp:ArtifactResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">{original}</samlp:ArtifactResponse>"
    );
    corpus.add("signed response inside another message", as_child, "saml.xml", "the root is");
}

/// XSW 3 to 8, and their later forms.
fn classic_on_assertion(corpus: &mut Corpus) {
    let draft = Draft::default();
    let good = draft.assertion();
    let (signature, bare) = cut(&good, "<ds:Signature ", "</ds:Signature>");
    let other = evil();
    let same = Draft { assertion_id: draft.assertion_id.clone(), ..evil() };
    for (bad, label) in [(&other, "another ID"), (&same, "the same ID")] {
        let plain = bad.plain_assertion();
        // Two assertions with the same ID fail for the ID, otherwise for their number.
        let (count, place) =
            if label == "the same ID" { (TWICE, TWICE) } else { (MORE, MISPLACED) };
        corpus.add(
            format!("XSW3: evil assertion first, {label}"),
            draft.around(&format!("{plain}{good}")),
            "saml.xml",
            count,
        );
        corpus.add(
            format!("XSW3: evil assertion last, {label}"),
            draft.around(&format!("{good}{plain}")),
            "saml.xml",
            count,
        );
        let wrapped = replaced(&plain, "</saml:Assertion>", &format!("{good}</saml:Assertion>"));
        corpus.add(
            format!("XSW4: signed assertion inside the evil one, {label}"),
            draft.around(&wrapped),
            "saml.xml",
            MISPLACED,
        );
        let with = |signature: &str| {
            replaced(&plain, "</saml:Issuer>", &format!("</saml:Issuer>{signature}"))
        };
        corpus.add(
            format!("XSW5: signature moved into the evil assertion, {label}"),
            draft.around(&format!("{}{bare}", with(&signature))),
            "saml.xml",
            count,
        );
        let carrying = replaced(&signature, "</ds:Signature>", &format!("{bare}</ds:Signature>"));
        corpus.add(
            format!("XSW6: original inside the signature, {label}"),
            draft.around(&with(&carrying)),
            "saml.xml",
            MISPLACED,
        );
        let extended = replaced(
            &draft.around(&good),
            "<samlp:Status>",
            &format!("<samlp:Extensions>{plain}</samlp:Extensions><samlp:Status>"),
        );
        corpus.add(
            format!("XSW7: evil assertion in Extensions, {label}"),
            extended,
            "saml.xml",
            MISPLACED,
        );
        let object = replaced(
            &signature,
            "</ds:Signature>",
            &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"),
        );
        corpus.add(
            format!("XSW8: original in the signature's Object, {label}"),
            draft.around(&with(&object)),
            "saml.xml",
            MISPLACED,
        );
        let advice = replaced(
            &plain,
            "</saml:Conditions>",
            &format!("</saml:Conditions><saml:Advice>{good}</saml:Advice>"),
        );
        corpus.add(
            format!("signed assertion in Advice, {label}"),
            draft.around(&advice),
            "saml.xml",
            MISPLACED,
        );
        corpus.add(
            format!("evil assertion with the signature alone, {label}"),
            draft.around(&with(&signature)),
            "saml.sig.ref",
            if place == TWICE { "changed after" } else { "not the element that holds" },
        );
    }
}

/// An evil assertion in every other place of a document with a signed one.
fn everywhere(corpus: &mut Corpus) {
    let places = [
        "<saml:Issuer>",
        "<samlp:Status>",
        "<samlp:StatusCode ",
        "<saml:Subject>",
        "<saml:NameID ",
        "<saml:SubjectConfirmation ",
        "<saml:SubjectConfirmationData ",
        "<saml:AuthnStatement ",
        "<saml:AuthnContext>",
        "<saml:AttributeStatement>",
        "<saml:Attribute ",
        "<saml:AttributeValue>",
        "<ds:SignedInfo>",
        "<ds:SignatureValue>",
        "<ds:Reference ",
        "<ds:Transforms>",
        "<ds:DigestValue>",
    ];
    let plain = evil().plain_assertion();
    let both = Draft { sign_response: Some(Signing::default()), ..Draft::default() };
    for (draft, label) in [(Draft::default(), "assertion signed"), (both, "both signed")] {
        let good = draft.response();
        for place in places {
            let inside = replaced(&good, place, &format!("{plain}{place}"));
            // As a child of the response it is one assertion too many; elsewhere it is misplaced.
            let because = if place == "<samlp:Status>" { MORE } else { MISPLACED };
            // With a signed response the digest is checked first.
            let (check, because) = match (label, because) {
                ("both signed", MORE) => ("saml.sig.ref", "changed after"),
                _ => ("saml.xml", because),
            };
            corpus.add(format!("evil assertion before {place}, {label}"), inside, check, because);
        }
    }
}

fn moved_signatures(corpus: &mut Corpus) {
    let good = Draft::default().response();
    let (signature, bare) = cut(&good, "<ds:Signature ", "</ds:Signature>");
    for (place, check, because) in [
        ("<samlp:Status>", "saml.sig.ref", "not the element that holds"),
        ("<samlp:StatusCode ", "saml.xml", MISPLACED),
        ("<saml:NameID ", "saml.xml", MISPLACED),
        ("<saml:AudienceRestriction>", "saml.xml", MISPLACED),
        ("<saml:AuthnContext>", "saml.xml", MISPLACED),
        ("<saml:Attribute ", "saml.xml", MISPLACED),
        ("<saml:AttributeValue>", "saml.xml", MISPLACED),
    ] {
        let moved = replaced(&bare, place, &format!("{signature}{place}"));
        corpus.add(format!("signature moved before {place}"), moved, check, because);
    }
    corpus.add("signature removed", bare, "saml.sig.present", "must be");
    let foreign = good.replace(
        "http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo",
        "urn:evil\"><ds:SignedInfo",
    );
    corpus.add("signature in another namespace", foreign, "saml.xml", MISPLACED);
}

fn second_signatures(corpus: &mut Corpus) {
    let draft = Draft::default();
    let good = draft.response();
    let (signature, _) = cut(&good, "<ds:Signature ", "</ds:Signature>");
    let twice = replaced(&good, &signature, &format!("{signature}{signature}"));
    corpus.add("one signature twice", twice, "saml.xml", MORE);
    let attacker =
        Signing::by(|keys| &keys.attacker, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    let forged = Draft { sign_assertion: Some(attacker.clone()), ..evil() }.response();
    let (forged_signature, _) = cut(&forged, "<ds:Signature ", "</ds:Signature>");
    let beside = replaced(&good, &signature, &format!("{signature}{forged_signature}"));
    corpus.add("a second signature by another key", beside, "saml.xml", MORE);
    let outer = Draft { sign_response: Some(attacker.clone()), ..draft.clone() };
    corpus.add(
        "good assertion in a response signed by another key",
        outer.response(),
        "saml.sig.key",
        "no trusted key",
    );
    let inner =
        Draft { sign_assertion: Some(attacker), sign_response: Some(Signing::default()), ..draft };
    corpus.add(
        "assertion signed by another key in a good response",
        inner.response(),
        "saml.sig.key",
        "no trusted key",
    );
}

/// Parts of one good document in another.
fn swapped_parts(corpus: &mut Corpus) {
    let one = Draft::default().response();
    let two = Draft { assertion_id: "_b1".to_owned(), ..Draft::default() };
    let two = Draft { name_id: two.name_id.replace("ada@", "bob@"), ..two }.response();
    let (signature, _) = cut(&one, "<ds:Signature ", "</ds:Signature>");
    let (other, _) = cut(&two, "<ds:Signature ", "</ds:Signature>");
    corpus.add(
        "signature of another assertion",
        replaced(&one, &signature, &other),
        "saml.sig.ref",
        "not the element that holds",
    );
    let (info, _) = cut(&one, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let (other_info, _) = cut(&two, "<ds:SignedInfo>", "</ds:SignedInfo>");
    corpus.add(
        "SignedInfo of another assertion",
        replaced(&one, &info, &other_info),
        "saml.sig.key",
        "no trusted key",
    );
    let two_infos = replaced(&one, &info, &format!("{other_info}{info}"));
    corpus.add("two SignedInfo", two_infos, "saml.sig.ref", "a Signature must contain");
    let (digest, _) = cut(&one, "<ds:DigestValue>", "</ds:DigestValue>");
    let (other_digest, _) = cut(&two, "<ds:DigestValue>", "</ds:DigestValue>");
    corpus.add(
        "digest of another assertion",
        replaced(&one, &digest, &other_digest),
        "saml.sig.key",
        "no trusted key",
    );
    corpus.add(
        "a second digest",
        replaced(&one, &digest, &format!("{other_digest}{digest}")),
        "saml.sig.ref",
        "the accepted children",
    );
    for (from, to) in [
        ("ada@acme.com", "bob@acme.com"),
        (">Ada<", ">Eve<"),
        ("Name=\"User.Email\"", "Name=\"User.EMail\""),
        ("SessionIndex=\"_s1\"", "SessionIndex=\"_s2\""),
        (
            "<saml:AttributeValue>ada@acme.com</saml:AttributeValue>",
            "<saml:AttributeValue>ada@acme.com</saml:AttributeValue><saml:AttributeValue>admin</saml:AttributeValue>",
        ),
        ("</saml:NameID>", " </saml:NameID>"),
        ("NotOnOrAfter=\"2026-11-21T12:04:58Z\"", "NotOnOrAfter=\"2027-11-21T12:04:58Z\""),
        ("</saml:Subject>", "</saml:Subject>\n"),
        (
            "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID",
            "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Extra=\"1\" ID",
        ),
    ] {
        corpus.add(
            format!("signed content changed: {from}"),
            replaced(&one, from, to),
            "saml.sig.ref",
            "changed after",
        );
    }
}

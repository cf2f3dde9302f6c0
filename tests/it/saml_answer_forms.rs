//! Forms of answers that providers send and that the standards allow, each accepted; and forms that
//! break, none of which is a failure of ours.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use harness::TestApp;
use harness::browser::{Browser, draft, named};
use harness::saml::draft::{Draft, at, authn, bearer, conditions};
use harness::saml::encryption::{Encryption, KeyPlace, encrypt};
use harness::saml::signing::{NO_TRANSFORM, Signing, sign};
use harness::saml::world::{ACS, REQUEST, SP, Settings};
use serde_json::json;

/// The code of the refusal; `ok` if the response is accepted.
fn verdict(draft: &Draft) -> &'static str {
    match Settings::default().verify(draft.response().as_bytes()).result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

#[track_caller]
fn check(name: &str, draft: &Draft, expect: &str) {
    assert_eq!(verdict(draft), expect, "{name}");
}

#[test]
fn attributes_without_values_with_types_and_with_line_breaks_are_read() {
    const XSI: &str = "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
                       xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let statement = |attributes: &str| {
        let inside = format!("<A:AttributeStatement {XSI}>{attributes}</A:AttributeStatement>");
        Draft { claims: Vec::new(), assertion_extra: inside, ..Draft::default() }
    };
    let value = |start: &str, text: &str| {
        let value = format!("<A:AttributeValue{start}>{text}</A:AttributeValue>");
        statement(&format!("<A:Attribute Name=\"x\">{value}</A:Attribute>"))
    };
    check("no statement", &Draft { claims: Vec::new(), ..Draft::default() }, "ok");
    check("an empty statement", &statement(""), "ok");
    check("no value", &statement("<A:Attribute Name=\"firstName\"/>"), "ok");
    check("an empty value", &value("", ""), "ok");
    check("nil", &value(" xsi:nil=\"true\"", ""), "ok");
    check("any type", &value(" xsi:type=\"xs:anyType\"", "g"), "ok");
    check("a carriage return", &value("", "1 Maple&#xD;\n#3"), "ok");
    let twice = authn(&at(-10), None).repeat(2);
    check("two statements of authentication", &Draft { authn: twice, ..Draft::default() }, "ok");
    let old = authn(&at(-20 * 86_400), None);
    check("an old authentication", &Draft { authn: old, ..Draft::default() }, "ok");
}

#[test]
fn conditions_and_confirmations_may_name_others_too() {
    const OTHER: &str = "https://other.example/";
    let (start, end) = (at(-5), at(3_600));
    let audiences = |audiences: &[&[&str]]| Draft {
        conditions: conditions(Some(&start), Some(&end), audiences),
        ..Draft::default()
    };
    check("two audiences", &audiences(&[&[OTHER, SP]]), "ok");
    check("two restrictions", &audiences(&[&[SP], &[SP, OTHER]]), "ok");
    check("a restriction to another", &audiences(&[&[SP], &[OTHER]]), "saml.audience");
    let mut once = audiences(&[&[SP]]);
    let extra = "<A:OneTimeUse/><A:ProxyRestriction Count=\"0\"/></A:Conditions>";
    once.conditions = once.conditions.replace("</A:Conditions>", extra);
    check("one use and no proxy", &once, "ok");
    let soon = at(298);
    let to = |recipient| bearer(Some(recipient), Some(&soon), Some(REQUEST), "");
    let confirmed = |confirmations| Draft { confirmations, ..Draft::default() };
    check("another recipient first", &confirmed(to(OTHER) + &to(ACS)), "ok");
    let vouches = to(ACS).replace("cm:bearer", "cm:sender-vouches");
    check("another method first", &confirmed(vouches + &to(ACS)), "ok");
    check("no destination", &Draft { destination: None, ..Draft::default() }, "ok");
}

#[test]
fn keys_of_encryption_may_be_at_either_place_named_by_reference_and_for_several_recipients() {
    const KEY: &str = "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">";
    let edited = |place, from: &str, to: &str| {
        let edits = vec![(from.to_owned(), to.to_owned())];
        let encryption = Encryption { place, edits, ..Encryption::with("aes128-gcm") };
        Draft { encrypt: Some(encryption), ..Draft::default() }
    };
    let named = KEY.replace("<xenc:EncryptedKey ", "<xenc:EncryptedKey Id=\"_k\" Recipient=\"x\" ");
    check("a recipient", &edited(KeyPlace::Inside, KEY, &named), "ok");
    let reference = "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
                     <ds:RetrievalMethod Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\" \
                     URI=\"#_k\"/></ds:KeyInfo>";
    let method =
        "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>";
    let mut retrieved = edited(KeyPlace::Beside, KEY, &named);
    if let Some(encryption) = &mut retrieved.encrypt {
        encryption.edits.push((method.to_owned(), format!("{method}{reference}")));
    }
    check("by reference", &retrieved, "ok");
    let other = format!(
        "{KEY}<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedKey>",
        BASE64_STANDARD.encode([7_u8; 256]),
    );
    for place in [KeyPlace::Inside, KeyPlace::Beside] {
        check("another recipient first", &edited(place, KEY, &format!("{other}{KEY}")), "ok");
    }
}

/// A response whose assertion was signed and encrypted in its place: the response declares the
/// prefixes of the assertion.
fn encrypted_in_place(draft: &Draft) -> String {
    const DECLARED: &str = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    const TYPES: &str = " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
                         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    const END: &str = "</saml:Assertion>";
    let outer = Draft { response_attributes: format!("{DECLARED}{TYPES}"), ..draft.clone() };
    let plain = draft.plain_assertion().replacen(DECLARED, "", 1).replacen(TYPES, "", 1);
    let mut whole = outer.unfinished(&plain);
    if let Some(signing) = &draft.sign_assertion {
        whole = sign(&whole, &draft.assertion_id, signing);
    }
    let range = whole.find("<saml:Assertion ").unwrap()..whole.find(END).unwrap() + END.len();
    let encrypted = encrypt(whole.get(range.clone()).unwrap(), &Encryption::with("aes128-gcm"));
    whole.replace_range(range, &draft.styled(&encrypted));
    outer.finish(whole)
}

#[test]
fn an_assertion_may_have_its_prefixes_from_the_response_that_it_was_encrypted_in() {
    const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let verdict = |draft: &Draft| {
        let response = encrypted_in_place(draft);
        Settings::default().verify(response.as_bytes()).result.map_err(|error| error.code())
    };
    let exclusive = Signing::default();
    let inclusive = Signing { info_form: INCLUSIVE, content_form: INCLUSIVE, ..Signing::default() };
    let implied = Signing { content_form: NO_TRANSFORM, ..Signing::default() };
    for sign_assertion in [exclusive, inclusive, implied] {
        for sign_response in [None, Some(Signing::default())] {
            for typed_values in [false, true] {
                let mut draft = Draft {
                    sign_assertion: Some(sign_assertion.clone()),
                    sign_response: sign_response.clone(),
                    ..Draft::default()
                };
                draft.style.typed_values = typed_values;
                assert!(verdict(&draft).is_ok(), "{:?} {draft:?}", verdict(&draft));
            }
        }
    }
    // Without a signature of its own, an assertion takes only prefixes that the signature of the
    // response covers. It covers no declaration that the response itself does not use.
    let covered =
        Draft { sign_assertion: None, sign_response: Some(Signing::default()), ..Draft::default() };
    assert!(verdict(&covered).is_ok());
    let mut uncovered = covered;
    uncovered.style.typed_values = true;
    assert_eq!(verdict(&uncovered), Err("saml.enc"));
}

#[tokio::test]
async fn base64_of_any_layout_is_read_and_another_encoding_is_refused() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let lines = |text: &str, end: &str| {
        let encoded = BASE64_STANDARD.encode(text);
        let lines: Vec<_> = encoded.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
        lines.join(end) + end
    };
    let feeds = |text: &str| BASE64_STANDARD.encode(text).replace('A', "A\n");
    let without_padding =
        |text: &str| BASE64_STANDARD.encode(format!("{text} ")).trim_end_matches('=').to_owned();
    for (name, encode) in [
        ("at once", &(|text: &str| BASE64_STANDARD.encode(text)) as &dyn Fn(&str) -> String),
        ("lines", &|text: &str| lines(text, "\n")),
        ("lines of Windows", &|text: &str| lines(text, "\r\n")),
        ("a line break after each A", &feeds),
        ("no padding", &without_padding),
    ] {
        let mut browser = Browser::default();
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let field = encode(&draft(Some(&request)).response());
        let answer = browser.post(&test, "/saml/sso/acme.com", &[("SAMLResponse", &field)]).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    let response = draft(None).response() + "<!--????>>>>-->";
    let plus_as_space = BASE64_STANDARD.encode(&response).replace('+', " ");
    for field in [BASE64_URL_SAFE.encode(&response), plus_as_space] {
        let mut browser = Browser::default();
        let answer = browser.post(&test, "/saml/sso/acme.com", &[("SAMLResponse", &field)]).await;
        answer.expect(400);
    }
}

#[tokio::test]
async fn an_address_in_other_letters_signs_in_or_is_refused_with_its_reason() {
    let test = TestApp::with_connection(json!({"jit": true})).await;
    let post = async |name_id: &str, email: &str| {
        let mut browser = Browser::default();
        let request = browser.begin(&test, "/saml/sso/acme.com").await;
        let mut draft = draft(Some(&request));
        named(name_id, email)(&mut draft);
        browser.respond(&test, &draft.response()).await
    };
    post("åsa@acme.com", "åsa@acme.com").await.expect(200);
    post("ada@acme.com", "ada@bücher.example").await.expect(200);
    post("u-17", "ada@bücher.example").await.expect(403);
    assert_eq!(test.sign_ins().await[0]["code"], "user.domain");
}

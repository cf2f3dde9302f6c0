//! Unusual spellings of namespaces, identifiers, base64 and signature values.

use std::io::Write as _;

use super::{Corpus, EVE, cut, evil, replaced};
use crate::saml::draft::Draft;
use crate::saml::encryption::{Encryption, base64};
use crate::saml::shapes;
use crate::saml::signing::Signing;

const MISPLACED: &str = "is not allowed here";
const CHANGED: &str = "changed after";

pub(super) fn add(corpus: &mut Corpus) {
    namespaces(corpus);
    identifiers(corpus);
    values(corpus);
    envelopes(corpus);
    nested(corpus);
}

/// Names that a reader without namespaces confuses, and attributes that only some readers inherit.
fn namespaces(corpus: &mut Corpus) {
    // Entra puts assertions in the default namespace.
    let default = shapes::entra().response();
    let own = "<NameID>ada@acme.com</NameID>";
    for (what, inside) in [
        ("undone default namespace", format!("<NameID xmlns=\"\">{EVE}</NameID>")),
        ("protocol's namespace", format!("<samlp:NameID>{EVE}</samlp:NameID>")),
    ] {
        for (place, text) in [("before", format!("{inside}{own}")), ("for", inside)] {
            let text = replaced(&default, own, &text);
            corpus.add(
                format!("NameID in the {what} {place} the signed one"),
                text,
                "saml.xml",
                MISPLACED,
            );
        }
    }
    let undone = replaced(&default, "<Subject>", "<Subject xmlns=\"\">");
    corpus.add("Subject in the undone default namespace", undone, "saml.xml", MISPLACED);
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let signing = Signing { info_form: inclusive, content_form: inclusive, ..Signing::default() };
    let signed = Draft { sign_assertion: Some(signing), ..Draft::default() }.response();
    for outside in [
        "xml:lang=\"en\"",
        "xml:base=\"https://evil.example/\"",
        "xml:space=\"preserve\"",
        "xmlns:evil=\"urn:evil\"",
    ] {
        // Inclusive canonicalization includes what the ancestors declare, first in SignedInfo.
        let text = replaced(&signed, "<samlp:Response ", &format!("<samlp:Response {outside} "));
        let name = format!("{outside} from outside, inclusive");
        corpus.add(name, text, "saml.sig.key", "no trusted key");
    }
    let good = Draft::default().response();
    for attribute in [
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"",
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"saml:Evil\"",
        "xml:lang=\"en\"",
        "SPProvidedID=\"eve\"",
    ] {
        let text = replaced(&good, "<saml:NameID ", &format!("<saml:NameID {attribute} "));
        corpus.add(format!("NameID with {attribute}"), text, "saml.sig.ref", CHANGED);
    }
}

fn identifiers(corpus: &mut Corpus) {
    let good = Draft::default().response();
    let id = Draft::default().assertion_id;
    let attribute = format!(" ID=\"{id}\"");
    for (what, other) in [
        ("iD", format!(" iD=\"{id}\"")),
        ("AssertionID", format!(" AssertionID=\"{id}\"")),
        ("ID in upper case", attribute.to_uppercase()),
        ("ID with white space", format!(" ID=\" {id}\"")),
        ("ID with a zero-width space", format!(" ID=\"{id}\u{200b}\"")),
    ] {
        let text = replaced(&good, &attribute, &other);
        corpus.add(
            format!("assertion with {what}"),
            text,
            "saml.sig.ref",
            "not the element that holds",
        );
    }
    for (what, name) in [("id", "id"), ("Id", "Id")] {
        let text = replaced(&good, "<samlp:Status>", &format!("<samlp:Status {name}=\"{id}\">"));
        corpus.add(
            format!("the assertion's ID as {what} of the status"),
            text,
            "saml.xml",
            "occurs twice",
        );
    }
}

/// Signatures and digests in a form that only some libraries accept.
fn values(corpus: &mut Corpus) {
    let good = Draft::default().response();
    let (element, _) = cut(&good, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let text = element.trim_start_matches("<ds:SignatureValue>");
    let text = text.trim_end_matches("</ds:SignatureValue>");
    let with = |value: String| {
        replaced(&good, &element, &format!("<ds:SignatureValue>{value}</ds:SignatureValue>"))
    };
    let mut add = |what: &str, value| corpus.add(what, with(value), "saml.sig.ref", "not base64");
    add("signature value twice over", format!("{text}{text}"));
    add("signature value in two padded parts", format!("AA=={text}"));
    add("signature value in base64url", "-_".repeat(43));
    add("signature value with a no-break space", format!("\u{a0}{text}"));
    // The last character encodes two bits beyond the value.
    let last = text.replace("==", "");
    let (start, end) = last.split_at(last.len() - 1);
    let next = char::from(end.as_bytes()[0] + 1);
    add("signature value with odd last bits", format!("{start}{next}=="));
}

/// The document in an encoding other than that of the binding.
fn envelopes(corpus: &mut Corpus) {
    let good = Draft::default().response();
    let mut deflate =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    deflate.write_all(good.as_bytes()).unwrap();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    bomb.write_all(&vec![b'<'; 50_000_000]).unwrap();
    let utf8 = "not UTF-8";
    corpus.add("deflated, as if redirected", deflate.finish().unwrap(), "saml.xml", utf8);
    corpus.add("50 MB in gzip", bomb.finish().unwrap(), "saml.xml", utf8);
    corpus.add("base64 of base64", base64(good.as_bytes()), "saml.xml", "not well-formed");
    let escaped = good.replace('<', "&lt;");
    corpus.add("escaped once more", escaped, "saml.xml", "not well-formed");
    let soap = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{good}</s:Body></s:Envelope>"
    );
    corpus.add("in SOAP", soap, "saml.xml", "the root is");
}

/// A signed assertion nested in an evil one, visible only after decryption.
fn nested(corpus: &mut Corpus) {
    type Nest = fn(String) -> String;
    let plaintexts: [(&str, Nest); 4] = [
        ("Advice", |good| within("</saml:Conditions>", "saml:Advice", &good)),
        ("the last statement", |good| within("</saml:Subject>", "saml:Statement", &good)),
        ("the end", |good| {
            evil()
                .plain_assertion()
                .replace("</saml:Assertion>", &format!("{good}</saml:Assertion>"))
        }),
        ("the body, under its signature", |good| {
            let (signature, bare) = cut(&good, "<ds:Signature ", "</ds:Signature>");
            let outer = evil().plain_assertion();
            let outer = outer.replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"));
            outer.replace("</saml:Assertion>", &format!("{bare}</saml:Assertion>"))
        }),
    ];
    for (place, nest) in plaintexts {
        for cipher in ["aes256-cbc", "aes128-gcm"] {
            let draft = Draft::default();
            let plaintext = nest(draft.assertion());
            let text = crate::saml::encryption::encrypt(&plaintext, &Encryption::with(cipher));
            let text = text
                .replace("xmlnsA", "xmlns:saml")
                .replace("<A:", "<saml:")
                .replace("</A:", "</saml:");
            corpus.add(
                format!("encrypted: signed assertion in {place} of an evil one, {cipher}"),
                draft.around(&text),
                "saml.enc",
                super::encryption::FAILED,
            );
        }
    }
}

fn within(after: &str, element: &str, good: &str) -> String {
    let plain = evil().plain_assertion();
    replaced(&plain, after, &format!("{after}<{element}>{good}</{element}>"))
}

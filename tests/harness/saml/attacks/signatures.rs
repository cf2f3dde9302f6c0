//! Signatures that must be refused for their algorithm, key, reference, transforms or structure.

use super::{Corpus, cut, evil, replaced};
use crate::saml::draft::Draft;
use crate::saml::keys::KEYS;
use crate::saml::signing::Signing;

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const KEY: &str = "no trusted key";
const NOT_ACCEPTED: &str = "is not accepted";

pub(super) fn add(corpus: &mut Corpus) {
    algorithms(corpus);
    keys(corpus);
    references(corpus);
    transforms(corpus);
    structure(corpus);
    values(corpus);
}

fn signed(signing: Signing) -> String {
    Draft { sign_assertion: Some(signing), ..Draft::default() }.response()
}

fn algorithms(corpus: &mut Corpus) {
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
        "http://evil.example/rsa-sha256",
        "none",
        "",
    ] {
        corpus.add(
            format!("signature algorithm \"{algorithm}\""),
            signed(Signing::by(|keys| &keys.idp, algorithm)),
            "saml.sig.alg",
            NOT_ACCEPTED,
        );
    }
    let ecdsa =
        Signing::by(|keys| &keys.idp_p256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1");
    corpus.add("ECDSA with SHA-1", signed(ecdsa), "saml.sig.alg", NOT_ACCEPTED);
    for digest in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "",
        "http://www.w3.org/2001/04/xmlenc#ripemd160",
    ] {
        corpus.add(
            format!("digest algorithm \"{digest}\""),
            signed(Signing { digest, ..Signing::default() }),
            "saml.sig.alg",
            NOT_ACCEPTED,
        );
    }
    for form in [
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#withcomments",
        "http://evil.example/identity",
    ] {
        corpus.add(
            format!("SignedInfo canonicalized by \"{form}\""),
            signed(Signing { info_form: form, ..Signing::default() }),
            "saml.sig.alg",
            NOT_ACCEPTED,
        );
        corpus.add(
            format!("content canonicalized by \"{form}\""),
            signed(Signing { content_form: form, ..Signing::default() }),
            "saml.sig.ref",
            NOT_ACCEPTED,
        );
    }
    corpus.add(
        "SignedInfo canonicalized by \"\"",
        signed(Signing { info_form: "", ..Signing::default() }),
        "saml.sig.alg",
        NOT_ACCEPTED,
    );
    let confused = signed(Signing::default()).replace("#rsa-sha256", "#ecdsa-sha256");
    corpus.add("RSA signature called ECDSA", confused, "saml.sig.key", KEY);
    let pss = signed(Signing::by(
        |keys| &keys.idp,
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    ));
    corpus.add(
        "PSS signature called PKCS#1",
        pss.replace("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", RSA_SHA256),
        "saml.sig.key",
        KEY,
    );
    corpus.add(
        "algorithm changed after signing",
        signed(Signing::default()).replace("#rsa-sha256", "#rsa-sha512"),
        "saml.sig.key",
        KEY,
    );
}

fn keys(corpus: &mut Corpus) {
    let by_attacker = || Signing::by(|keys| &keys.attacker, RSA_SHA256);
    let forged = |signing| Draft { sign_assertion: Some(signing), ..evil() }.response();
    corpus.add("signed by an untrusted key", forged(by_attacker()), "saml.sig.key", KEY);
    let weak = Signing::by(|keys| &keys.weak, RSA_SHA256);
    corpus.add("signed by a key of 1024 bits", forged(weak), "saml.sig.key", KEY);
    let curve = Signing::by(
        |keys| &keys.attacker_p256,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    );
    corpus.add("signed by a foreign key on P-256", forged(curve), "saml.sig.key", KEY);
    let rsa = KEYS.attacker.key.rsa().unwrap();
    let (modulus, exponent) = (rsa.n().to_vec(), rsa.e().to_vec());
    let b64 = crate::saml::encryption::base64;
    let infos = [
        ("certificate", format!("<D:X509Data><D:X509Certificate>{}</D:X509Certificate></D:X509Data>", KEYS.attacker.certificate_base64())),
        ("bare key", format!("<D:KeyValue><D:RSAKeyValue><D:Modulus>{}</D:Modulus><D:Exponent>{}</D:Exponent></D:RSAKeyValue></D:KeyValue>", b64(&modulus), b64(&exponent))),
        ("key name", "<D:KeyName>idp.example</D:KeyName>".to_owned()),
        ("trusted certificate beside it", format!("<D:X509Data><D:X509Certificate>{}</D:X509Certificate><D:X509Certificate>{}</D:X509Certificate></D:X509Data>", KEYS.idp.certificate_base64(), KEYS.attacker.certificate_base64())),
        ("trusted certificate alone", format!("<D:X509Data><D:X509Certificate>{}</D:X509Certificate></D:X509Data>", KEYS.idp.certificate_base64())),
        ("retrieval method", "<D:RetrievalMethod URI=\"http://evil.example/key\" Type=\"http://www.w3.org/2000/09/xmldsig#X509Data\"/>".to_owned()),
        ("nonsense", "<D:X509Data><D:X509Certificate>AAAA</D:X509Certificate></D:X509Data>".to_owned()),
    ];
    for (what, info) in infos {
        corpus.add(
            format!("foreign key, KeyInfo with {what}"),
            forged(Signing { key_info: Some(info), ..by_attacker() }),
            "saml.sig.key",
            KEY,
        );
    }
    let hmac = Signing::by(|keys| &keys.idp, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
    corpus.add(
        "HMAC with the public key as its secret",
        forged(hmac),
        "saml.sig.alg",
        NOT_ACCEPTED,
    );
}

fn references(corpus: &mut Corpus) {
    let id = Draft::default().assertion_id;
    let uri = format!("URI=\"#{id}\"");
    let edited = |to: &str| signed(Signing::edited(&uri, to));
    for (what, to) in [
        ("empty", "URI=\"\""),
        ("missing", "Type=\"x\""),
        ("a bare mark", "URI=\"#\""),
        ("without its mark", "URI=\"_a0a1b2c3d4e5f60718293a4b5c6d7e8f9\""),
        ("the response", "URI=\"#_r0a1b2c3d4e5f60718293a4b5c6d7e8f9\""),
        ("an unknown ID", "URI=\"#_unknown\""),
        ("an http URL", "URI=\"http://169.254.169.254/latest\""),
        ("a file", "URI=\"file:///etc/passwd\""),
        ("an XPointer to the root", "URI=\"#xpointer(/)\""),
        ("an XPointer by id", "URI=\"#xpointer(id('_a0a1b2c3d4e5f60718293a4b5c6d7e8f9'))\""),
        ("escaped", "URI=\"#%5Fa0a1b2c3d4e5f60718293a4b5c6d7e8f9\""),
        ("with white space", "URI=\" #_a0a1b2c3d4e5f60718293a4b5c6d7e8f9\""),
        ("in upper case", "URI=\"#_A0A1B2C3D4E5F60718293A4B5C6D7E8F9\""),
    ] {
        corpus.add(
            format!("reference to {what}"),
            edited(to),
            "saml.sig.ref",
            "not the element that holds",
        );
    }
    let two = |from: &str, to: &str| signed(Signing::edited(from, to));
    let extra = "<D:Reference URI=\"#_x\"><D:Transforms><D:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><D:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></D:Transforms><D:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><D:DigestValue>AAAA</D:DigestValue></D:Reference>";
    corpus.add(
        "a second reference",
        two("</D:SignedInfo>", &format!("{extra}</D:SignedInfo>")),
        "saml.sig.ref",
        "the accepted children",
    );
    corpus.add(
        "a reference before the good one",
        two("<D:Reference ", &format!("{extra}<D:Reference ")),
        "saml.sig.ref",
        "the accepted children",
    );
    corpus.add(
        "3,000 references",
        two(
            "</D:SignedInfo>",
            &format!("{}</D:SignedInfo>", "<D:Reference URI=\"#_x\"/>".repeat(3000)),
        ),
        "saml.sig.ref",
        "the accepted children",
    );
    let good = signed(Signing::default());
    corpus.add(
        "no reference",
        {
            let (_, without) = cut(&good, "<ds:Reference ", "</ds:Reference>");
            without
        },
        "saml.sig.ref",
        "the accepted children",
    );
    let manifest =
        two("<D:Reference ", "<D:Manifest><D:Reference URI=\"#_x\"/></D:Manifest><D:Reference ");
    corpus.add("a manifest in SignedInfo", manifest, "saml.xml", "is not allowed here");
    let no_id = replaced(&good, &format!(" ID=\"{id}\""), "");
    corpus.add("assertion without an ID", no_id, "saml.sig.ref", "not the element that holds");
    let lower = replaced(&good, &format!(" ID=\"{id}\""), &format!(" Id=\"{id}\""));
    corpus.add("ID under another name", lower, "saml.sig.ref", "not the element that holds");
    let qualified = replaced(&good, &format!(" ID=\"{id}\""), &format!(" saml:ID=\"{id}\""));
    corpus.add("ID with a namespace", qualified, "saml.xml", "namespace prefix");
    let xml_id = replaced(&good, "<saml:Subject>", &format!("<saml:Subject xml:id=\"{id}\">"));
    corpus.add("xml:id with the assertion's ID", xml_id, "saml.xml", "namespace prefix");
    let twice = replaced(&good, "<saml:Subject>", &format!("<saml:Subject ID=\"{id}\">"));
    corpus.add("the assertion's ID twice", twice, "saml.xml", "occurs twice");
    let response =
        replaced(&good, "ID=\"_r0a1b2c3d4e5f60718293a4b5c6d7e8f9\"", &format!("ID=\"{id}\""));
    corpus.add("the assertion's ID on the response", response, "saml.xml", "occurs twice");
}

fn transforms(corpus: &mut Corpus) {
    let enveloped =
        "<D:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let edited = |from: &str, to: &str| signed(Signing::edited(from, to));
    let xslt = "<D:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"><xsl:template match=\"/\"><xsl:for-each select=\"//. | //@*\"><xsl:for-each select=\"//. | //@*\"><xsl:for-each select=\"//. | //@*\">x</xsl:for-each></xsl:for-each></xsl:for-each></xsl:template></xsl:stylesheet></D:Transform>";
    let xpath = "<D:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><D:XPath>count(//. | //@*[count(//.) &gt; 0]) &gt; 0</D:XPath></D:Transform>";
    let filter = "<D:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\"><f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">//NameID</f:XPath></D:Transform>";
    let base64 = "<D:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/>";
    for (what, transform) in [
        ("XSLT", xslt),
        ("XPath", xpath),
        ("XPath filter", filter),
        ("base64", base64),
        ("enveloped", enveloped),
    ] {
        corpus.add(
            format!("additional {what} transform"),
            edited(enveloped, &format!("{enveloped}{transform}")),
            "saml.sig.ref",
            "the accepted children",
        );
        if what != "enveloped" {
            corpus.add(
                format!("{what} transform instead of enveloped"),
                edited(enveloped, transform),
                "saml.sig.ref",
                NOT_ACCEPTED,
            );
        }
    }
    corpus.add("no enveloped transform", edited(enveloped, ""), "saml.sig.ref", NOT_ACCEPTED);
    let canonical =
        "<D:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></D:Transform>";
    corpus.add(
        "exclusive content without its transform",
        edited(canonical, ""),
        "saml.sig.ref",
        "changed after it was signed",
    );
    corpus.add(
        "transforms in the other order",
        edited(&format!("{enveloped}{canonical}"), &format!("{canonical}{enveloped}")),
        "saml.sig.ref",
        NOT_ACCEPTED,
    );
    corpus.add(
        "no transforms at all",
        edited(&format!("<D:Transforms>{enveloped}{canonical}</D:Transforms>"), ""),
        "saml.sig.ref",
        "the accepted children",
    );
    corpus.add(
        "1,000 transforms",
        edited(enveloped, &enveloped.repeat(1000)),
        "saml.sig.ref",
        "the accepted children",
    );
    let list = |inside: &str| canonical.replace("></D:", &format!(">{inside}</D:"));
    let many = format!(
        "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{}\"/>",
        "x ".repeat(5000)
    );
    corpus.add("5,000 prefixes", edited(canonical, &list(&many)), "saml.sig.ref", NOT_ACCEPTED);
    corpus.add(
        "parameters of another kind",
        edited(canonical, &list("<D:XPath>1</D:XPath>")),
        "saml.sig.ref",
        NOT_ACCEPTED,
    );
    corpus.add(
        "parameters of the enveloped transform",
        edited(enveloped, &enveloped.replace("/>", "><D:XPath>1</D:XPath></D:Transform>")),
        "saml.sig.ref",
        NOT_ACCEPTED,
    );
}

fn structure(corpus: &mut Corpus) {
    let good = signed(Signing::default());
    for (what, from, to) in [
        ("an Object", "</ds:SignatureValue>", "</ds:SignatureValue><ds:Object>x</ds:Object>"),
        (
            "something unknown after SignatureValue",
            "</ds:SignatureValue>",
            "</ds:SignatureValue><x/>",
        ),
    ] {
        let (check, because) = if what == "an Object" {
            ("saml.xml", "is not allowed here")
        } else {
            ("saml.sig.ref", "a Signature must contain")
        };
        corpus.add(format!("signature with {what}"), replaced(&good, from, to), check, because);
    }
    let edited = |from: &str, to: &str| signed(Signing::edited(from, to));
    corpus.add(
        "HMACOutputLength on an RSA signature",
        edited(
            "#rsa-sha256\"/>",
            "#rsa-sha256\"><D:HMACOutputLength>8</D:HMACOutputLength></D:SignatureMethod>",
        ),
        "saml.sig.ref",
        "parameters",
    );
    corpus.add(
        "two signature methods",
        edited("<D:SignatureMethod ", "<D:SignatureMethod Algorithm=\"none\"/><D:SignatureMethod "),
        "saml.sig.ref",
        "the accepted children",
    );
    corpus.add(
        "no signature method",
        edited(
            "<D:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>",
            "",
        ),
        "saml.sig.ref",
        "the accepted children",
    );
    let swapped = edited(
        "<D:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
        "",
    );
    corpus.add("no canonicalization method", swapped, "saml.sig.ref", "the accepted children");
    let foreign = edited("<D:DigestMethod ", "<x:DigestMethod xmlns:x=\"urn:evil\" ");
    corpus.add(
        "digest method of another namespace",
        foreign,
        "saml.sig.ref",
        "the accepted children",
    );
    assert!(RSA_SHA256.starts_with(MORE));
}

fn values(corpus: &mut Corpus) {
    let good = signed(Signing::default());
    let (value, without) = cut(&good, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let with = |inside: &str| {
        replaced(&good, &value, &format!("<ds:SignatureValue>{inside}</ds:SignatureValue>"))
    };
    corpus.add("no signature value", without, "saml.sig.ref", "a Signature must contain");
    corpus.add("an empty signature value", with(""), "saml.sig.key", KEY);
    corpus.add("a signature value of zeros", with(&"A".repeat(344)), "saml.sig.key", KEY);
    corpus.add("a signature value that is not base64", with("***"), "saml.sig.ref", "not base64");
    corpus.add("markup in the signature value", with("<x/>"), "saml.sig.ref", "only text");
    corpus.add("a signature value of 300 kB", with(&"A".repeat(300_000)), "saml.sig.key", KEY);
    let (digest, _) = cut(&good, "<ds:DigestValue>", "</ds:DigestValue>");
    let split = digest.replace("<ds:DigestValue>", "<ds:DigestValue>AAAA<x/>");
    corpus.add(
        "markup in the digest value",
        replaced(&good, &digest, &split),
        "saml.sig.ref",
        "only text",
    );
    let edited = |to: &str| {
        let inner = digest.replace("ds:", "D:");
        signed(Signing::edited(&inner, to))
    };
    corpus.add(
        "an empty signed digest",
        edited("<D:DigestValue></D:DigestValue>"),
        "saml.sig.ref",
        "changed after",
    );
    corpus.add(
        "a signed digest of nothing",
        edited("<D:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</D:DigestValue>"),
        "saml.sig.ref",
        "changed after",
    );
    let curve = signed(Signing::by(
        |keys| &keys.idp_p256,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    ));
    let (value, _) = cut(&curve, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let zeros = crate::saml::encryption::base64(&[0; 64]);
    corpus.add(
        "ECDSA with r = s = 0",
        replaced(&curve, &value, &format!("<ds:SignatureValue>{zeros}</ds:SignatureValue>")),
        "saml.sig.key",
        KEY,
    );
    let long = crate::saml::encryption::base64(&[1; 66]);
    corpus.add(
        "ECDSA value of another length",
        replaced(&curve, &value, &format!("<ds:SignatureValue>{long}</ds:SignatureValue>")),
        "saml.sig.key",
        KEY,
    );
}

//! Encrypted assertions that were changed, or are encrypted in a way that must be refused.

use super::{Corpus, cut, evil, replaced};
use crate::saml::draft::Draft;
use crate::saml::encryption::{Encryption, base64, encrypt, encrypt_as};
use crate::saml::signing::Signing;
use crate::saml::world::{SP, Settings};

pub(super) const FAILED: &str = "encrypted for another certificate";
const FAILED_PART: &str = "its NameID was encrypted for another certificate";
const ALGORITHM: &str = "is not accepted";

pub(super) fn add(corpus: &mut Corpus) {
    algorithms(corpus);
    for cipher in ["aes256-cbc", "aes128-gcm"] {
        tampered(corpus, cipher);
        plaintexts(corpus, cipher);
    }
    structure(corpus);
    parts(corpus);
}

/// A response whose `NameID` is encrypted by itself; `attributes` are those of the plaintext.
pub fn with_encrypted_name_id(attributes: &str, value: &str, how: &Encryption) -> Draft {
    let plain = format!(
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"{attributes}>{value}</saml:NameID>"
    );
    Draft { name_id: encrypt_as("EncryptedID", &plain, how), ..Draft::default() }
}

/// Each plaintext might be of another tenant, whose ciphertext the provider has got hold of.
fn parts(corpus: &mut Corpus) {
    let gcm = || Encryption::with("aes256-gcm");
    let ours = format!(" SPNameQualifier=\"{SP}\"");
    let theirs = " SPNameQualifier=\"https://sp.example/saml/metadata/victim.example\"";
    for (what, attributes, value, how) in [
        ("an opaque NameID that names nobody", "", "u-17", gcm()),
        ("a NameID for another connection", theirs, "u-17", gcm()),
        ("an address of another domain", "", "ceo@victim.example", gcm()),
        ("a blank NameID", "", " ", gcm()),
        ("a NameID for another key", &ours, "u-17", Encryption { key: |keys| &keys.idp, ..gcm() }),
        ("a changed NameID", &ours, "u-17", Encryption { ciphertext: changed_first, ..gcm() }),
        (
            "a NameID that is no XML",
            &ours,
            "u-17",
            Encryption { plaintext: |_| b"u-17".to_vec(), ..gcm() },
        ),
    ] {
        let response = with_encrypted_name_id(attributes, value, &how).response();
        corpus.add(format!("encrypted by itself: {what}"), response, "saml.enc", FAILED_PART);
    }
    // The text of a plaintext of CBC can be changed: an address proves nothing there.
    for (what, attributes) in [("an address", ""), ("a NameID for another connection", theirs)] {
        let how = Encryption::default();
        let response = with_encrypted_name_id(attributes, "ada@acme.com", &how).response();
        corpus.add(format!("encrypted by CBC: {what}"), response, "saml.enc", FAILED_PART);
    }
    let mut both = with_encrypted_name_id(&ours, "u-17", &gcm());
    both.name_id += &Draft::default().name_id;
    corpus.add(
        "a NameID in plain beside an encrypted one",
        both.response(),
        "saml.xml",
        "more than once",
    );
    let empty = "<A:EncryptedID><x:EncryptedData xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\"/></A:EncryptedID>";
    let empty = Draft { name_id: empty.to_owned(), ..Draft::default() };
    corpus.add("an encrypted NameID without content", empty.response(), "saml.enc", "is missing");
    let without = Settings { decrypts: false, ..Settings::default() };
    let response = with_encrypted_name_id(&ours, "u-17", &gcm()).response();
    corpus.under(
        without,
        "an encrypted NameID without our keys",
        response,
        "saml.enc",
        "no decryption key",
    );
}

fn changed_first(mut ciphertext: Vec<u8>) -> Vec<u8> {
    ciphertext[20] ^= 1;
    ciphertext
}

fn with(encryption: Encryption) -> String {
    Draft { encrypt: Some(encryption), ..Draft::default() }.response()
}

fn algorithms(corpus: &mut Corpus) {
    for transport in ["rsa-1_5", "rsa-oaep-sha1", "kw-aes128", "dh"] {
        corpus.add(
            format!("key transport {transport}"),
            with(Encryption { transport, ..Encryption::default() }),
            "saml.enc",
            ALGORITHM,
        );
    }
    let edit = |from: &str, to: &str| {
        with(Encryption { edits: vec![(from.to_owned(), to.to_owned())], ..Encryption::default() })
    };
    for cipher in ["tripledes-cbc", "aes192-cbc", "aes256-gcm", "none"] {
        // AES-256-GCM exists only in the namespace of XML Encryption 1.1.
        corpus.add(
            format!("content cipher {cipher}"),
            edit("#aes256-cbc", &format!("#{cipher}")),
            "saml.enc",
            ALGORITHM,
        );
    }
    let oaep =
        |digest: &'static str| with(Encryption { digest: Some(digest), ..Encryption::default() });
    corpus.add(
        "OAEP with MD5",
        oaep("http://www.w3.org/2001/04/xmldsig-more#md5"),
        "saml.enc",
        ALGORITHM,
    );
    let mask =
        with(Encryption { transport: "rsa-oaep", mask: Some("mgf1md5"), ..Encryption::default() });
    corpus.add("mask generation with MD5", mask, "saml.enc", ALGORITHM);
    let label =
        edit("rsa-oaep-mgf1p\">", "rsa-oaep-mgf1p\"><xenc:OAEPparams>AAAA</xenc:OAEPparams>");
    corpus.add("OAEP with a label", label, "saml.enc", ALGORITHM);
    corpus.add(
        "OAEP digest changed",
        with(Encryption {
            digest: Some("http://www.w3.org/2001/04/xmlenc#sha256"),
            edits: vec![("#sha256".to_owned(), "#sha512".to_owned())],
            ..Encryption::default()
        }),
        "saml.enc",
        FAILED,
    );
    corpus.add(
        "GCM called CBC",
        with(Encryption {
            edits: vec![(
                "http://www.w3.org/2009/xmlenc11#aes256-gcm".to_owned(),
                "http://www.w3.org/2001/04/xmlenc#aes256-cbc".to_owned(),
            )],
            ..Encryption::with("aes256-gcm")
        }),
        "saml.enc",
        FAILED,
    );
    corpus.add(
        "CBC called GCM",
        edit(
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        ),
        "saml.enc",
        FAILED,
    );
    corpus.add("AES-256 called AES-128", edit("#aes256-cbc", "#aes128-cbc"), "saml.enc", FAILED);
    corpus.under(
        Settings { decrypts: false, ..Settings::default() },
        "encrypted although we have no decryption key",
        with(Encryption::default()),
        "saml.enc",
        "no decryption key",
    );
}

fn tampered(corpus: &mut Corpus, cipher: &'static str) {
    let mut add = |what: &str, encryption: Encryption| {
        corpus.add(format!("{what}, {cipher}"), with(encryption), "saml.enc", FAILED);
    };
    let base = || Encryption::with(cipher);
    add("encrypted for the attacker", Encryption { key: |keys| &keys.attacker, ..base() });
    add(
        "first byte of the ciphertext flipped",
        Encryption {
            ciphertext: |mut bytes| {
                bytes[0] ^= 1;
                bytes
            },
            ..base()
        },
    );
    add(
        "a byte in the middle flipped",
        Encryption {
            ciphertext: |mut bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
                bytes
            },
            ..base()
        },
    );
    add(
        "last byte flipped",
        Encryption {
            ciphertext: |mut bytes| {
                let at = bytes.len() - 1;
                bytes[at] ^= 1;
                bytes
            },
            ..base()
        },
    );
    add(
        "last block cut off",
        Encryption {
            ciphertext: |mut bytes| {
                bytes.truncate(bytes.len() - 16);
                bytes
            },
            ..base()
        },
    );
    add(
        "one byte cut off",
        Encryption {
            ciphertext: |mut bytes| {
                bytes.pop();
                bytes
            },
            ..base()
        },
    );
    add(
        "a block repeated",
        Encryption {
            ciphertext: |mut bytes| {
                let block = bytes[32..48].to_vec();
                bytes.splice(48..48, block);
                bytes
            },
            ..base()
        },
    );
    add("empty ciphertext", Encryption { ciphertext: |_| Vec::new(), ..base() });
    add(
        "an initialization vector alone",
        Encryption {
            ciphertext: |mut bytes| {
                bytes.truncate(16);
                bytes
            },
            ..base()
        },
    );
    add(
        "wrapped key flipped",
        Encryption {
            wrapped: |mut bytes| {
                bytes[9] ^= 1;
                bytes
            },
            ..base()
        },
    );
    add("wrapped key of zeros", Encryption { wrapped: |bytes| vec![0; bytes.len()], ..base() });
    add(
        "wrapped key cut short",
        Encryption {
            wrapped: |mut bytes| {
                bytes.truncate(100);
                bytes
            },
            ..base()
        },
    );
    add("empty wrapped key", Encryption { wrapped: |_| Vec::new(), ..base() });
    if cipher.ends_with("cbc") {
        for padding in [0, 17, 32, 255] {
            add(&format!("padding of {padding}"), Encryption { padding: Some(padding), ..base() });
        }
    }
}

/// Plaintexts that decrypt well but are not an assertion signed by the provider. All give one
/// error, because all tenants share the decryption keys (*no oracle*).
fn plaintexts(corpus: &mut Corpus, cipher: &'static str) {
    let base = || Encryption::with(cipher);
    let mut add = |what: &str, draft: Draft| {
        corpus.add(format!("{what}, {cipher}"), draft.response(), "saml.enc", FAILED);
    };
    let holding = |plaintext: fn(Vec<u8>) -> Vec<u8>| Draft {
        encrypt: Some(Encryption { plaintext, ..base() }),
        ..Draft::default()
    };
    add("empty plaintext", holding(|_| Vec::new()));
    add("plaintext that is not UTF-8", holding(|_| vec![0xFF; 64]));
    add("plaintext of zeros", holding(|_| vec![0; 64]));
    add("bytes after the assertion", holding(|bytes| [bytes, b"\xFF\xFE".to_vec()].concat()));
    add("text after the assertion", holding(|bytes| [bytes, b"x".to_vec()].concat()));
    add("a DTD in the plaintext", holding(|bytes| [b"<!DOCTYPE a>".to_vec(), bytes].concat()));
    add("a response in the plaintext", holding(|_| Draft::default().response().into()));
    add("another root in the plaintext", holding(|_| b"<a/>".to_vec()));
    let comment = |bytes| String::from_utf8(bytes).unwrap().replace("ada@", "ada@<!-- -->").into();
    add("a comment in the plaintext", holding(comment));
    let changed = |bytes| String::from_utf8(bytes).unwrap().replace("ada@", "eve@").into();
    add("an assertion changed after it was signed", holding(changed));
    let signed_by = |signing: Option<Signing>, draft: Draft| Draft {
        sign_assertion: signing,
        encrypt: Some(base()),
        ..draft
    };
    add("an unsigned assertion", signed_by(None, evil()));
    let attacker =
        Signing::by(|keys| &keys.attacker, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    add("an assertion signed by the attacker", signed_by(Some(attacker), evil()));
    let sha1 = Signing::by(|keys| &keys.idp, "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
    add("an assertion signed with SHA-1", signed_by(Some(sha1), Draft::default()));
}

fn structure(corpus: &mut Corpus) {
    let good = with(Encryption::default());
    let (key, without) = cut(&good, "<xenc:EncryptedKey", "</xenc:EncryptedKey>");
    corpus.add("no wrapped key", without, "saml.enc", "EncryptedKey is missing");
    corpus.add(
        "500 wrapped keys",
        replaced(&good, &key, &key.repeat(500)),
        "saml.enc",
        "more than once",
    );
    let edit = |from: &str, to: &str| replaced(&good, from, to);
    corpus.add(
        "ciphertext that is not base64",
        edit("<xenc:CipherValue>", "<xenc:CipherValue>*"),
        "saml.enc",
        "not base64",
    );
    corpus.add(
        "markup in the ciphertext",
        edit("<xenc:CipherValue>", "<xenc:CipherValue><x/>"),
        "saml.enc",
        "only text",
    );
    let (value, _) = cut(&key, "<xenc:CipherValue>", "</xenc:CipherValue>");
    corpus.add(
        "wrapped key by reference",
        edit(&value, "<xenc:CipherReference URI=\"http://evil.example/\"/>"),
        "saml.enc",
        "CipherValue is missing",
    );
    corpus.add(
        "no encryption method",
        edit(
            "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\"/>",
            "",
        ),
        "saml.enc",
        "EncryptionMethod is missing",
    );
    let (data, _) = cut(&good, "<xenc:EncryptedData", "</xenc:EncryptedData>");
    corpus.add(
        "two encrypted parts in one",
        edit(&data, &format!("{data}{data}")),
        "saml.enc",
        "more than once",
    );
    corpus.add(
        "an empty encrypted assertion",
        edit(&data, ""),
        "saml.enc",
        "EncryptedData is missing",
    );
    corpus.add(
        "encrypted data outside",
        edit("<samlp:Status>", &format!("{data}<samlp:Status>")),
        "saml.xml",
        "is not allowed here",
    );
    let draft = Draft::default();
    let encrypted = |text: &str| {
        encrypt(text, &Encryption::default())
            .replace("xmlnsA", "xmlns:saml")
            .replace("<A:", "<saml:")
            .replace("</A:", "</saml:")
    };
    let one = encrypted(&draft.assertion());
    corpus.add(
        "two encrypted assertions",
        draft.around(&format!("{one}{one}")),
        "saml.xml",
        "more than once",
    );
    let evil = evil().plain_assertion();
    corpus.add(
        "a plain evil assertion beside an encrypted one",
        draft.around(&format!("{evil}{one}")),
        "saml.xml",
        "more than once",
    );
    let nested = encrypted(&one);
    corpus.add(
        "an encrypted assertion in an encrypted one",
        draft.around(&nested),
        "saml.enc",
        FAILED,
    );
    let signed = Draft {
        sign_response: Some(Signing::default()),
        sign_assertion: None,
        encrypt: Some(Encryption::default()),
        ..Draft::default()
    }
    .response();
    let (value, _) = cut(&signed, "<xenc:CipherData><xenc:CipherValue>", "</xenc:CipherValue>");
    corpus.add(
        "ciphertext replaced in a signed response",
        replaced(
            &signed,
            &value,
            &format!("<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue>", base64(&[7; 64])),
        ),
        "saml.sig.ref",
        "changed after",
    );
}

//! Serves AWS services over TLS 1.3, with a certificate of an intermediate authority, as AWS does.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name, X509NameRef};

use crate::http;

/// A root that the functions trust, and a server certificate under it: three certificates with RSA
/// of 2,048 bits, as Amazon's.
pub(crate) struct Authority {
    /// The file of the root.
    pub(crate) trusted: PathBuf,
    key: PKey<Private>,
    chain: [X509; 2],
}

impl Authority {
    /// Creates the certificates and writes the root into `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let keys = [(); 3].map(|()| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap());
        let [root_key, middle_key, leaf_key] = keys;
        let (root_name, middle_name) = (name("bench root"), name("bench intermediate"));
        let root = certificate(&root_name, &root_name, &root_key, &root_key, true);
        let middle = certificate(&middle_name, &root_name, &middle_key, &root_key, true);
        let leaf = certificate(&name("localhost"), &middle_name, &leaf_key, &middle_key, false);
        let trusted = folder.join("startup-roots.pem");
        // Parsing one certificate from PEM takes as long as Amazon's five from DER.
        fs::write(&trusted, root.to_pem().unwrap()).unwrap();
        Self { trusted, key: leaf_key, chain: [leaf, middle] }
    }

    /// Listens in front of the service at `behind`; answers nothing before [`Endpoint::open`].
    pub(crate) fn endpoint(&self, behind: &str) -> Endpoint {
        let mut acceptor = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server()).unwrap();
        let [leaf, middle] = &self.chain;
        acceptor.set_private_key(&self.key).unwrap();
        acceptor.set_certificate(leaf).unwrap();
        acceptor.add_extra_chain_cert(middle.clone()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Endpoint {
            url: format!("https://localhost:{}", listener.local_addr().unwrap().port()),
            listener,
            acceptor: acceptor.build(),
            behind: behind.to_owned(),
        }
    }
}

/// One AWS service.
pub(crate) struct Endpoint {
    /// The URL of the service.
    pub(crate) url: String,
    listener: TcpListener,
    acceptor: SslAcceptor,
    behind: String,
}

impl Endpoint {
    /// Starts to answer; the receiver gets a message after each answer.
    pub(crate) fn open(&self) -> Receiver<()> {
        let (listener, acceptor) = (self.listener.try_clone().unwrap(), self.acceptor.clone());
        let behind = self.behind.clone();
        let (answered, answers) = channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                connection.set_nodelay(true).unwrap();
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                let answered = answered.clone();
                thread::spawn(move || {
                    // Fails if the process has ended.
                    let Ok(stream) = acceptor.accept(connection) else { return };
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = http::read(&mut stream) {
                        let answer = http::call(&behind, &request.bytes);
                        if stream.get_mut().write_all(&answer.bytes).is_err() {
                            return;
                        }
                        // Fails if the receiver was dropped.
                        let _ = answered.send(());
                    }
                });
            }
        });
        answers
    }
}

fn name(common_name: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", common_name).unwrap();
    name.build()
}

fn certificate(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    signed_by: &PKey<Private>,
    authority: bool,
) -> X509 {
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate
        .set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap())
        .unwrap();
    certificate.set_subject_name(subject).unwrap();
    certificate.set_issuer_name(issuer).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.set_pubkey(key).unwrap();
    if authority {
        certificate
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
    } else {
        let context = certificate.x509v3_context(None, None);
        let names = SubjectAlternativeName::new().dns("localhost").build(&context).unwrap();
        certificate.append_extension(names).unwrap();
    }
    certificate.sign(signed_by, MessageDigest::sha256()).unwrap();
    certificate.build()
}

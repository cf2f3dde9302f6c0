//! SAML 2.0, the service provider's side: pure, without I/O, clock or randomness.
//!
//! Signatures are verified in a closed profile of XML-DSig. The invariants, each named where it
//! is enforced and tested by itself:
//! - *bounded*: size, depth, nodes, attributes and namespaces are checked before anything is
//!   parsed, and everything before any cryptography ([`xml`]).
//! - *one reading*: no DTD, comment, processing instruction or CDATA section ([`xml`]).
//! - *keys from metadata*: `KeyInfo` never supplies a key ([`signature`]).
//! - *`SignedInfo` from its signed bytes*: algorithms, reference and digest are read from a fresh
//!   parse of the canonical `SignedInfo` that the signature covers ([`signature`]).
//! - *one reference, to the parent*: exactly `#ID` of the element that holds the signature, with
//!   exactly the transforms enveloped-signature and canonicalization ([`signature`]).
//! - *claims from signed bytes*: every claim is read from a fresh parse of exactly the bytes whose
//!   digest was signed ([`response`]).
//! - *closed shape*: signatures and assertions stand only where they may, and no element of
//!   another namespace borrows a name ([`shape`]).
//!
//! A fault in the first parse or in canonicalization can therefore only refuse a good document,
//! never accept a forged one: the claims are a function of bytes whose digest is signed.

pub mod assertion;
pub mod attributes;
pub mod authn_context;
pub mod authn_request;
pub mod c14n;
mod check_table;
pub mod checks;
pub mod connection;
pub mod crypto;
pub mod decryption;
pub mod error;
pub mod metadata;
pub mod names;
pub mod response;
pub mod shape;
pub mod sign;
pub mod signature;
pub mod time;
pub mod xml;

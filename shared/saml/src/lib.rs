//! The SAML 2.0 core of a service provider. Pure: no I/O and no clock. Only signing draws
//! randomness, inside AWS-LC. The handlers are in `shared::saml_api`.
//!
//! # Map, from top to bottom
//!
//! - [`response`]: verifies a response; [`checks`] is the record of its 25 checks, [`error`] has
//!   the refusals, [`assertion`] and [`attributes`] read claims.
//! - [`connection`]: a tenant's trust and settings, as stored; [`metadata`] reads that of providers
//!   and writes ours.
//! - [`authn_request`]: requests, by redirect and by POST; [`authn_context`] names ways of signing
//!   in, [`login_hint`] passes the address that a person typed.
//! - [`signature`], [`sign`], [`decryption`], [`in_place`], [`c14n`]: XML Signature and XML
//!   Encryption.
//! - [`shape`], [`xml`]: the gate for untrusted XML.
//! - [`crypto`], [`time`], [`names`]: keys and algorithms, instants, URIs.
//!
//! # Invariants
//!
//! Signatures are verified in a closed profile of XML-DSig. Each invariant is named at the place
//! that enforces it, and has a test of its own:
//! - *bounded*: size, depth, nodes, attributes and namespaces are checked before any parsing, and
//!   everything else before any cryptography ([`xml`]).
//! - *one reading*: no DTD, comment, processing instruction or CDATA section ([`xml`]).
//! - *closed shape*: signatures and assertions occur only at their places, and no element of
//!   another namespace has one of their names ([`shape`]).
//! - *keys from metadata*: `KeyInfo` never supplies a key ([`signature`]).
//! - *`SignedInfo` from its signed bytes*: algorithms, reference and digest are read from a fresh
//!   parse of the canonical `SignedInfo` that the signature covers ([`signature`]).
//! - *one reference, to the parent*: exactly one reference, to `#ID` of the parent of the
//!   signature, with exactly the transforms enveloped-signature and canonicalization
//!   ([`signature`]).
//! - *claims from signed bytes*: every claim is read from a fresh parse of exactly the bytes whose
//!   digest was signed ([`response`]).
//!
//! A bug in the first parse or in canonicalization can therefore only refuse a valid document,
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
pub mod identity;
pub mod in_place;
pub mod login_hint;
pub mod metadata;
pub mod names;
pub mod response;
pub mod shape;
pub mod sign;
pub mod signature;
pub mod time;
pub mod xml;

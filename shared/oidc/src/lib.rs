//! The protocol rules of the OpenID provider: requests, PKCE, claims, errors, discovery. Pure: no
//! I/O, and time and randomness are arguments.
//!
//! `shared::oidc_api` serves these rules over HTTP, and `shared::store` keeps the grants.
//!
//! Invariants:
//! - The authorization code grant with PKCE S256 is the only grant that starts a sign-in (RFC 9700
//!   §2.1.1). An app with a secret may be registered without PKCE.
//! - A token of an app itself, for the directory, is never accepted as one that stands for a person,
//!   nor the reverse.
//! - A redirect URI equals a registered one, byte for byte (RFC 9700 §4.1.3), but for the port of a
//!   loopback address (RFC 8252 §7.3).
//! - Codes, refresh tokens and sessions are 256 random bits; only their digests are stored.

pub mod amr;
pub mod authorize;
pub mod claims;
pub mod client;
pub mod directory_token;
pub mod discovery;
pub mod error;
pub mod grant;
pub mod handle;
pub mod id_token_hint;
pub mod logout;
pub mod parameters;
pub mod pkce;
pub mod private_use_uri;
pub mod purpose;
pub mod redirect_uri;
pub mod response_target;
pub mod scopes;
pub mod uri_syntax;
pub mod web_origin;

//! The OpenID provider's rules: requests, PKCE, claims, errors, discovery. Pure, no I/O.
//!
//! Invariants:
//! - The authorization code grant with PKCE S256 is the only way in, for every kind of client
//!   (RFC 9700 §2.1.1).
//! - A redirect URI is one that was registered, byte for byte (RFC 9700 §4.1.3).
//! - Codes, refresh tokens and sessions are 256 random bits; only their digests are stored.

pub mod authorize;
pub mod claims;
pub mod client;
pub mod discovery;
pub mod error;
pub mod grant;
pub mod handle;
pub mod parameters;
pub mod pkce;
pub mod purpose;
pub mod redirect_uri;
pub mod scopes;

//! What tests share: generated SAML responses.

pub mod saml;

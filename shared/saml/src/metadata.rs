//! SAML metadata: reads that of identity providers, writes ours. Fetching is in
//! `shared::sign_in::metadata_fetch`.
//!
//! Invariants:
//! - Metadata is the only source of trusted keys (*keys from metadata*), so reading fails closed: a
//!   provider without a usable signing key is refused, and a weak key is never used.
//! - Reading is namespace-aware and limited to the `IDPSSODescriptor` of SAML 2.0. Other roles,
//!   which Entra and AD FS put into the same document, are ignored.
//! - With a pinned key, everything is read from the bytes that this key signed.
//!
//! samael's types are not used for reading: they ignore namespaces, and refuse a `cacheDuration` in
//! the format of the standard. They write the parts of our metadata that they support.

mod description;
mod document;
mod endpoint;
mod error;
mod idp;
mod keys;
mod sp;

pub use description::{
    Binding, IdpMetadata, Metadata, MetadataCertificate, ReadOptions, SsoEndpoint,
};
pub use error::{MetadataError, MetadataWarning, SkippedEntity};
pub use idp::read_idp_metadata;
pub use sp::{AttributeNaming, Contact, SpMetadata};

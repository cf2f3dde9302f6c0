//! SAML metadata: reads what identity providers publish, writes what we publish.
//!
//! Invariants:
//! - Metadata is the only source of trusted keys, so it fails closed: without a usable signing key
//!   there is no provider, and a key that is too weak is never among them.
//! - Reading is by namespace and from the `IDPSSODescriptor` of SAML 2.0 alone; the other roles
//!   that Entra and AD FS put into the same document are passed over.
//! - With a pinned key, everything is read from the bytes that this key signed.
//!
//! samael's types are not used to read: they know no namespaces, and refuse a `cacheDuration` as
//! the standard writes it. They do write the parts of our metadata that they know.

mod idp;
mod sp;

pub use idp::{
    Binding, IdpMetadata, Metadata, MetadataCertificate, MetadataError, MetadataWarning,
    ReadOptions, Skipped, SsoEndpoint, read_idp_metadata,
};
pub use sp::{AttributeNaming, Contact, SpMetadata};

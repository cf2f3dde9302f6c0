//! stub

mod saml_attacks;
mod saml_metadata;
mod saml_mutations;
mod saml_oracle;
mod saml_shapes;

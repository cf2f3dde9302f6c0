//! stub

mod saml_metadata;
mod saml_oracle;
mod saml_shapes;

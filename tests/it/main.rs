//! stub

mod saml_oracle;
mod saml_shapes;

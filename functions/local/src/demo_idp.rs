//! The demo identity provider: three people, each with a button in place of a password.
//!
//! It speaks SAML as a real one does: metadata, requests by redirect, signed assertions by POST.
//!
//! Invariant: it signs in anyone who clicks, so it serves only the Gatehouse in its own process. A
//! request that names another service provider is refused.

mod key;
mod page;
mod request;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(crate) use self::key::IdpKeyError;
use self::request::SignInRequest;
use crate::html;
use shared::built_in_idp::{self, KeyPair, Person};
use shared::clock::{Clock, random_bytes};

/// The identity provider; cheap to clone.
#[derive(Clone)]
pub(crate) struct DemoIdp(Arc<Inner>);

struct Inner {
    base_url: String,
    clock: Clock,
    key: KeyPair,
}

impl DemoIdp {
    /// Reads the key from `directory`, or creates it. Without a directory the key is always new.
    pub(crate) fn open(
        base_url: &str,
        clock: Clock,
        directory: Option<&Path>,
    ) -> Result<Self, IdpKeyError> {
        let key = key::open(directory, clock.now())?;
        Ok(Self(Arc::new(Inner { base_url: base_url.to_owned(), clock, key })))
    }

    /// The entity id: the URL of the metadata.
    pub(crate) fn entity_id(&self) -> String {
        format!("{}/demo/idp/metadata", self.0.base_url)
    }

    /// Returns the SAML metadata.
    pub(crate) fn metadata(&self) -> String {
        let sso_url = format!("{}/demo/idp/sso", self.0.base_url);
        built_in_idp::metadata(&self.entity_id(), &sso_url, self.0.key.certificate())
    }

    /// The routes below `/demo/idp`.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/demo/idp/metadata", get(metadata))
            .route("/demo/idp/sso", get(sign_in))
            .with_state(self)
    }

    /// Signs a response for each person. `None` if signing fails.
    fn choices(&self, request: &SignInRequest) -> Option<Vec<page::Choice>> {
        let now = self.0.clock.now();
        let choice = |person: &'static Person<'static>| {
            let response = built_in_idp::Response {
                idp: &self.entity_id(),
                person,
                in_response_to: &request.id,
                audience: &request.issuer,
                acs_url: &request.acs_url,
                now,
                ids: [random_bytes().ok()?, random_bytes().ok()?],
            };
            Some(page::Choice { person, response: response.signed_xml(&self.0.key)? })
        };
        PEOPLE.iter().map(choice).collect()
    }
}

async fn metadata(State(idp): State<DemoIdp>) -> Response {
    ([(header::CONTENT_TYPE, "application/samlmetadata+xml")], idp.metadata()).into_response()
}

async fn sign_in(State(idp): State<DemoIdp>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let request = match SignInRequest::read(&query, &idp.0.base_url) {
        Ok(request) => request,
        Err(error) => return html::error(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match idp.choices(&request) {
        Some(choices) => page::choose(&request, &choices),
        None => html::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The demo identity provider cannot sign the response.",
        ),
    }
}

/// The users of Acme.
const PEOPLE: [Person<'static>; 3] = [
    Person {
        given_name: "Ada",
        family_name: "Lovelace",
        email: "ada@acme.com",
        groups: &["Engineering"],
    },
    Person {
        given_name: "Grace",
        family_name: "Hopper",
        email: "grace@acme.com",
        groups: &["Engineering", "Administrators"],
    },
    Person {
        given_name: "Alan",
        family_name: "Turing",
        email: "alan@acme.com",
        groups: &["Research"],
    },
];

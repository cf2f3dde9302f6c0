//! The demo's identity provider: three people and one button for each, in place of a password.
//!
//! It speaks the same SAML as a real one: metadata, requests by redirect, signed assertions by POST.
//! Since it signs whatever is clicked, it serves only the Gatehouse that it runs in:
//! a request that names another service provider is refused.

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
use shared::built_in_idp::{self, KeyPair, Person};
use shared::clock::{Clock, random_bytes};

pub(crate) use self::key::IdpKeyError;
use self::request::Request;
use crate::html;

/// The identity provider; cheap to clone.
#[derive(Clone)]
pub(crate) struct DemoIdp(Arc<Parts>);

struct Parts {
    base_url: String,
    clock: Clock,
    key: KeyPair,
}

impl DemoIdp {
    /// Finds the key in `directory`, or makes it. Without a directory it is new.
    pub(crate) fn open(
        base_url: &str,
        clock: Clock,
        directory: Option<&Path>,
    ) -> Result<Self, IdpKeyError> {
        let key = key::open(directory, clock.now())?;
        Ok(Self(Arc::new(Parts { base_url: base_url.to_owned(), clock, key })))
    }

    /// Its entity id, which is also the URL of its metadata.
    pub(crate) fn entity_id(&self) -> String {
        format!("{}/demo/idp/metadata", self.0.base_url)
    }

    /// What a service provider has to know about it.
    pub(crate) fn metadata(&self) -> String {
        let sso_url = format!("{}/demo/idp/sso", self.0.base_url);
        built_in_idp::metadata(&self.entity_id(), &sso_url, self.0.key.certificate())
    }

    /// `/demo/idp/…`
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/demo/idp/metadata", get(metadata))
            .route("/demo/idp/sso", get(sign_in))
            .with_state(self)
    }

    /// A form for each person, with the finished response in it.
    fn choices(&self, request: &Request) -> Option<Vec<page::Choice>> {
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
    let request = match Request::read(&query, &idp.0.base_url) {
        Ok(request) => request,
        Err(fault) => return html::failure(StatusCode::BAD_REQUEST, &fault.to_string()),
    };
    match idp.choices(&request) {
        Some(choices) => page::sign_in(&request, &choices),
        None => html::failure(StatusCode::INTERNAL_SERVER_ERROR, "The demo cannot sign."),
    }
}

/// Who works at Acme.
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

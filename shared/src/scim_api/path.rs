//! Rewrites the path of a request to its canonical form before routing.

use std::borrow::Cow;

use axum::extract::{MatchedPath, Request};
use axum::http::Uri;

/// Endpoint names in the letter case of RFC 7644 §3.2 table 2.
const ENDPOINTS: [&str; 7] =
    ["Users", "Groups", "Bulk", "Me", "Schemas", "ResourceTypes", "ServiceProviderConfig"];

/// Prefix of all SCIM paths.
const BASE: &str = "/scim/v2";

/// Rewrites the path of a request.
pub(super) fn rewrite(mut request: Request) -> Request {
    // Set by the outer router; the inner one would treat it as a prefix.
    request.extensions_mut().remove::<MatchedPath>();
    if let Cow::Owned(path) = canonical(request.uri().path()) {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("{path}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Returns the form of a path that the router matches.
///
/// Removes repeated and trailing slashes: a tenant URL with a slash at its end, or with Entra's
/// `/?aadOptscim062020`, leads to `/scim/v2//Users` and `/Users/?filter=`. Accepts endpoint names
/// in any letter case, as in Microsoft's collection of requests (`/users`).
fn canonical(path: &str) -> Cow<'_, str> {
    let plain = !path.contains("//") && !path.ends_with('/');
    let segment = path.strip_prefix(BASE).map(|rest| rest.trim_start_matches('/'));
    let name = segment.and_then(|segment| segment.split('/').next()).unwrap_or_default();
    let known = ENDPOINTS.iter().find(|endpoint| endpoint.eq_ignore_ascii_case(name));
    if plain && known.is_none_or(|known| *known == name) {
        return Cow::Borrowed(path);
    }
    let mut canonical = String::with_capacity(path.len());
    for (index, part) in path.split('/').filter(|part| !part.is_empty()).enumerate() {
        canonical.push('/');
        canonical.push_str(match known {
            Some(known) if index == 2 => known,
            Some(_) | None => part,
        });
    }
    Cow::Owned(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_lenient_clients_become_canonical() {
        for (sent, expect) in [
            ("/scim/v2/Users", "/scim/v2/Users"),
            ("/scim/v2/Users/", "/scim/v2/Users"),
            ("/scim/v2//Users", "/scim/v2/Users"),
            ("/scim/v2/users/7C0E", "/scim/v2/Users/7C0E"),
            ("/scim/v2/serviceproviderconfig", "/scim/v2/ServiceProviderConfig"),
            ("/scim/v2/Users/users/", "/scim/v2/Users/users"),
            ("/scim/v2/Nope", "/scim/v2/Nope"),
            ("/scim/v2/.search", "/scim/v2/.search"),
        ] {
            assert_eq!(canonical(sent), expect, "{sent}");
        }
    }
}

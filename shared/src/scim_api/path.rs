//! The path of a SCIM request in its one canonical form, before routing.

use std::borrow::Cow;

/// Endpoint names as RFC 7644 §3.2 table 2 writes them.
const ENDPOINTS: [&str; 7] =
    ["Users", "Groups", "Bulk", "Me", "Schemas", "ResourceTypes", "ServiceProviderConfig"];

/// Where all SCIM paths begin.
const BASE: &str = "/scim/v2";

/// Rewrites a path to the form that the router knows.
///
/// Repeated and trailing slashes go: a tenant URL that was pasted with a slash at its end, or with
/// Entra's `/?aadOptscim062020`, gives `/scim/v2//Users` and `/Users/?filter=`. Endpoint names are
/// taken in any letter case, as Microsoft's collection of requests writes them (`/users`).
pub(super) fn canonical(path: &str) -> Cow<'_, str> {
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

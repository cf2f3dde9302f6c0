//! Merges refreshed metadata into a trust.
//!
//! A new certificate is accepted automatically, since that is how providers rotate keys. If none of
//! the known certificates remains, they stay trusted until the next refresh: a provider that
//! replaces all at once may still have responses on their way. A new entity id or a new host of the
//! sign-in URL is never accepted automatically.

use super::{Provider, Trust};

/// Refreshed metadata that needs an operator's decision.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RefreshError {
    /// The metadata describes another provider.
    #[error("the metadata now describes \"{0}\"; set it anew if that is intended")]
    EntityId(String),
    /// The sign-in URL has another host.
    #[error("the sign-in URL is now {0}; set the metadata anew if that is intended")]
    Host(String),
    /// The metadata changed between a single provider and a federation.
    #[error("the metadata is of another kind than before; set it anew if that is intended")]
    Kind,
}

impl Trust {
    /// Returns the trust after `fresh` was read from the same URL.
    ///
    /// # Errors
    ///
    /// A [`RefreshError`] when an operator has to decide.
    pub fn refresh(&self, fresh: Self) -> Result<Self, RefreshError> {
        if fresh.federation && !self.federation {
            return Err(RefreshError::Kind);
        }
        let mut providers = Vec::with_capacity(fresh.providers.len());
        for mut provider in fresh.providers {
            match self.provider(&provider.entity_id) {
                Some(known) => {
                    check_hosts(known, &provider)?;
                    if !known.certificates.iter().any(|c| provider.certificates.contains(c)) {
                        provider.certificates.extend(known.certificates.iter().cloned());
                        provider.warnings.push(SWAPPED.to_owned());
                    }
                }
                // Members of a federation may change; a single provider may not be replaced.
                None if self.federation => {}
                None => return Err(RefreshError::EntityId(provider.entity_id)),
            }
            providers.push(provider);
        }
        // A federation of which one member is left stays one: its responses come to the same ACS.
        let federation = self.federation;
        Ok(Self { federation, providers, unknown: self.unknown.clone(), ..fresh })
    }
}

fn check_hosts(known: &Provider, fresh: &Provider) -> Result<(), RefreshError> {
    for endpoint in &fresh.endpoints {
        let origin = origin(&endpoint.url);
        if !known.endpoints.iter().any(|known| self::origin(&known.url) == origin) {
            return Err(RefreshError::Host(endpoint.url.clone()));
        }
    }
    Ok(())
}

/// Returns scheme, host and port, in lower case.
fn origin(url: &str) -> String {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    let origin = url.get(..end).unwrap_or(url);
    origin.split('?').next().unwrap_or(origin).to_ascii_lowercase()
}

/// The warning after a replacement of all certificates.
const SWAPPED: &str =
    "every certificate was replaced at once; the old ones are trusted until the next refresh";

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, RequestBinding};
    use super::*;

    fn trust(entity_id: &str, url: &str, certificates: &[&str]) -> Trust {
        let provider = Provider {
            scopes: vec![],
            entity_id: entity_id.to_owned(),
            endpoints: vec![Endpoint { binding: RequestBinding::Redirect, url: url.to_owned() }],
            certificates: certificates.iter().map(|&c| c.to_owned()).collect(),
            wants_signed_requests: false,
            valid_until: None,
            warnings: Vec::new(),
        };
        Trust {
            federation: false,
            providers: vec![provider],
            skipped: Vec::new(),
            metadata_url: None,
            pinned_key_pem: None,
            read_at: jiff::Timestamp::UNIX_EPOCH,
            unknown: serde_json::Map::new(),
        }
    }

    #[test]
    fn fields_of_a_newer_version_are_preserved() {
        let (entity, url) = ("https://idp.example", "https://idp.example/sso");
        let mut known = trust(entity, url, &["a"]);
        known.unknown.insert("newer".to_owned(), true.into());
        assert_eq!(known.refresh(trust(entity, url, &["a"])), Ok(known));
    }

    #[track_caller]
    fn certificates(old: &[&str], new: &[&str], expect: &[&str]) {
        let (entity, url) = ("https://idp.example", "https://idp.example/sso");
        let merged = trust(entity, url, old).refresh(trust(entity, url, new)).unwrap();
        assert_eq!(merged.providers[0].certificates, expect);
    }

    #[test]
    fn keys_are_rotated_but_not_replaced_at_once() {
        certificates(&["a"], &["a", "b"], &["a", "b"]);
        certificates(&["a", "b"], &["b"], &["b"]);
        certificates(&["a"], &["b"], &["b", "a"]);
        certificates(&["b", "a"], &["b"], &["b"]);
    }

    #[test]
    fn another_entity_or_host_is_refused() {
        let known = trust("https://idp.example", "https://idp.example/sso", &["a"]);
        let check = |entity, url| known.refresh(trust(entity, url, &["a"])).err();
        assert_eq!(check("https://idp.example", "https://IDP.example/new?x=/"), None);
        assert_eq!(
            check("https://evil.example", "https://idp.example/sso"),
            Some(RefreshError::EntityId("https://evil.example".to_owned()))
        );
        for url in
            ["https://evil.example/sso", "https://idp.example.evil/sso", "http://idp.example/sso"]
        {
            assert_eq!(check("https://idp.example", url), Some(RefreshError::Host(url.to_owned())));
        }
    }
}

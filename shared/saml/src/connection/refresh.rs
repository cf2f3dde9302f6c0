//! Taking over metadata that was read again.
//!
//! A new certificate is taken without asking, since that is how providers change keys. But when
//! not one of the known certificates is left, the known ones stay beside the new until the next
//! refresh: a swap of everything at once is either a provider that announces nothing, whose old
//! responses are still on their way, or not that provider. A new entity id or a new host to send
//! people to is never taken over silently.

use super::{Provider, Trust};

/// Why metadata that was read again is not taken over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RefreshError {
    /// It describes other providers.
    #[error("the metadata now describes \"{0}\"; set it anew if that is intended")]
    EntityId(String),
    /// People would be sent to another host.
    #[error("the sign-in URL is now {0}; set the metadata anew if that is intended")]
    Host(String),
    /// It was a federation and is none, or the other way round.
    #[error("the metadata is of another kind than before; set it anew if that is intended")]
    Kind,
}

impl Trust {
    /// What is trusted after `fresh` was read from the same place.
    ///
    /// # Errors
    ///
    /// [`RefreshError`] when a person has to decide.
    pub fn refreshed(&self, fresh: Self) -> Result<Self, RefreshError> {
        if self.federation != fresh.federation {
            return Err(RefreshError::Kind);
        }
        let mut providers = Vec::with_capacity(fresh.providers.len());
        for mut provider in fresh.providers {
            match self.provider(&provider.entity_id) {
                Some(known) => {
                    same_hosts(known, &provider)?;
                    if !known.certificates.iter().any(|c| provider.certificates.contains(c)) {
                        provider.certificates.extend(known.certificates.iter().cloned());
                        provider.warnings.push(SWAPPED.to_owned());
                    }
                }
                // Members come and go in a federation; a lone provider does not become another.
                None if self.federation => {}
                None => return Err(RefreshError::EntityId(provider.entity_id)),
            }
            providers.push(provider);
        }
        Ok(Self { providers, unknown: self.unknown.clone(), ..fresh })
    }
}

fn same_hosts(known: &Provider, fresh: &Provider) -> Result<(), RefreshError> {
    for endpoint in &fresh.endpoints {
        let host = host(&endpoint.url);
        if !known.endpoints.iter().any(|known| self::host(&known.url) == host) {
            return Err(RefreshError::Host(endpoint.url.clone()));
        }
    }
    Ok(())
}

/// Scheme, host and port, in lower case.
fn host(url: &str) -> String {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    let origin = url.get(..end).unwrap_or(url);
    origin.split('?').next().unwrap_or(origin).to_ascii_lowercase()
}

/// The warning that goes with a complete change of certificates.
const SWAPPED: &str =
    "every certificate was replaced at once; the old ones are trusted until the next refresh";

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, RequestBinding};
    use super::*;

    fn trust(entity_id: &str, url: &str, certificates: &[&str]) -> Trust {
        let provider = Provider {
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
    fn what_a_newer_version_has_put_beside_the_providers_stays() {
        let (entity, url) = ("https://idp.example", "https://idp.example/sso");
        let mut known = trust(entity, url, &["a"]);
        known.unknown.insert("newer".to_owned(), true.into());
        assert_eq!(known.refreshed(trust(entity, url, &["a"])), Ok(known));
    }

    #[track_caller]
    fn certificates(old: &[&str], new: &[&str], expect: &[&str]) {
        let (entity, url) = ("https://idp.example", "https://idp.example/sso");
        let merged = trust(entity, url, old).refreshed(trust(entity, url, new)).unwrap();
        assert_eq!(merged.providers[0].certificates, expect);
    }

    #[test]
    fn keys_are_rolled_over_but_not_swapped_at_once() {
        certificates(&["a"], &["a", "b"], &["a", "b"]);
        certificates(&["a", "b"], &["b"], &["b"]);
        certificates(&["a"], &["b"], &["b", "a"]);
        certificates(&["b", "a"], &["b"], &["b"]);
    }

    #[test]
    fn another_entity_or_host_needs_a_person() {
        let known = trust("https://idp.example", "https://idp.example/sso", &["a"]);
        let check = |entity, url| known.refreshed(trust(entity, url, &["a"])).err();
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

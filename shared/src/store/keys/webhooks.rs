//! The keys of the rows of webhooks.

use super::Key;
use types::ids::WebhookId;

/// Partition of all webhooks, sorted by id.
pub(in crate::store) const WEBHOOKS: &str = "WEBHOOKS";

impl Key {
    /// The lease for the list of all webhooks.
    pub(in crate::store) fn webhooks_lease() -> Self {
        Self::new("LOCK#webhooks".to_owned(), "LOCK")
    }

    /// The lease for the secret with the secrets of a webhook.
    pub(in crate::store) fn webhook_secrets_lease(id: WebhookId) -> Self {
        Self::new(format!("LOCK#webhooks#{id}"), "LOCK")
    }

    pub(in crate::store) fn webhook(id: WebhookId) -> Self {
        Self::new(WEBHOOKS.to_owned(), id.to_string())
    }

    /// The place of an attempt among the last hundred of a webhook.
    pub(in crate::store) fn webhook_attempt(id: WebhookId, number: u64) -> Self {
        Self::new(webhook_attempts(id), format!("{:02}", number % ATTEMPTS_OF_WEBHOOK))
    }
}

/// Partition of the last attempts of a webhook.
pub(in crate::store) fn webhook_attempts(id: WebhookId) -> String {
    format!("{WEBHOOKS}#{id}")
}

/// Number of attempts that are kept of one webhook.
const ATTEMPTS_OF_WEBHOOK: u64 = 100;

//! `/v1/webhooks`: the endpoints that events are pushed to.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::body::{Created, Json};
use super::caller::Operator;
use super::fields::{PatchField, deserialize_present};
use super::page::{Page, PageQuery};
use super::params::{NoQuery, Path, Query};
use crate::clock::random_uuid;
use crate::event_view;
use crate::http::base_url::BaseUrl;
use crate::http::guarded_client::{Reach, check_url};
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::secrets;
use crate::store::{Attempt, MOST_WEBHOOKS, ProgressChange, StoreError, Webhook};
use crate::webhooks::Sender;
use directory::cursor::Cursor;
use directory::event::EventType;
use directory::webhook::{Message, Outcome, PauseReason, Selection, TEST_TYPE};
use types::ids::{TenantId, WebhookId};

/// A webhook in an answer.
#[derive(Debug, Serialize)]
pub(super) struct WebhookView {
    id: String,
    /// Only in the answer of its creation.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "secrets::text::serialize_option"
    )]
    secret: Option<SecretString>,
    url: String,
    types: Option<Vec<&'static str>>,
    tenants: Option<Vec<TenantId>>,
    created_at: Timestamp,
    status: Status,
    pause_reason: Option<PauseReason>,
    /// Cursor of the feed behind the last event that was delivered or left out.
    cursor: String,
    failing_since: Option<Timestamp>,
    failed_attempts: u32,
    next_attempt_at: Option<Timestamp>,
    last_attempt: Option<AttemptView>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Failing,
    Paused,
}

/// An attempt to send a message.
#[derive(Debug, Serialize)]
pub(super) struct AttemptView {
    at: Timestamp,
    event_id: String,
    event_type: String,
    #[serde(flatten)]
    outcome: OutcomeView,
}

#[derive(Debug, Serialize)]
pub(super) struct OutcomeView {
    delivered: bool,
    status: Option<u16>,
    error: Option<&'static str>,
    duration_ms: u64,
}

/// A new secret of a webhook.
#[derive(Debug, Serialize)]
pub(super) struct RotationView {
    #[serde(serialize_with = "secrets::text::serialize")]
    secret: SecretString,
    /// Until then, messages are signed by the former secret too.
    former_secret_expires_at: Timestamp,
}

impl WebhookView {
    fn new(webhook: Webhook, secret: Option<SecretString>) -> Self {
        let Webhook { id, url, selection, created_at, progress, last_attempt, .. } = webhook;
        let status = match (progress.paused, progress.failing_since) {
            (Some(_), _) => Status::Paused,
            (None, Some(_)) => Status::Failing,
            (None, None) => Status::Active,
        };
        let names = |types: Vec<EventType>| types.iter().map(|one| one.as_str()).collect();
        Self {
            id: id.to_string(),
            secret,
            url,
            types: selection.types.map(names),
            tenants: selection.tenants,
            created_at,
            status,
            pause_reason: progress.paused,
            cursor: progress.cursor.encode(),
            failing_since: progress.failing_since,
            failed_attempts: progress.attempts,
            next_attempt_at: progress.next_attempt_at,
            last_attempt: last_attempt.map(AttemptView::new),
        }
    }
}

impl AttemptView {
    fn new(attempt: Attempt) -> Self {
        let Attempt { number: _, at, event_id, event_type, outcome, duration_ms } = attempt;
        Self { at, event_id, event_type, outcome: OutcomeView::new(outcome, duration_ms) }
    }
}

impl OutcomeView {
    fn new(outcome: Outcome, duration_ms: u64) -> Self {
        Self {
            delivered: outcome.is_success(),
            status: outcome.status(),
            error: outcome.error(),
            duration_ms,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    url: String,
    /// All types without it.
    #[serde(default)]
    types: Option<Vec<String>>,
    /// All tenants without it.
    #[serde(default)]
    tenants: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookPatch {
    #[serde(default, deserialize_with = "deserialize_present")]
    url: Option<String>,
    #[serde(default)]
    types: PatchField<Vec<String>>,
    #[serde(default)]
    tenants: PatchField<Vec<String>>,
    #[serde(default, deserialize_with = "deserialize_present")]
    paused: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// Cursor of the feed behind which delivery goes on, or `now`.
    after: String,
}

/// Creates a webhook. It is sent the events of changes from now on.
pub(super) async fn create(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    headers: HeaderMap,
    Json(body): Json<NewWebhook>,
) -> Result<Created<WebhookView>, OperatorApiError> {
    validate_url(&body.url, reach(&app, &headers))?;
    let types = body.types.as_deref().map(parse_types).transpose()?;
    let tenants = match body.tenants {
        Some(tenants) => Some(parse_tenants(&app, &tenants).await?),
        None => None,
    };
    let selection = Selection { types, tenants };
    let lease = app.store.lease_webhooks(app.clock.now()).await?;
    let created = create_leased(&app, body.url, selection).await;
    app.store.release(lease).await?;
    created.map(Created)
}

async fn create_leased(
    app: &AppState,
    url: String,
    selection: Selection,
) -> Result<WebhookView, OperatorApiError> {
    if app.store.webhooks().await?.len() >= MOST_WEBHOOKS {
        let limit = format!("there are {MOST_WEBHOOKS} webhooks already; delete one first");
        return Err(OperatorApiError::Conflict(limit));
    }
    let head = app.store.feed_head().await?;
    let cursor = event_view::cursor(head, head.position);
    let id = WebhookId::new(random_uuid());
    let webhook = Webhook::new(id, url, selection, cursor, app.clock.now());
    // First the secret: without the row, nobody sees it.
    let secret = app.webhook_secrets.create(id).await?;
    app.store.create_webhook(&webhook).await?;
    Ok(WebhookView::new(webhook, Some(secret.reveal())))
}

pub(super) async fn list(
    _: Operator,
    State(app): State<AppState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<WebhookView>>, OperatorApiError> {
    let webhooks = app.store.webhooks().await?;
    let views = webhooks.into_iter().map(|webhook| WebhookView::new(webhook, None)).collect();
    Ok(Json(page.cut(views, |view: &WebhookView| view.id.as_str())))
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<WebhookView>, OperatorApiError> {
    Ok(Json(WebhookView::new(find(&app, &id).await?, None)))
}

/// Changes the given fields. An endpoint that failed is tried at once.
pub(super) async fn patch(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<WebhookPatch>,
) -> Result<Json<WebhookView>, OperatorApiError> {
    let before = find(&app, &id).await?;
    let mut after = before.clone();
    if let Some(url) = body.url {
        validate_url(&url, reach(&app, &headers))?;
        after.url = url;
    }
    match body.types {
        PatchField::Keep => {}
        PatchField::Clear => after.selection.types = None,
        PatchField::Set(types) => after.selection.types = Some(parse_types(&types)?),
    }
    match body.tenants {
        PatchField::Keep => {}
        PatchField::Clear => after.selection.tenants = None,
        PatchField::Set(tenants) => {
            after.selection.tenants = Some(parse_tenants(&app, &tenants).await?);
        }
    }
    let progress = match body.paused {
        Some(true) => ProgressChange::Pause,
        Some(false) => ProgressChange::Resume,
        None => ProgressChange::Retry,
    };
    change(&app, &before, &after, progress).await
}

/// Deletes the webhook, its secrets and its attempts.
pub(super) async fn delete(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, OperatorApiError> {
    let id = find(&app, &id).await?.id;
    // The row last, so that the same request finds the work that a failure left.
    app.webhook_secrets.delete(id).await?;
    app.store.delete_webhook(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Creates another secret. For a day, messages are signed by both.
pub(super) async fn rotate(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<RotationView>, OperatorApiError> {
    let id = find(&app, &id).await?.id;
    let (secret, former_secret_expires_at) =
        app.webhook_secrets.rotate(id, app.clock.now()).await?;
    raise_version(&app, id).await?;
    Ok(Json(RotationView { secret: secret.reveal(), former_secret_expires_at }))
}

/// Makes deliverers read the secrets anew. A version that another request raises meanwhile serves as
/// well: the secret is written already.
async fn raise_version(app: &AppState, id: WebhookId) -> Result<(), OperatorApiError> {
    let webhook = app.store.webhook(id).await?.ok_or(NO_WEBHOOK)?;
    match app.store.change_webhook(&webhook, &webhook, ProgressChange::Keep).await {
        Ok(_) | Err(StoreError::VersionMismatch) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lists the last hundred attempts, newest first.
pub(super) async fn deliveries(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Page<AttemptView>>, OperatorApiError> {
    let id = find(&app, &id).await?.id;
    let attempts = app.store.webhook_attempts(id, app.clock.now()).await?;
    let items = attempts.into_iter().map(AttemptView::new).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Goes on behind another cursor of the feed: sends events again, or leaves some out.
pub(super) async fn replay(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
    Json(Replay { after }): Json<Replay>,
) -> Result<Json<WebhookView>, OperatorApiError> {
    let webhook = find(&app, &id).await?;
    let head = app.store.feed_head().await?;
    let position = if after == "now" {
        head.position
    } else {
        let cursor = Cursor::decode(&after)
            .map_err(|error| OperatorApiError::Invalid(format!("after is {error}")))?;
        event_view::position(head, cursor).ok_or_else(|| {
            OperatorApiError::Invalid("after is a cursor of another feed".to_owned())
        })?
    };
    let cursor = event_view::cursor(head, position);
    change(&app, &webhook, &webhook, ProgressChange::Replay(cursor)).await
}

/// Sends a message of the type `webhook.test`, which is no event, and returns the outcome.
pub(super) async fn test(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OutcomeView>, OperatorApiError> {
    let webhook = find(&app, &id).await?;
    let now = app.clock.now();
    let secrets = app.webhook_secrets.live(webhook.id, webhook.version, now).await?;
    let sender = Sender::new(reach(&app, &headers)).map_err(OperatorApiError::Tls)?;
    let event = format!("evt_{}", random_uuid().simple());
    let body = json!({"id": event, "type": TEST_TYPE, "at": now, "data": {}}).to_string();
    let message = Message { id: &event, sent_at: now, body: &body };
    let sent = sender.send(&webhook.url, &message, &secrets).await;
    Ok(Json(OutcomeView::new(sent.outcome, sent.duration_ms)))
}

async fn find(app: &AppState, id: &str) -> Result<Webhook, OperatorApiError> {
    let id = id.parse().map_err(|_| NO_WEBHOOK)?;
    app.store.webhook(id).await?.ok_or(NO_WEBHOOK)
}

async fn change(
    app: &AppState,
    before: &Webhook,
    after: &Webhook,
    progress: ProgressChange,
) -> Result<Json<WebhookView>, OperatorApiError> {
    match app.store.change_webhook(before, after, progress).await {
        Ok(webhook) => Ok(Json(WebhookView::new(webhook, None))),
        Err(StoreError::NotFound) => Err(NO_WEBHOOK),
        Err(error) => Err(error.into()),
    }
}

/// The hosts that an endpoint may be on: also this machine, in `local`.
fn reach(app: &AppState, headers: &HeaderMap) -> Reach {
    let local = BaseUrl::of(&app.config, headers).is_loopback_http();
    if local { Reach::Loopback } else { Reach::Internet }
}

fn validate_url(url: &str, reach: Reach) -> Result<(), OperatorApiError> {
    let checked = check_url(url, reach);
    checked.map(drop).map_err(|error| OperatorApiError::Invalid(format!("url: {error}")))
}

fn parse_types(names: &[String]) -> Result<Vec<EventType>, OperatorApiError> {
    validate_length("types", names.len(), EventType::ALL.len())?;
    let parse = |name: &String| {
        let unknown = |_| OperatorApiError::Invalid(format!("types: {name:?} is no event type"));
        name.parse::<EventType>().map_err(unknown)
    };
    let types: BTreeSet<EventType> = names.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(types.into_iter().collect())
}

/// Reads ids of tenants, which must exist: an unknown one is a mistake that would be found late.
async fn parse_tenants(app: &AppState, ids: &[String]) -> Result<Vec<TenantId>, OperatorApiError> {
    validate_length("tenants", ids.len(), MOST_TENANTS)?;
    let unknown = |id: &str| OperatorApiError::Invalid(format!("tenants: no tenant {id:?}"));
    let parse = |id: &String| id.parse::<TenantId>().map_err(|_| unknown(id));
    let wanted: BTreeSet<TenantId> = ids.iter().map(parse).collect::<Result<_, _>>()?;
    let found = app.store.tenants_among(&wanted).await?;
    let found: BTreeSet<TenantId> = found.into_iter().map(|tenant| tenant.id).collect();
    match wanted.difference(&found).next() {
        Some(missing) => Err(unknown(&missing.to_string())),
        None => Ok(wanted.into_iter().collect()),
    }
}

fn validate_length(field: &str, length: usize, most: usize) -> Result<(), OperatorApiError> {
    if (1..=most).contains(&length) {
        return Ok(());
    }
    let rule = format!("{field} must hold 1 to {most} values; leave it out, or null, for all");
    Err(OperatorApiError::Invalid(rule))
}

const NO_WEBHOOK: OperatorApiError = OperatorApiError::NotFound("webhook");

/// Tenants that a webhook selects by name. More are better left to the receiver.
const MOST_TENANTS: usize = 100;

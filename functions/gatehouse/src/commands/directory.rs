//! `gatehouse users`, `gatehouse groups` and `gatehouse activity`: what the identity provider has
//! provisioned, and the activity log.
//!
//! Read-only: only SCIM writes users and groups.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::api::{Api, Paging, segment, with_query};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, fields, table, text_at, time_at};
use crate::tenant::Tenant;

/// Users of a tenant.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// List the users, ordered by id.
    #[command(
        after_help = "Examples:\n  gatehouse users list customer-17\n  gatehouse users list customer-17 --email ada@acme.com\n  gatehouse users list customer-17 --all --json | jq .items"
    )]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// List only the user with this `userName`.
        #[arg(long, value_name = "NAME")]
        user_name: Option<String>,
        /// List only users with this e-mail address.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// List only users with this `externalId`.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a user with its links and sessions.
    #[command(
        after_help = "Example:\n  gatehouse users show customer-17 2f6d1c84-9a0b-4c3e-8d57-1b2a3c4d5e6f"
    )]
    Show {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Id of the user, as in `gatehouse users list`.
        user: String,
    },
}

/// Groups of a tenant.
#[derive(Debug, Subcommand)]
pub enum Groups {
    /// List the groups, ordered by id.
    #[command(after_help = "Example:\n  gatehouse groups list customer-17")]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// List the members of a group, ordered by id.
    #[command(
        after_help = "Example:\n  gatehouse groups members customer-17 6f6c1d0e-1d0b-4c43-8d3b-0e6a1b1f9a55"
    )]
    Members {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Id of the group.
        group: String,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
}

/// The activity log of a tenant.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  gatehouse activity customer-17 --limit 20")]
pub struct Activity {
    /// Id, external id or name of the tenant.
    tenant: String,
    /// Which part of the log.
    #[command(flatten)]
    paging: Paging,
}

pub(crate) async fn users(api: &Api, command: Users) -> Result<Output, Error> {
    match command {
        Users::List { tenant, user_name, email, external_id, paging } => {
            let parameters = [
                ("user_name", user_name.as_deref()),
                ("email", email.as_deref()),
                ("external_id", external_id.as_deref()),
            ];
            let path = Tenant::find(api, &tenant).await?.path("/users");
            let list = api.list(&with_query(&path, &parameters), &paging).await?;
            Ok(Output::list(list, &USERS, "No users."))
        }
        Users::Show { tenant, user } => {
            let path = format!("/users/{}", segment(&user));
            let user = api.get(&Tenant::find(api, &tenant).await?.path(&path)).await?;
            let text = describe(&user);
            Ok(Output::new(user, text))
        }
    }
}

fn describe(user: &Value) -> String {
    let head = fields(&[
        ("Id", text_at(user, "/id")),
        ("User name", text_at(user, "/user_name")),
        ("External id", text_at(user, "/external_id")),
        ("Name", text_at(user, "/display_name")),
        ("Active", text_at(user, "/active")),
        ("Licence", text_at(user, "/license")),
        ("Seated", text_at(user, "/seated")),
        ("Created", time_at(user, "/created_at")),
        ("Changed", time_at(user, "/last_modified_at")),
    ]);
    let list = |name: &str, columns: &[Column]| {
        let items = user.get(name).and_then(Value::as_array).filter(|items| !items.is_empty());
        items.map_or_else(|| format!("No {name}."), |items| table(items, columns))
    };
    format!("{head}\n\n{}\n\n{}", list("links", &LINKS), list("sessions", &SESSIONS))
}

pub(crate) async fn groups(api: &Api, command: Groups) -> Result<Output, Error> {
    match command {
        Groups::List { tenant, paging } => {
            let path = Tenant::find(api, &tenant).await?.path("/groups");
            Ok(Output::list(api.list(&path, &paging).await?, &GROUPS, "No groups."))
        }
        Groups::Members { tenant, group, paging } => {
            let path = format!("/groups/{}/members", segment(&group));
            let path = Tenant::find(api, &tenant).await?.path(&path);
            Ok(Output::list(api.list(&path, &paging).await?, &MEMBERS, "No members."))
        }
    }
}

pub(crate) async fn activity(api: &Api, command: Activity) -> Result<Output, Error> {
    let Activity { tenant, paging } = command;
    let path = Tenant::find(api, &tenant).await?.path("/activity");
    Ok(Output::list(api.list(&path, &paging).await?, &ACTIVITY, "No activity yet."))
}

const USERS: [Column; 5] = [
    ("ID", |user| text_at(user, "/id")),
    ("USER NAME", |user| text_at(user, "/user_name")),
    ("ACTIVE", |user| text_at(user, "/active")),
    ("LICENCE", |user| text_at(user, "/license")),
    ("CHANGED", |user| time_at(user, "/last_modified_at")),
];

const LINKS: [Column; 5] = [
    ("LINK", |link| text_at(link, "/connection")),
    ("ISSUER", |link| text_at(link, "/issuer")),
    ("KIND", |link| text_at(link, "/kind")),
    ("FIRST USED", |link| time_at(link, "/first_used_at")),
    ("LAST USED", |link| time_at(link, "/last_used_at")),
];

const SESSIONS: [Column; 5] = [
    ("SESSION", |session| text_at(session, "/client_id")),
    ("CONNECTION", |session| text_at(session, "/connection")),
    ("SIGNED IN", |session| time_at(session, "/signed_in_at")),
    ("LAST USED", |session| time_at(session, "/last_used_at")),
    ("EXPIRES", |session| time_at(session, "/expires_at")),
];

const GROUPS: [Column; 3] = [
    ("ID", |group| text_at(group, "/id")),
    ("NAME", |group| text_at(group, "/display_name")),
    ("CHANGED", |group| time_at(group, "/last_modified_at")),
];

const MEMBERS: [Column; 3] = [
    ("ID", |member| text_at(member, "/id")),
    ("TYPE", |member| text_at(member, "/type")),
    ("NAME", |member| text_at(member, "/display")),
];

const ACTIVITY: [Column; 4] = [
    ("TIME", |entry| time_at(entry, "/at")),
    ("ACTOR", |entry| text_at(entry, "/actor")),
    ("ACTION", |entry| text_at(entry, "/action")),
    ("DETAIL", |entry| text_at(entry, "/detail")),
];

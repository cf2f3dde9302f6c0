//! `gatehouse users`, `gatehouse groups` and `gatehouse activity`: what the identity provider has
//! provisioned, and the activity log.
//!
//! Read-only: only SCIM writes users and groups.

use clap::{Args, Subcommand};

use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::output::Output;
use crate::render::{Column, text_at, time_at};
use crate::tenant::Tenant;

/// Users of a tenant.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// List the users, ordered by id.
    #[command(
        after_help = "Examples:\n  gatehouse users list customer-17\n  gatehouse users list customer-17 --all --json | jq .items"
    )]
    List {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
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
    let Users::List { tenant, paging } = command;
    let path = Tenant::find(api, &tenant).await?.path("/users");
    Ok(Output::list(api.list(&path, &paging).await?, &USERS, "No users."))
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

//! `gatehouse users`, `gatehouse groups`, `gatehouse activity`: what the identity provider put
//! here. Read-only: users and groups are written by SCIM alone.

use clap::{Args, Subcommand};

use super::Shown;
use crate::api::{Api, Paging, segment};
use crate::error::Error;
use crate::render::{Column, at, time};
use crate::tenant::Tenant;

/// Users of a tenant.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Lists them, in order of id.
    #[command(
        after_help = "Examples:\n  gatehouse users list customer-17\n  gatehouse users list customer-17 --all --json | jq .items"
    )]
    List {
        /// Id, external id or name.
        tenant: String,
        /// How much.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Groups of a tenant.
#[derive(Debug, Subcommand)]
pub enum Groups {
    /// Lists them, in order of id.
    #[command(after_help = "Example:\n  gatehouse groups list customer-17")]
    List {
        /// Id, external id or name.
        tenant: String,
        /// How much.
        #[command(flatten)]
        paging: Paging,
    },
    /// Lists the members of one, in order of id.
    #[command(
        after_help = "Example:\n  gatehouse groups members customer-17 6f6c1d0e-1d0b-4c43-8d3b-0e6a1b1f9a55"
    )]
    Members {
        /// Id, external id or name.
        tenant: String,
        /// The group's id.
        group: String,
        /// How much.
        #[command(flatten)]
        paging: Paging,
    },
}

/// What happened to a tenant.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  gatehouse activity customer-17 --limit 20")]
pub struct Activity {
    /// Id, external id or name.
    tenant: String,
    /// How much.
    #[command(flatten)]
    paging: Paging,
}

pub(crate) async fn users(api: &Api, command: Users) -> Result<Shown, Error> {
    let Users::List { tenant, paging } = command;
    let path = Tenant::find(api, &tenant).await?.path("/users");
    Ok(Shown::list(api.list(&path, &paging).await?, &USERS, "No user."))
}

pub(crate) async fn groups(api: &Api, command: Groups) -> Result<Shown, Error> {
    match command {
        Groups::List { tenant, paging } => {
            let path = Tenant::find(api, &tenant).await?.path("/groups");
            Ok(Shown::list(api.list(&path, &paging).await?, &GROUPS, "No group."))
        }
        Groups::Members { tenant, group, paging } => {
            let path = format!("/groups/{}/members", segment(&group));
            let path = Tenant::find(api, &tenant).await?.path(&path);
            Ok(Shown::list(api.list(&path, &paging).await?, &MEMBERS, "No member."))
        }
    }
}

pub(crate) async fn activity(api: &Api, command: Activity) -> Result<Shown, Error> {
    let Activity { tenant, paging } = command;
    let path = Tenant::find(api, &tenant).await?.path("/activity");
    Ok(Shown::list(api.list(&path, &paging).await?, &ACTIVITY, "Nothing happened yet."))
}

const USERS: [Column; 5] = [
    ("ID", |user| at(user, "/id")),
    ("USER NAME", |user| at(user, "/user_name")),
    ("ACTIVE", |user| at(user, "/active")),
    ("LICENCE", |user| at(user, "/license")),
    ("CHANGED", |user| time(user, "/last_modified_at")),
];

const GROUPS: [Column; 3] = [
    ("ID", |group| at(group, "/id")),
    ("NAME", |group| at(group, "/display_name")),
    ("CHANGED", |group| time(group, "/last_modified_at")),
];

const MEMBERS: [Column; 3] = [
    ("ID", |member| at(member, "/id")),
    ("TYPE", |member| at(member, "/type")),
    ("NAME", |member| at(member, "/display")),
];

const ACTIVITY: [Column; 4] = [
    ("WHEN", |entry| time(entry, "/at")),
    ("WHO", |entry| at(entry, "/actor")),
    ("WHAT", |entry| at(entry, "/action")),
    ("DETAIL", |entry| at(entry, "/detail")),
];

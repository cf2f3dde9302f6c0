//! Apps: the OpenID Connect clients. They belong to the deployment, not to a tenant: one app serves
//! all customers.
//!
//! Redirect URIs with private-use schemes are an attribute of their own, because an earlier version
//! cannot read a list of URLs that has one.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

use super::item::{
    Item, corrupt, flag, json, parsed, take_json, take_optional_text, take_text, text,
};
use super::keys::{CLIENTS, Key};
use super::read::{Consistency, Range, SortKeys};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use oidc::client::{Client, ClientId};
use oidc::pkce::Pkce;
use oidc::redirect_uri::{AppUrl, RedirectUri};

pub(super) fn from_row(mut row: Item) -> Result<Client, StoreError> {
    let urls: Vec<AppUrl> = take_json(&mut row, URLS)?;
    let mut redirect_uris: Vec<RedirectUri> = urls.into_iter().map(RedirectUri::from).collect();
    redirect_uris.append(&mut take_list(&mut row, PRIVATE_USE)?);
    Ok(Client {
        id: parsed(&row, "id")?,
        created_at: parsed(&row, "ca")?,
        name: take_text(&mut row, "nm")?,
        secret_sha256: take_optional_text(&mut row, "sha"),
        pkce: if flag(&row, "np") { Pkce::Optional } else { Pkce::Required },
        redirect_uris,
        post_logout_redirect_uris: take_list(&mut row, POST_LOGOUT)?,
        web_origins: take_list(&mut row, ORIGINS)?,
        initiate_login_uri: take_optional_text(&mut row, "init")
            .map(|url| url.try_into().map_err(|_| corrupt(&row, "init")))
            .transpose()?,
    })
}

fn to_row(client: &Client) -> Result<Item, StoreError> {
    let mut row = Key::client(&client.id).item();
    row.extend([
        ("id".to_owned(), text(client.id.as_str())),
        ("nm".to_owned(), text(&client.name)),
        ("ca".to_owned(), text(client.created_at.to_string())),
    ]);
    row.extend(
        lists(client)?.into_iter().filter_map(|(name, list)| Some((name.to_owned(), list?))),
    );
    if let Some(digest) = &client.secret_sha256 {
        row.insert("sha".to_owned(), text(digest));
    }
    if client.pkce == Pkce::Optional {
        row.insert("np".to_owned(), AttributeValue::Bool(true));
    }
    if let Some(url) = &client.initiate_login_uri {
        row.insert("init".to_owned(), text(url.as_str()));
    }
    Ok(row)
}

/// Takes a list out of a row that lacks it if it is empty.
fn take_list<T: DeserializeOwned>(
    row: &mut Item,
    name: &'static str,
) -> Result<Vec<T>, StoreError> {
    if row.contains_key(name) { take_json(row, name) } else { Ok(Vec::new()) }
}

/// Returns the lists of a client by attribute; `None` for one that the row lacks because it is
/// empty.
fn lists(client: &Client) -> Result<[(&'static str, Option<AttributeValue>); 4], StoreError> {
    let (private_use, urls): (Vec<_>, Vec<_>) =
        client.redirect_uris.iter().partition(|uri| uri.is_private_use());
    let key = Key::client(&client.id);
    let list = |is_empty: bool, list: Result<AttributeValue, StoreError>| {
        if is_empty { Ok(None) } else { list.map(Some) }
    };
    let (post_logout, origins) = (&client.post_logout_redirect_uris, &client.web_origins);
    Ok([
        (URLS, Some(json(&key, &urls)?)),
        (PRIVATE_USE, list(private_use.is_empty(), json(&key, &private_use))?),
        (POST_LOGOUT, list(post_logout.is_empty(), json(&key, post_logout))?),
        (ORIGINS, list(origins.is_empty(), json(&key, origins))?),
    ])
}

impl Store {
    /// Creates an app. Its id must be new.
    pub async fn create_client(&self, client: &Client) -> Result<(), StoreError> {
        match self.commit(&[((), Write::insert(to_row(client)?))]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// Reads the app with this id.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.get(&Key::client(id)).await?.map(from_row).transpose()
    }

    /// Reads apps whose id follows `last`, in id order; from the first without it.
    pub async fn clients(
        &self,
        last: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        let mut range = Range::all(CLIENTS.to_owned(), Consistency::Strong);
        range.sort_keys = last.map(|last| SortKeys::After(last.as_str().to_owned()));
        self.query(&range, limit).await?.into_iter().map(from_row).collect()
    }

    /// Replaces an app that was read, unless its URLs have changed since.
    pub async fn replace_client(&self, before: &Client, after: &Client) -> Result<(), StoreError> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (name, list) in lists(before)? {
            conditions.push(match &list {
                Some(_) => format!("{name} = :{name}"),
                None => format!("attribute_not_exists({name})"),
            });
            values.extend(list.map(|list| (format!(":{name}"), list)));
        }
        let optional = ["sha", "np", "init", PRIVATE_USE, POST_LOGOUT, ORIGINS];
        let replaced = Write::replace(to_row(after)?, &optional).when(conditions.join(" AND "));
        let replaced =
            values.into_iter().fold(replaced, |write, (name, list)| write.bind(&name, list));
        match self.commit(&[((), replaced)]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// Deletes an app: from now on none of its codes and tokens is valid. Returns `false` when
    /// there is no such app.
    pub async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let delete = Write::delete(Key::client(id)).when("attribute_exists(pk)");
        Ok(matches!(self.commit(&[((), delete)]).await?, Commit::Done))
    }
}

const URLS: &str = "uris";
const PRIVATE_USE: &str = "puris";
const POST_LOGOUT: &str = "plo";
const ORIGINS: &str = "wo";

//! Apps: the OpenID Connect clients. They belong to the deployment, not to a tenant: one app serves
//! all customers.

use aws_sdk_dynamodb::types::AttributeValue;

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

pub(super) fn from_row(mut row: Item) -> Result<Client, StoreError> {
    Ok(Client {
        id: parsed(&row, "id")?,
        created_at: parsed(&row, "ca")?,
        name: take_text(&mut row, "nm")?,
        secret_sha256: take_optional_text(&mut row, "sha"),
        pkce: if flag(&row, "np") { Pkce::Optional } else { Pkce::Required },
        redirect_uris: take_json(&mut row, "uris")?,
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
        ("uris".to_owned(), uris(client)?),
    ]);
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

fn uris(client: &Client) -> Result<AttributeValue, StoreError> {
    json(&Key::client(&client.id), &client.redirect_uris)
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
        let replaced = Write::replace(to_row(after)?, &["sha", "np", "init"])
            .when("uris = :uris")
            .bind(":uris", uris(before)?);
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

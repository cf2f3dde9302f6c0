//! Apps. They belong to the deployment, not to a tenant: the same app serves all customers.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::item::{Item, flag, parsed, take_optional_text, take_text, text};
use super::keys::{CLIENTS, Key};
use super::read::{Consistency, Range, SortKeys};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use oidc::client::{Client, ClientId};
use oidc::pkce::Pkce;

fn read(mut item: Item) -> Result<Client, StoreError> {
    let redirect_uris = take_text(&mut item, "uris")?;
    Ok(Client {
        id: parsed(&item, "id")?,
        created_at: parsed::<Timestamp>(&item, "ca")?,
        name: take_text(&mut item, "nm")?,
        secret_sha256: take_optional_text(&mut item, "sha"),
        pkce: if flag(&item, "np") { Pkce::Optional } else { Pkce::Required },
        redirect_uris: serde_json::from_str(&redirect_uris)
            .map_err(|_| StoreError::Corrupt("uris"))?,
        initiate_login_uri: take_optional_text(&mut item, "init")
            .map(|url| url.try_into().map_err(|_| StoreError::Corrupt("init")))
            .transpose()?,
    })
}

fn row(client: &Client) -> Result<Item, StoreError> {
    let mut item = Key::client(&client.id).item();
    item.extend([
        ("id".to_owned(), text(client.id.as_str())),
        ("nm".to_owned(), text(&client.name)),
        ("ca".to_owned(), text(client.created_at.to_string())),
        ("uris".to_owned(), text(uris(client)?)),
    ]);
    if let Some(digest) = &client.secret_sha256 {
        item.insert("sha".to_owned(), text(digest));
    }
    if client.pkce == Pkce::Optional {
        item.insert("np".to_owned(), AttributeValue::Bool(true));
    }
    if let Some(url) = &client.initiate_login_uri {
        item.insert("init".to_owned(), text(url.as_str()));
    }
    Ok(item)
}

fn uris(client: &Client) -> Result<String, StoreError> {
    serde_json::to_string(&client.redirect_uris).map_err(StoreError::unavailable)
}

impl Store {
    /// Registers an app. Its id must be new.
    pub async fn create_client(&self, client: &Client) -> Result<(), StoreError> {
        match self.commit(&[((), Write::insert(row(client)?))]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// The app with this id.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.get(&Key::client(id)).await?.map(read).transpose()
    }

    /// Apps whose id follows `last`, in id order; from the first without it.
    pub async fn clients(
        &self,
        last: Option<&ClientId>,
        limit: usize,
    ) -> Result<Vec<Client>, StoreError> {
        let mut range = Range::all(CLIENTS.to_owned(), Consistency::Strong);
        range.sort_keys = last.map(|last| SortKeys::After(last.as_str().to_owned()));
        self.query(&range, limit).await?.into_iter().map(read).collect()
    }

    /// Replaces an app that was read, unless its URLs have changed since.
    pub async fn replace_client(&self, before: &Client, after: &Client) -> Result<(), StoreError> {
        let replaced = Write::replace(row(after)?, &["sha", "np", "init"])
            .when("uris = :uris")
            .bind(":uris", text(uris(before)?));
        match self.commit(&[((), replaced)]).await? {
            Commit::Done => Ok(()),
            Commit::Refused(_) => Err(StoreError::VersionMismatch),
        }
    }

    /// Removes an app: from now on none of its codes and tokens counts. `false` when there is no
    /// such app.
    pub async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let delete = Write::delete(Key::client(id)).when("attribute_exists(pk)");
        Ok(matches!(self.commit(&[((), delete)]).await?, Commit::Done))
    }
}

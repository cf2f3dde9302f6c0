//! Steps about domains, connections, users and the end of sessions.

use axum::http::Method;
use harness::Answer;
use harness::dns::DnsAnswer;
use harness::saml::metadata;
use serde_json::{Value, json};

use super::super::oracle::{
    Connection, Name, PROVIDERS, Provider, SCOPES, Settings, Tenant, Trust, User, UserIndex,
};
use super::super::step::{Person, Whose};
use super::{World, key_of};

impl World {
    pub(super) async fn operator(
        &self,
        method: Method,
        tenant: Tenant,
        rest: &str,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/v1/tenants/{}/{rest}", self.tenants[tenant].id);
        self.test.operator(method, &path, body).await
    }

    pub(super) async fn domain(&self, method: Method, tenant: Tenant, rest: &str) -> Answer {
        self.operator(method, tenant, &format!("domains/{rest}"), None).await
    }

    pub(super) async fn claim(&mut self, tenant: Tenant, domain: Name, by_operator: bool) {
        let body = if by_operator { json!({"verified_by": "operator"}) } else { json!({}) };
        let path = format!("domains/{domain}");
        let answer = self.operator(Method::PUT, tenant, &path, Some(body)).await;
        let expected = if by_operator {
            self.oracle.verify_by_word(tenant, domain)
        } else {
            self.oracle.claim(tenant, domain);
            200
        };
        assert_eq!(answer.status, expected, "{}", answer.body());
    }

    /// Publishes the record of a claim, or removes it; records of the other tenant stay.
    pub(super) async fn publish(&mut self, tenant: Tenant, domain: Name, is_published: bool) {
        if is_published && self.oracle.claims.contains_key(&(tenant, domain)) {
            self.oracle.records.insert((tenant, domain));
        } else {
            self.oracle.records.remove(&(tenant, domain));
        }
        let mut values = vec!["v=spf1 -all".to_owned()];
        for holder in [0, 1] {
            if self.oracle.records.contains(&(holder, domain)) {
                let claim = self.domain(Method::GET, holder, domain).await.expect(200).json();
                values.push(claim["txt"]["value"].as_str().unwrap().to_owned());
            }
        }
        self.dns.set(&format!("_gatehouse.{domain}"), DnsAnswer::Txt(values));
    }

    pub(super) async fn connect(
        &mut self,
        tenant: Tenant,
        name: Name,
        settings: Settings,
        trust: Option<Trust>,
    ) {
        let known = self.oracle.connections.get(name).cloned();
        // A new connection needs metadata.
        let Some(after) = trust.or_else(|| known.as_ref().map(|known| known.trust)) else { return };
        let Settings { enabled, jit, allow_idp_initiated, domains } = &settings;
        let mut body = json!({
            "enabled": enabled,
            "jit": jit,
            "allow_idp_initiated": allow_idp_initiated,
        });
        if let Some(domains) = domains {
            body["domains"] = json!(domains);
        }
        if let Some(trust) = trust {
            body["idp_metadata_xml"] = metadata_of(trust).into();
        }
        let path = format!("connections/{name}");
        let answer = self.operator(Method::PUT, tenant, &path, Some(body)).await;
        let is_taken = known.is_some_and(|known| known.tenant != tenant);
        assert_eq!(answer.status, if is_taken { 409 } else { 200 }, "{}", answer.body());
        if !is_taken {
            self.oracle.change(|oracle| {
                oracle.connections.insert(name, Connection { tenant, settings, trust: after });
            });
        }
    }

    pub(super) async fn disconnect(&mut self, tenant: Tenant, name: Name) {
        let path = format!("connections/{name}");
        let answer = self.operator(Method::DELETE, tenant, &path, None).await;
        let is_own = self.oracle.connections.get(name).is_some_and(|known| known.tenant == tenant);
        assert_eq!(answer.status, if is_own { 204 } else { 404 });
        if is_own {
            self.oracle.change(|oracle| {
                oracle.connections.remove(name);
            });
        }
    }

    pub(super) async fn scim(
        &self,
        tenant: Tenant,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.test.scim_as(&self.tenants[tenant].token, method, path, body).await
    }

    pub(super) async fn provision(&mut self, tenant: Tenant, person: &Person) {
        let body = user_document(person, true);
        let answer = self.scim(tenant, Method::POST, "/Users", Some(body)).await;
        if self.oracle.is_name_taken(tenant, person.user_name, None) {
            assert_eq!(answer.status, 409, "{}", answer.body());
        } else {
            let id = answer.expect(201).text("id");
            self.add_user(id, user_of(tenant, person, true));
        }
    }

    pub(super) fn add_user(&mut self, id: String, user: User) {
        self.users.push(id);
        self.oracle.users.push(user);
    }

    /// A user that is not deleted.
    pub(super) fn pick_user(&self, number: usize) -> Option<(UserIndex, Tenant, String)> {
        let index = number.checked_rem(self.users.len())?;
        let user = &self.oracle.users[index];
        (!user.is_deleted).then(|| (index, user.tenant, self.users[index].clone()))
    }

    pub(super) async fn update(&mut self, number: usize, person: &Person, active: bool) {
        let Some((index, tenant, id)) = self.pick_user(number) else { return };
        let body = user_document(person, active);
        let answer = self.scim(tenant, Method::PUT, &format!("/Users/{id}"), Some(body)).await;
        if self.oracle.is_name_taken(tenant, person.user_name, Some(index)) {
            assert_eq!(answer.status, 409, "{}", answer.body());
        } else {
            answer.expect(200);
            self.oracle.replace_user(index, user_of(tenant, person, active));
        }
    }

    pub(super) async fn remove(&mut self, number: usize) {
        let Some((index, tenant, id)) = self.pick_user(number) else { return };
        self.scim(tenant, Method::DELETE, &format!("/Users/{id}"), None).await.expect(204);
        self.oracle.delete_user(index);
        let id = id.parse().unwrap();
        let tenant = self.tenants[tenant].id.parse().unwrap();
        let links = self.test.app.store.links(tenant, id).await.unwrap();
        assert!(links.is_empty(), "rule 14: {links:?}");
    }

    pub(super) async fn unlink(&mut self, number: usize, name: Name) {
        let Some((index, tenant, id)) = self.pick_user(number) else { return };
        self.operator(Method::DELETE, tenant, &format!("users/{id}/links/{name}"), None).await;
        self.oracle.unlink(index, name);
    }

    pub(super) async fn end_sessions(&mut self, whose: Whose) {
        let (tenant, rest) = match whose {
            Whose::Tenant(tenant) => (tenant, "end-sessions".to_owned()),
            Whose::Connection(name) => {
                let Some(known) = self.oracle.connections.get(name) else { return };
                (known.tenant, format!("connections/{name}/end-sessions"))
            }
            Whose::User(number) => {
                let Some((_, tenant, id)) = self.pick_user(number) else { return };
                (tenant, format!("users/{id}/end-sessions"))
            }
        };
        self.operator(Method::POST, tenant, &rest, None).await.expect(204);
        match whose {
            Whose::Tenant(tenant) => self.oracle.end(|sign_in| sign_in.tenant == tenant),
            Whose::Connection(name) => self.oracle.end(|sign_in| sign_in.connection == name),
            Whose::User(number) => {
                if let Some((index, ..)) = self.pick_user(number) {
                    self.oracle.end(|sign_in| sign_in.user == index);
                }
            }
        }
    }
}

fn metadata_of(trust: Trust) -> String {
    let role = |provider: Provider| {
        metadata::descriptor(
            &metadata::key("use=\"signing\"", key_of(provider)),
            &metadata::services(),
        )
    };
    match trust {
        Trust::One(provider) => metadata::entity(PROVIDERS[provider], &role(provider)),
        Trust::Federation => {
            let members = trust.providers().into_iter().map(|provider| {
                let scope = format!(
                    "<md:Extensions><shibmd:Scope xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" \
                     regexp=\"false\">{}</shibmd:Scope></md:Extensions>",
                    SCOPES[provider]
                );
                let xml = metadata::entity(PROVIDERS[provider], &format!("{scope}{}", role(provider)));
                xml.replacen("ID=\"_m", &format!("ID=\"_m{provider}"), 1)
            });
            metadata::federation(&members.collect::<String>())
        }
    }
}

fn user_document(person: &Person, active: bool) -> Value {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": person.user_name,
        "active": active,
    });
    if let Some(id) = person.external_id {
        body["externalId"] = id.into();
    }
    if let Some(address) = person.address {
        body["emails"] = json!([{"value": address, "primary": true}]);
    }
    body
}

fn user_of(tenant: Tenant, person: &Person, active: bool) -> User {
    User {
        tenant,
        user_name: person.user_name.to_owned(),
        external_id: person.external_id,
        address: person.address.map(str::to_owned),
        active,
        is_deleted: false,
        is_of_sign_in: false,
    }
}

//! Decrypts the encrypted parts of an assertion: the `EncryptedID` and each `EncryptedAttribute`
//! (SAML core §2.2.4, §2.7.3.2).
//!
//! Invariant (*no oracle*): a tenant could have its own provider sign an assertion around the
//! ciphertext of another tenant, since our keys serve all. So a plaintext is used only if it shows
//! that it is for this connection; every other one gets the same answer as one that our keys do not
//! open.
//!
//! The text of an AES-CBC plaintext can be changed in one block at the price of the block before. So
//! there only a `NameID` that names our entity id counts: a change at its end, where the entity ids
//! of connections differ, destroys the part that they share. An address could be given another
//! domain behind a destroyed part of its name.

use roxmltree::Node;

use super::verification::Verification;
use crate::assertion::{Attribute, Claims, NameId};
use crate::checks::CheckId;
use crate::decryption::{Decrypted, DecryptionError, Encrypted};
use crate::error::SamlError;
use crate::in_place::{Place, only_element};
use crate::names::ASSERTION;
use crate::shape;
use crate::xml::{StrictDocument, XmlError, require_name};
use types::email_address::EmailAddress;

impl Verification<'_> {
    /// Decrypts the parts and adds them to the claims. Records check 11 for the `EncryptedID`.
    /// Returns the number of encrypted attributes that are not used.
    pub(super) fn decrypt_parts(&mut self, claims: &mut Claims) -> usize {
        if let Some(encrypted) = claims.encrypted_id.take() {
            match encrypted.and_then(|encrypted| self.decrypt_name_id(&encrypted)) {
                Ok(name_id) => {
                    claims.name_id = Some(name_id);
                    self.checks.pass(CheckId::Decryption, "", "decrypted");
                }
                Err(error) => self.fail(SamlError::Decryption(error)),
            }
        }
        let encrypted: Vec<_> = claims.encrypted_attributes.drain(..).flatten().collect();
        let decrypted = encrypted.iter().filter_map(|part| self.decrypt_attribute(part).ok());
        let known = claims.attributes.len();
        claims.attributes.extend(decrypted);
        let used = claims.attributes.len().saturating_sub(known);
        claims.encrypted_attribute_count.saturating_sub(used)
    }

    /// A `NameID` is this connection's if it names us, or is an address in one of its domains.
    fn decrypt_name_id(&self, encrypted: &Encrypted) -> Result<NameId, DecryptionError> {
        let decrypted = self.decrypt(encrypted)?;
        let name_id = read_part(encrypted.place(), &decrypted.bytes, "NameID", NameId::read)?;
        let entity_id = self.expect.sp_entity_id;
        let names_us = name_id.sp_name_qualifier.as_deref() == Some(entity_id);
        let is_ours = if decrypted.authenticated {
            names_us || self.is_address_of_ours(&name_id.value)
        } else {
            names_us && common_part_of(entity_id).len() >= TWO_BLOCKS
        };
        if decrypted.intact && is_ours { Ok(name_id) } else { Err(DecryptionError::FailedPart) }
    }

    /// An attribute is this connection's if its values are addresses in one of its domains.
    fn decrypt_attribute(&self, encrypted: &Encrypted) -> Result<Attribute, DecryptionError> {
        let decrypted = self.decrypt(encrypted)?;
        let place = encrypted.place();
        let attribute = read_part(place, &decrypted.bytes, "Attribute", Attribute::read)?;
        let mut values = attribute.values.iter();
        let is_ours = decrypted.authenticated
            && !attribute.values.is_empty()
            && values.all(|value| self.is_address_of_ours(value.trim()));
        if decrypted.intact && is_ours { Ok(attribute) } else { Err(DecryptionError::FailedPart) }
    }

    fn decrypt(&self, encrypted: &Encrypted) -> Result<Decrypted, DecryptionError> {
        let decrypted = encrypted.decrypt(self.expect.decryption_keys);
        decrypted.map_err(|error| {
            if error == DecryptionError::Failed { DecryptionError::FailedPart } else { error }
        })
    }

    fn is_address_of_ours(&self, text: &str) -> bool {
        let address = EmailAddress::parse(text);
        address.is_ok_and(|address| self.expect.domains.contains(address.domain()))
    }
}

/// The part of our entity id that those of all connections share.
fn common_part_of(entity_id: &str) -> &str {
    entity_id.rsplit_once('/').map_or("", |(common, _)| common)
}

/// Reads the element `name` from a plaintext, as it is or in its place.
fn read_part<T>(
    place: &Place,
    plaintext: &[u8],
    name: &'static str,
    read: fn(Node<'_, '_>) -> Result<T, XmlError>,
) -> Result<T, DecryptionError> {
    let check = |part: Node<'_, '_>| {
        require_name(part, ASSERTION, name)?;
        shape::check(part)?;
        read(part)
    };
    let in_place = || {
        let text = place.put(plaintext);
        let document = StrictDocument::parse(&text)?;
        check(only_element(document.root()).ok_or(XmlError::Missing(name))?)
    };
    let read = match StrictDocument::parse(plaintext) {
        Ok(plain) => check(plain.root()),
        Err(_) => in_place(),
    };
    read.map_err(|_| DecryptionError::FailedPart)
}

/// Bytes before a changed one of which some are destroyed for sure, wherever blocks begin.
const TWO_BLOCKS: usize = 2 * 16 - 1;

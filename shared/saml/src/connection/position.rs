//! The position of a round over all connections, as a cursor.

use std::fmt;
use std::str::FromStr;

use types::domain::Domain;
use types::ids::TenantId;

/// The last visited connection, in the order of tenants and their domains.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// The tenant.
    pub tenant: TenantId,
    /// The connection's domain; `None` when the tenant is finished.
    pub domain: Option<Domain>,
}

/// The text is not a position.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a position among connections")]
pub struct InvalidPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{}:{domain}", self.tenant),
            None => self.tenant.fmt(f),
        }
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (tenant, domain) = match text.split_once(':') {
            Some((tenant, domain)) => (tenant, Some(domain)),
            None => (text, None),
        };
        Ok(Self {
            tenant: tenant.parse().map_err(|_| InvalidPosition)?,
            domain: domain.map(str::parse).transpose().map_err(|_| InvalidPosition)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_position_parses_back() {
        for text in [
            "01890000-0000-7000-8000-000000000001",
            "01890000-0000-7000-8000-000000000001:acme.com",
        ] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
        for text in ["", "acme.com", "01890000-0000-7000-8000-000000000001:"] {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text}");
        }
    }
}

//! How far a round over all connections has come.

use std::fmt;
use std::str::FromStr;

use types::domain::Domain;
use types::ids::TenantId;

/// The last connection that was looked at, in order of tenants and their domains.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its domain; none when the tenant is done with.
    pub domain: Option<Domain>,
}

/// A text that is no position.
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
    fn a_position_survives_being_written() {
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

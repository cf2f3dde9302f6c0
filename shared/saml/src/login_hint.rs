//! The address that a person typed, for the sign-in page of the identity provider.
//!
//! SAML has no field for it that these providers read: each takes a parameter in the query of its
//! sign-in URL. The parameter is not part of the message, so that the signature of a redirect, which
//! covers `SAMLRequest`, `RelayState` and `SigAlg` alone (SAML bindings §3.4.4.1), stays as it is.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Returns `url`, which begins with the sign-in URL of a provider, with the address as the parameter
/// that this provider reads. A URL of any other provider stays as it is.
pub fn with_login_hint(url: &str, address: &str) -> String {
    let Some(parameter) = parameter(url) else { return url.to_owned() };
    let separator = if url.contains('?') { '&' } else { '?' };
    let address = utf8_percent_encode(address, NON_ALPHANUMERIC);
    format!("{url}{separator}{parameter}={address}")
}

/// The parameter for a login hint, by the host of a sign-in URL: as Microsoft documents it for Entra
/// ID and Google for Workspace, and as other apps use Okta's.
fn parameter(url: &str) -> Option<&'static str> {
    let rest = url.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // Everything before an `@` is a user name, by which a URL may pretend another host.
    if authority.contains('@') {
        return None;
    }
    let host = authority.split(':').next()?.to_ascii_lowercase();
    if LOGIN_HINT_HOSTS.contains(&host.as_str()) {
        Some("login_hint")
    } else if OKTA_SUFFIXES.iter().any(|suffix| host.ends_with(suffix)) {
        Some("LoginHint")
    } else {
        None
    }
}

/// Hosts of Entra ID, in the public cloud and in the national ones, and of Google.
const LOGIN_HINT_HOSTS: [&str; 5] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "accounts.google.com",
    "www.accounts.google.com",
];

/// Domains of which each Okta organisation has a name of its own.
const OKTA_SUFFIXES: [&str; 5] =
    [".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_is_that_of_the_provider() {
        let check = |url: &str, expect: &str| {
            let with = with_login_hint(url, "ada+x@acme.com");
            assert_eq!(with, format!("{url}{expect}"));
        };
        let entra = "https://login.microsoftonline.com/0199d3a0/saml2";
        check(entra, "?login_hint=ada%2Bx%40acme%2Ecom");
        check(&format!("{entra}?SAMLRequest=x"), "&login_hint=ada%2Bx%40acme%2Ecom");
        let google = "https://accounts.google.com/o/saml2/idp?idpid=C0";
        check(google, "&login_hint=ada%2Bx%40acme%2Ecom");
        check("https://acme.okta.com/app/x/sso/saml", "?LoginHint=ada%2Bx%40acme%2Ecom");
        for host in ["ACME.oktapreview.com:443", "acme.okta-emea.com", "acme.okta-gov.com"] {
            check(&format!("https://{host}/sso"), "?LoginHint=ada%2Bx%40acme%2Ecom");
        }
        for host in ["login.microsoftonline.us", "login.partner.microsoftonline.cn"] {
            check(&format!("https://{host}/saml2"), "?login_hint=ada%2Bx%40acme%2Ecom");
        }
        for url in [
            "https://idp.example/sso",
            "https://login.microsoftonline.com.evil.example/sso",
            "https://acme.okta.com@evil.example/sso",
            "https://evilokta.com/sso",
            "https://okta.com/sso",
            "https://evil.example/?x=login.microsoftonline.com",
            "http://login.microsoftonline.com/sso",
        ] {
            check(url, "");
        }
    }
}

//! `amr`: the methods by which a person was authenticated (OpenID Connect Core §2, RFC 8176).

/// Returns the methods that an authentication context class stands for.
///
/// A class is listed only if its definition leaves no doubt about the method. `Kerberos`, `X509` and
/// `TLSClient`, for example, do not say what the person did, and have none.
pub fn authentication_methods(class: &str) -> &'static [&'static str] {
    let saml = class.strip_prefix("urn:oasis:names:tc:SAML:2.0:ac:classes:");
    match saml.unwrap_or(class) {
        "Password"
        | "PasswordProtectedTransport"
        | "InternetProtocolPassword"
        | "SecureRemotePassword"
            if saml.is_some() =>
        {
            &["pwd"]
        }
        "MobileTwoFactorContract" | "MobileTwoFactorUnregistered" if saml.is_some() => &["mfa"],
        "SmartcardPKI" if saml.is_some() => &["sc", "pin", "mfa"],
        "Smartcard" if saml.is_some() => &["sc"],
        "SoftwarePKI" if saml.is_some() => &["swk"],
        "TimeSyncToken" if saml.is_some() => &["otp"],
        // REFEDS; Entra ID and AD FS.
        "https://refeds.org/profile/mfa" | "http://schemas.microsoft.com/claims/multipleauthn" => {
            &["mfa"]
        }
        // Windows integrated authentication, at AD FS.
        "urn:federation:authentication:windows" => &["wia"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_names_a_method_has_it_and_others_have_none() {
        let check = |class: &str, expect: &[&str]| {
            assert_eq!(authentication_methods(class), expect, "{class}");
        };
        let saml = |class: &str| format!("urn:oasis:names:tc:SAML:2.0:ac:classes:{class}");
        check(&saml("Password"), &["pwd"]);
        check(&saml("PasswordProtectedTransport"), &["pwd"]);
        check(&saml("MobileTwoFactorContract"), &["mfa"]);
        check(&saml("SmartcardPKI"), &["sc", "pin", "mfa"]);
        check(&saml("TimeSyncToken"), &["otp"]);
        check("https://refeds.org/profile/mfa", &["mfa"]);
        check("http://schemas.microsoft.com/claims/multipleauthn", &["mfa"]);
        check("urn:federation:authentication:windows", &["wia"]);
        for class in ["unspecified", "X509", "TLSClient", "Kerberos", "PreviousSession", "password"]
        {
            check(&saml(class), &[]);
        }
        for class in ["Password", "", "https://refeds.org/profile/mfa/"] {
            check(class, &[]);
        }
    }
}

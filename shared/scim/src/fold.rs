//! Folds text for comparisons that ignore letter case.

use unicode_normalization::UnicodeNormalization as _;

/// Folds a text by NFKC and lower case.
///
/// `userName` is unique and looked up in this form, so full-width, decomposed and upper-case
/// spellings are one name. Lower case is applied letter by letter, without the context rule for a
/// final sigma: the form of a text must not depend on the text that follows.
///
/// ```
/// use scim::fold::fold;
///
/// assert_eq!(fold("Ａｄａ@Example.com"), fold("ada@example.COM"));
/// ```
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // The lower-case text may need another composition by NFKC.
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_fold_to_one_form() {
        for (left, right) in [
            ("ADA", "ada"),
            ("Zoë", "ZOE\u{308}"),
            ("ﬁona", "fiona"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("\u{212a}im", "kim"),
        ] {
            assert_eq!(fold(left), fold(right), "{left}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (left, right) in [("ı", "i"), ("а", "a"), ("ada ", "ada"), ("ß", "ss"), ("é", "e")]
        {
            assert_ne!(fold(left), fold(right), "{left}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}

//! The form in which names are compared when letter case does not count.

use unicode_normalization::UnicodeNormalization as _;

/// Folds a text by NFKC and lower case.
///
/// `userName` is unique and found by this form, so full-width, decomposed and upper-case spellings
/// of a name are one name. Lower case is taken letter by letter, without the context rule for a
/// final sigma: the form of a text must not depend on what follows it.
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
    // Lower case can leave a form that NFKC composes once more.
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
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}

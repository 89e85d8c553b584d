//! Languages by their codes (BCP 47), as `LibreTranslate` has them.

/// Code of a language such as `de` or `pt-BR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Language(String);

/// Languages that translators know, by code and English name.
const KNOWN: &[(&str, &str)] = &[
    ("ar", "Arabic"),
    ("az", "Azerbaijani"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("eo", "Esperanto"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("eu", "Basque"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("ga", "Irish"),
    ("gl", "Galician"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("ky", "Kyrgyz"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("ms", "Malay"),
    ("nb", "Norwegian"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sq", "Albanian"),
    ("sr", "Serbian"),
    ("sv", "Swedish"),
    ("th", "Thai"),
    ("tl", "Tagalog"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
    ("zt", "Chinese"),
];

impl Language {
    /// Reads a code, or the English name of a language.
    pub(super) fn read(said: &str) -> Option<Self> {
        let by_name = KNOWN.iter().find(|(_, name)| name.eq_ignore_ascii_case(said));
        if let Some((code, _)) = by_name {
            return Some(Self((*code).to_owned()));
        }
        let (primary, rest) = said.split_once('-').unwrap_or((said, "Xx"));
        let is_word = |word: &str, most| {
            (2..=most).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic())
        };
        (is_word(primary, 3) && is_word(rest, 4)).then(|| {
            // As it is compared; the subtags keep their case, by which translators know them.
            let primary = primary.to_ascii_lowercase();
            Self(
                said.split_once('-')
                    .map_or(primary.clone(), |(_, rest)| format!("{primary}-{rest}")),
            )
        })
    }

    /// The code.
    pub(super) fn code(&self) -> &str {
        &self.0
    }

    /// Whether a text that is found to be in `detected` needs no translation.
    pub(super) fn is(&self, detected: &str) -> bool {
        let (own, other) = (self.0.to_ascii_lowercase(), detected.to_ascii_lowercase());
        let begins = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.starts_with('-'))
        };
        own == other || begins(&own, &other) || begins(&other, &own)
    }
}

/// The English name of the language of a code that a translator said, if it has one.
pub(super) fn name_of(code: &str) -> Option<&'static str> {
    let primary = code.split('-').next()?;
    KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(primary)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_code_or_a_name() {
        let code = |said: &str| Language::read(said).map(|l| l.code().to_owned());
        assert_eq!(code("DE"), Some("de".to_owned()));
        assert_eq!(code("german"), Some("de".to_owned()));
        assert_eq!(code("pt-BR"), Some("pt-BR".to_owned()));
        for none in ["", "d", "deutsch", "de,", "pt-", "pt-B", "pt-BRAZI", "d-e", "о́н"] {
            assert_eq!(code(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_in_the_language_already_is_known() {
        let german = Language::read("de").unwrap();
        assert!(german.is("de") && german.is("DE") && german.is("de-AT") && !german.is("den"));
        let brazilian = Language::read("pt-BR").unwrap();
        assert!(brazilian.is("pt") && !brazilian.is("pt-PT"));
        assert_eq!(
            (name_of("fr"), name_of("zh-Hans"), name_of("xx")),
            (Some("French"), Some("Chinese"), None)
        );
    }
}

use std::collections::HashSet;

/// How many different words of a query are looked for.
const MOST: usize = 24;

/// Words that stand in every text and say nothing about it.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but",
    "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "him",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "me", "my", "no", "not", "of", "on",
    "or", "our", "please", "she", "should", "so", "some", "tell", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "to", "up", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "would", "you", "your",
];

/// Returns the words of a query that say something, in their order, each once: lower-case runs of letters and digits.
/// A query of nothing but small words keeps them all.
pub fn query_words(query: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let all: Vec<String> = words(query).filter(|word| seen.insert(word.clone())).collect();
    let telling: Vec<String> = all.iter().filter(|word| !is_stop_word(word)).take(MOST).cloned().collect();
    if telling.is_empty() { all.into_iter().take(MOST).collect() } else { telling }
}

/// Cuts a text into words: lower-case runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Tells whether a word stands in every text.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Takes the commonest English endings off, so that "books", "booked" and "booking" are one.
pub(super) fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 8] = ["ings", "ing", "ied", "ies", "ed", "es", "ly", "s"];
    if !word.is_ascii() || word.len() < 5 || word.ends_with("ss") {
        return word;
    }
    let ending = ENDINGS.iter().find(|ending| word.ends_with(**ending) && word.len() >= ending.len() + 3);
    ending.map_or(word, |ending| &word[..word.len() - ending.len()])
}

#[cfg(test)]
mod tests {
    use super::{STOP_WORDS, query_words, stem};

    #[test]
    fn words_that_say_nothing_are_left_out_unless_there_are_no_others() {
        assert_eq!(
            query_words("What is the Refund-policy (for EU customers)?"),
            ["refund", "policy", "eu", "customers"]
        );
        assert_eq!(query_words("to be or not to be"), ["to", "be", "or", "not"]);
        assert_eq!(query_words("\"'*^NEAR(AND"), ["near"]);
        assert_eq!(query_words("Łódź 東京 2026"), ["łódź", "東京", "2026"]);
        assert!(query_words("!?\"").is_empty());
    }

    #[test]
    fn a_query_of_a_thousand_words_is_cut() {
        let long: String = (0..1_000).map(|number| format!("word{number} ")).collect();
        assert_eq!(query_words(&long).len(), 24);
    }

    #[test]
    fn the_stop_words_are_in_order() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn endings_go_and_short_words_stay() {
        assert_eq!(
            ["bookings", "booked", "books", "glass", "is", "führung"].map(stem),
            ["book", "book", "book", "glass", "is", "führung"]
        );
    }
}

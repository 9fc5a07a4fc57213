use std::collections::HashMap;

use super::Vector;
use super::words::{is_stop_word, stem, words};

/// Returns a vector of so many dimensions made from a text's words alone: each word's stem, and more weakly its
/// pieces of four letters, falls on a number by its hash, with a sign. Texts with the same words are near each other;
/// of words that mean the same it knows nothing. The same text gives the same vector on every machine.
pub fn lexical_vector(text: &str, dimensions: usize) -> Vector {
    let mut counts: HashMap<String, f32> = HashMap::new();
    let all: Vec<String> = words(text).collect();
    let only_small = all.iter().all(|word| is_stop_word(word));
    for word in all.iter().filter(|word| only_small || !is_stop_word(word)) {
        let stem = stem(word);
        *counts.entry(format!("w{stem}")).or_default() += 1.0;
        for piece in pieces(stem) {
            *counts.entry(format!("p{piece}")).or_default() += 0.15;
        }
    }
    let mut numbers = vec![0.0_f32; dimensions];
    let mut features: Vec<_> = counts.into_iter().collect();
    // Sums of floating-point numbers depend on their order.
    features.sort_by(|a, b| a.0.cmp(&b.0));
    for (feature, count) in features {
        let hash = hash(feature.as_bytes());
        let weight = if count >= 1.0 { 1.0 + count.ln() } else { count };
        let Some(place) = usize::try_from(hash >> 1).ok().and_then(|hash| hash.checked_rem(dimensions))
        else {
            continue;
        };
        numbers[place] += if hash & 1 == 0 { weight } else { -weight };
    }
    Vector::normalized(numbers)
}

/// Returns the pieces of four letters of a word that has more.
fn pieces(word: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = word.chars().collect();
    let count = if letters.len() > 4 { letters.len() - 3 } else { 0 };
    (0..count).map(move |start| letters[start..start + 4].iter().collect())
}

/// FNV-1a with a last mixing step: its low bits alone are not spread well.
fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::lexical_vector;

    fn cosine(a: &str, b: &str) -> f32 {
        lexical_vector(a, 384).cosine(&lexical_vector(b, 384))
    }

    #[test]
    fn texts_with_the_same_words_are_near_and_others_are_not() {
        let policy = "Refunds are paid within 14 days of the return.";
        assert!(
            cosine(policy, "within 14 days the return's refund is paid") > 0.8,
            "{}",
            cosine(policy, "within 14 days the return's refund is paid")
        );
        assert!(
            cosine(policy, "How long does a refund take?") > 0.2,
            "{}",
            cosine(policy, "How long does a refund take?")
        );
        assert!(cosine(policy, "The office cat is called Minka.").abs() < 0.15);
        assert!(cosine(policy, policy) > 0.999);
        assert!(cosine("misspelled paragraph", "mispelled paragraphs") > 0.5);
    }

    #[test]
    fn a_text_without_words_means_nothing() {
        assert_eq!(cosine("?!", "?!"), 0.0);
        assert_eq!(lexical_vector("anything", 0).dimensions(), 0);
    }

    #[test]
    fn the_vector_is_the_same_everywhere() {
        let numbers = lexical_vector("the same words", 8);
        let shown: Vec<String> = numbers.numbers().iter().map(|number| format!("{number:.4}")).collect();
        insta::assert_snapshot!(shown.join(" "));
    }
}

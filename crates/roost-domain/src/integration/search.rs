//! Finds what somebody means among names and lines.

/// Says how well texts fit a query: 0 is not at all. The first text weighs most. Every word of the query that is
/// found counts, whole words more than parts of words.
pub fn score(query: &str, texts: &[&str]) -> u32 {
    let mut total = 0_u32;
    let texts: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    for word in words(query) {
        let mut best = 0;
        for (place, of) in texts.iter().enumerate() {
            let weight = match place {
                0 => 4,
                1 => 3,
                _ => 1,
            };
            let fit = of.iter().map(|other| fit(&word, other)).max().unwrap_or(0);
            best = best.max(fit * weight);
        }
        total = total.saturating_add(best);
    }
    total
}

/// Returns those that fit a query, best first, those that fit alike in their order; all of them for an empty query.
pub fn rank<'a, T>(items: &'a [T], query: &str, texts: impl Fn(&'a T) -> Vec<&'a str>) -> Vec<&'a T> {
    if words(query).is_empty() {
        return items.iter().collect();
    }
    let mut scored: Vec<(u32, &T)> = items.iter().map(|item| (score(query, &texts(item)), item)).collect();
    scored.retain(|(score, _)| *score > 0);
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, item)| item).collect()
}

fn fit(word: &str, other: &str) -> u32 {
    if word == other {
        4
    } else if stem(word) == stem(other) {
        3
    } else if word.len() >= 3 && other.starts_with(word) {
        2
    } else {
        0
    }
}

/// Takes the plural's end off, which is enough for names of operations.
fn stem(word: &str) -> &str {
    word.strip_suffix('s').filter(|stem| stem.len() >= 3).unwrap_or(word)
}

/// Returns the words of a text in lower case: `listIssues`, `list-issues` and `/list/{issues}` have the same two.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for letter in text.chars() {
        let begins = letter.is_uppercase() && was_lower;
        if !letter.is_alphanumeric() || begins {
            all.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
    }
    all.extend(Some(word).filter(|word| !word.is_empty()));
    all
}

//! What is worth remembering of what a peer says, found without asking a model: sentences in which they state
//! something of themselves, or ask to have something remembered.

use std::sync::LazyLock;

use regex::Regex;

/// A message that is longer is taken for something pasted, and nothing of it is remembered.
const LONGEST_MESSAGE: usize = 3_000;

/// The bounds of a sentence that can be a fact, in characters.
const FACT: std::ops::RangeInclusive<usize> = 8..=400;

/// How many facts of one message are remembered.
const MOST_FACTS: usize = 8;

/// How a sentence begins, or goes on after a comma, that says something lasting of its speaker; small letters. What
/// follows "I am" is looked at besides.
const MY: &str = concat!(
    r"(?:^|[,;:—]\s*|\band\s+|\bbut\s+|\bhi\s+)(?:my\s+(?:[\w'’-]+\s+){1,4}(?:is|are|was|were|will\s+be|has|have|lives?|works?|prefers?|likes?|hates?)\b",
    r"|our\s+(?:[\w'’-]+\s+){1,4}(?:is|are|was|has|have|uses?|runs?)\b|(?:i\s+am|i['’]m)\s+(?P<am>\w+))",
);

/// The same, of verbs.
const VERBS: &str = concat!(
    r"(?:^|[,;:]\s*|\band\s+|\bbut\s+)(?:i|we)\s+(?:(?:always|never|usually|mostly|also|really|only|don['’]t|do\s+not|can['’]t|cannot)\s+)?",
    r"(?:live|work|prefer|like|love|hate|dislike|use|own|speak|study|studied|drive|play|run|moved|grew|was\s+born|have\s+(?:a|an|two|three|four|five|\d+|no|been)|eat|drink|drank|believe|bought|sold|manage|lead|teach)\b",
);

/// The same, in a few other languages.
const OTHERS: &str = concat!(
    r"(?:^|[,;:]\s*)(?:ich\s+(?:hei(?:ß|ss)e|wohne|lebe|arbeite|bin\s+\w+|mag|bevorzuge|benutze|habe\s+(?:eine?n?|zwei|drei))",
    r"|mein[e]?\s+(?:\w+\s+){1,3}(?:ist|sind|hei(?:ß|ss)t)|je\s+m['’]appelle|j['’](?:habite|aime|ai\s+une?)|je\s+(?:suis|travaille|préfère)",
    r"|mon\s+(?:\w+\s+){1,3}est|me\s+llamo|vivo\s+en|trabajo\s+|prefiero|mi\s+(?:\w+\s+){1,3}es)\b",
);

/// How somebody asks to have something remembered.
const ASKED: &str = r"(?:^|[,;:]\s*|\bplease\s+|\bbitte\s+)(?:remember|keep\s+in\s+mind|don['’]t\s+forget|do\s+not\s+forget|note|make\s+a\s+note|for\s+the\s+record|fyi|from\s+now\s+on|call\s+me|merk\s+dir|denk\s+daran|nenn\s+mich|souviens-toi|recuerda)\b";

/// What a key, a password or a number of a card looks like.
const SECRETS: &str = concat!(
    r"(?i)\b(?:pass\s?word|passwort|passphrase|passcode|api[\s_-]?key|secret\s?key|access[\s_-]?token|auth[\s_-]?token|bearer|private\s+key|client[\s_-]?secret|recovery\s+(?:code|phrase)|seed\s+phrase|pin\s+(?:is|code)|cvv|cvc|iban|social\s+security|ssn)\b",
    r"|-----BEGIN|\b(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[abprs]|hf|npm|pypi|shpat|dop|whsec|ak|gopt|roost|fp|ac)[_-][A-Za-z0-9_-]{12,}",
    r"|\b(?:AKIA|ASIA|AIza|eyJ)[A-Za-z0-9_-]{10,}|\b(?:\d[ -]?){13,19}\b|://[^\s/:@]+:[^\s/@]+@",
);

static PATTERNS: LazyLock<Option<[Regex; 5]>> = LazyLock::new(|| {
    let make = |pattern: &str| Regex::new(pattern).ok();
    Some([make(MY)?, make(VERBS)?, make(OTHERS)?, make(ASKED)?, make(SECRETS)?])
});

/// After "I am", words that say how somebody is right now and nothing that lasts.
const PASSING: &[&str] = &[
    "afraid",
    "asking",
    "back",
    "confused",
    "done",
    "fine",
    "getting",
    "glad",
    "going",
    "good",
    "happy",
    "having",
    "here",
    "just",
    "looking",
    "not",
    "ok",
    "okay",
    "ready",
    "seeing",
    "so",
    "sorry",
    "still",
    "stuck",
    "sure",
    "thinking",
    "trying",
    "unable",
    "wondering",
    "writing",
];

/// Returns what of a peer's message is worth remembering, in their words, each sentence once. Nothing of greetings,
/// questions, code, what was pasted, and what looks like a secret.
pub fn facts(message: &str) -> Vec<String> {
    if message.chars().count() > LONGEST_MESSAGE {
        return Vec::new();
    }
    let mut facts: Vec<String> = Vec::new();
    for sentence in sentences(message) {
        let fact = sentence.trim();
        if FACT.contains(&fact.chars().count())
            && !fact.ends_with('?')
            && states(&fact.to_lowercase())
            && !looks_secret(fact)
            && !facts.iter().any(|known| known == fact)
        {
            facts.push(fact.to_owned());
        }
    }
    facts.truncate(MOST_FACTS);
    facts
}

/// Tells whether anything of a message is worth remembering.
pub fn is_memorable(message: &str) -> bool {
    !facts(message).is_empty()
}

/// Tells whether a text looks as if it held a key, a password or a number of a card: such is not remembered.
pub fn looks_secret(text: &str) -> bool {
    let Some([.., secrets]) = &*PATTERNS else { return true };
    secrets.is_match(text) || text.split_whitespace().any(is_random)
}

/// Tells whether a sentence, in small letters, states something that lasts.
fn states(sentence: &str) -> bool {
    let Some([my, verbs, others, asked, _]) = &*PATTERNS else { return false };
    // "Remember one" says nothing.
    let asks = asked.is_match(sentence) && sentence.split_whitespace().count() >= 3;
    if asks || verbs.is_match(sentence) || others.is_match(sentence) {
        return true;
    }
    my.captures_iter(sentence)
        .any(|found| found.name("am").is_none_or(|word| PASSING.binary_search(&word.as_str()).is_err()))
}

/// Tells whether a word is long and mixed as only made-up ones are.
fn is_random(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if word.len() < 20 || word.contains("://") || word.contains('@') {
        return false;
    }
    let count = |is: fn(&char) -> bool| word.chars().filter(is).count();
    let (digits, letters) = (count(char::is_ascii_digit), count(char::is_ascii_alphabetic));
    digits >= 3 && letters >= 3 && (digits + letters) * 10 >= word.len() * 9
}

/// Cuts a message into sentences; code between fences and lines that are quoted or look like code are no sentences.
fn sentences(message: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    let prose = move |line: &&str| {
        let line = line.trim();
        let fence = line.starts_with("```");
        fenced ^= fence;
        let code = line.ends_with([';', '{', '}']) || line.starts_with(['>', '<', '{', '|', '$', '#']);
        !(fence || fenced || code)
    };
    message.lines().filter(prose).flat_map(|line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let text = rest;
            if text.is_empty() {
                return None;
            }
            let end = text.char_indices().find_map(|(index, c)| {
                let after = index + c.len_utf8();
                let ends = matches!(c, '.' | '!' | '?')
                    && text[after..].chars().next().is_none_or(char::is_whitespace);
                ends.then_some(after)
            });
            let (sentence, left) = text.split_at(end.unwrap_or(text.len()));
            rest = left;
            Some(sentence)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{PASSING, facts, looks_secret};

    #[test]
    fn what_a_peer_states_of_themselves_is_worth_remembering() {
        for fact in [
            "My name is Ada Lovelace.",
            "I'm vegetarian.",
            "I am a nurse from Graz.",
            "I live in Vienna with two cats.",
            "I prefer answers in bullet points.",
            "I don't eat pork.",
            "We use PostgreSQL 17 in production.",
            "my daughter's birthday is on May 3rd",
            "Our office is closed on Fridays.",
            "Please remember that the gate code changes every month.",
            "From now on answer in German.",
            "Call me Bo.",
            "Ich heiße Jürgen und wohne in Köln.",
            "Me llamo Lucía.",
        ] {
            assert_eq!(facts(fact), [fact], "{fact}");
        }
    }

    #[test]
    fn talk_is_not() {
        for talk in [
            "Hi there!",
            "Thanks, that was great.",
            "What is my name?",
            "I'm sorry, can you say that again?",
            "I'm looking for a good restaurant.",
            "Write a poem about the sea.",
            "Remember this!",
            "ok",
            "Do I live in Vienna?",
            "let x = my_name is null;",
            "> I live in a quote",
            "```\nI live in a code block.\n```",
        ] {
            assert_eq!(facts(talk), Vec::<String>::new(), "{talk}");
        }
    }

    #[test]
    fn only_the_sentences_that_state_something_are_taken() {
        let message =
            "Hello! I'm a baker, and I need help. Can you plan my week? My shop is in Lyon.\nThanks!";
        assert_eq!(facts(message), ["I'm a baker, and I need help.", "My shop is in Lyon."]);
        assert_eq!(facts(&"I live in Rome. ".repeat(5)), ["I live in Rome."]);
    }

    #[test]
    fn secrets_and_dumps_are_never_taken() {
        for secret in [
            "My password is hunter2.",
            "Remember that my api key is abc",
            "my token is sk-ant-REDACTED",
            "My card is 4111 1111 1111 1111",
            "My key is Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg1",
            "Please remember postgres://ada:secret@db.example/x",
            "My AWS id is AKIAIOSFODNN7EXAMPLE",
        ] {
            assert_eq!(facts(secret), Vec::<String>::new(), "{secret}");
            assert!(looks_secret(secret), "{secret}");
        }
        assert!(!looks_secret("I live at 12 Example Street, 1010 Vienna, and my number there is 7."));
        assert_eq!(facts(&format!("I live in Rome. {}", "data ".repeat(1_000))), Vec::<String>::new());
    }

    #[test]
    fn the_passing_words_are_in_order() {
        assert!(PASSING.is_sorted());
    }
}

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Words that are longer are not known, whatever they are made of.
const LONGEST_WORD: usize = 100;

/// Cuts texts into the pieces that a model of the BERT family knows: lower case, without accents, words into the
/// longest pieces of its vocabulary from the left.
///
/// **Source:** "BERT: Pre-training of Deep Bidirectional Transformers", its `tokenization.py`: `BasicTokenizer` and
/// `WordpieceTokenizer`, uncased. Names of special tokens in a text are text.
pub(super) struct Tokenizer {
    pieces: HashMap<String, u32>,
    begin: u32,
    end: u32,
    unknown: u32,
    longest: usize,
}

impl Tokenizer {
    /// Takes a vocabulary, one piece a line, and how many tokens a text may have, those around it included.
    pub(super) fn new(vocabulary: &str, longest: usize) -> Result<Self, String> {
        let pieces: HashMap<String, u32> =
            vocabulary.lines().zip(0..).map(|(piece, id)| (piece.trim_end().to_owned(), id)).collect();
        let special = |name: &str| pieces.get(name).copied().ok_or_else(|| format!("vocab.txt lacks {name}"));
        let (begin, end, unknown) = (special("[CLS]")?, special("[SEP]")?, special("[UNK]")?);
        Ok(Self { begin, end, unknown, longest: longest.max(3), pieces })
    }

    /// Returns how many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Returns a text's tokens between those that begin and end it, cut to the longest.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = vec![self.begin];
        let room = self.longest - 1;
        for word in words(text) {
            if ids.len() >= room {
                break;
            }
            self.push(&word, &mut ids);
        }
        ids.truncate(room);
        ids.push(self.end);
        ids
    }

    fn push(&self, word: &str, ids: &mut Vec<u32>) {
        if word.chars().count() > LONGEST_WORD {
            ids.push(self.unknown);
            return;
        }
        let (begin, mut start) = (ids.len(), 0);
        while start < word.len() {
            let ends = word[start..].char_indices().map(|(index, c)| start + index + c.len_utf8()).rev();
            let found = ends.filter_map(|end| Some((end, self.piece(&word[start..end], start > 0)?))).next();
            let Some((end, id)) = found else {
                ids.truncate(begin);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            start = end;
        }
    }

    fn piece(&self, text: &str, inside: bool) -> Option<u32> {
        if inside { self.pieces.get(&format!("##{text}")) } else { self.pieces.get(text) }.copied()
    }
}

/// Cuts a text into words, signs and ideographs.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => plain.push(' '),
            '\0' | '\u{fffd}' => {}
            c if c.general_category_group() == GeneralCategoryGroup::Other => {}
            c if c.is_whitespace() => plain.push(' '),
            c if is_ideograph(c) => plain.extend([' ', c, ' ']),
            c => plain.push(c),
        }
    }
    let bare = plain.nfd().filter(|c| c.general_category() != GeneralCategory::NonspacingMark);
    let small: String = bare.flat_map(char::to_lowercase).collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for c in small.chars() {
        let sign = is_punctuation(c);
        if sign || c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if sign {
                words.push(c.to_string());
            }
        } else {
            word.push(c);
        }
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty())
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// The blocks that the model's makers took for ideographs.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
        | 0x2B820..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

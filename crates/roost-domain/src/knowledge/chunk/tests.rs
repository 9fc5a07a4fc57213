use proptest::prelude::*;

use super::{Block, cut_up};

fn text(text: &str) -> Block {
    Block::Text(text.to_owned())
}

fn heading(level: u8, title: &str) -> Block {
    Block::Heading(level, title.to_owned())
}

#[test]
fn a_short_document_is_one_text_under_its_heading() {
    let chunks = cut_up(&[heading(1, "Refunds"), text("Within 14 days."), text("By card.")], 4_000);
    assert_eq!(chunks, ["Refunds\n\nWithin 14 days.\n\nBy card."]);
}

#[test]
fn a_new_chapter_begins_a_new_text_with_its_own_headings() {
    let long = "All about it. ".repeat(40);
    let blocks = [heading(1, "Guide"), heading(2, "Install"), text(&long), heading(2, "Use"), text(&long)];
    let chunks = cut_up(&blocks, 800);
    assert_eq!(chunks.len(), 2, "{chunks:#?}");
    assert!(chunks[0].starts_with("Guide › Install\n\nAll about it."), "{}", chunks[0]);
    assert!(chunks[1].starts_with("Guide › Use\n\nAll about it."), "{}", chunks[1]);
}

#[test]
fn a_paragraph_that_is_too_long_is_cut_between_sentences_and_overlaps() {
    let sentences: String = (0..100).map(|number| format!("This is sentence number {number}. ")).collect();
    let chunks = cut_up(&[text(&sentences)], 600);
    assert!(chunks.len() > 4);
    for chunk in &chunks {
        assert!(chunk.chars().count() <= 600);
        assert!(chunk.ends_with('.'), "{chunk}");
    }
    for pair in chunks.windows(2) {
        let tail: String = pair[0].chars().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect();
        assert!(pair[1].contains(&tail), "{tail:?} is not in {:?}", pair[1]);
    }
}

#[test]
fn rows_stay_whole_and_stand_line_by_line() {
    let rows: Vec<Block> =
        (0..50).map(|number| Block::Row(format!("id: {number}; name: thing {number}"))).collect();
    let chunks = cut_up(&rows, 400);
    let lines: Vec<&str> = chunks.iter().flat_map(|chunk| chunk.lines()).collect();
    assert_eq!(lines.len(), 50);
    assert!(lines.iter().all(|line| line.starts_with("id: ")));
}

proptest! {
    #[test]
    fn nothing_is_too_long_and_no_word_is_lost(
        parts in prop::collection::vec((0_u8..4, "[a-zé\u{6771} .\n]{0,900}"), 0..12),
        longest in 400_usize..1_200,
    ) {
        let block = |(level, text): &(u8, String)| match level {
            0 => Block::Text(text.clone()),
            level => Block::Heading(*level, text.chars().take(100).collect()),
        };
        let blocks: Vec<Block> = parts.iter().map(block).collect();
        let chunks = cut_up(&blocks, longest);
        let joined = chunks.join(" ");
        for chunk in &chunks {
            prop_assert!(chunk.chars().count() <= longest, "{} > {longest}", chunk.chars().count());
            prop_assert!(!chunk.trim().is_empty());
        }
        for block in &blocks {
            let Block::Text(text) = block else { continue };
            // A word that is longer than a text is cut.
            for word in text.split_whitespace().filter(|word| word.len() < 50) {
                prop_assert!(joined.contains(word), "{word:?} is lost");
            }
        }
    }
}

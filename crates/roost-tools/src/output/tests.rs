use proptest::prelude::*;

use super::*;

fn through_pieces(bytes: &[u8], cuts: &[usize]) -> String {
    let mut stream = Utf8Stream::default();
    let mut text = String::new();
    let mut rest = bytes;
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        text.push_str(&stream.push(piece));
        rest = after;
    }
    text.push_str(&stream.push(rest));
    text + stream.finish()
}

proptest! {
    #[test]
    fn text_comes_through_any_pieces_unchanged(text in "\\PC{0,40}", cuts in prop::collection::vec(0usize..9, 0..40)) {
        prop_assert_eq!(through_pieces(text.as_bytes(), &cuts), text);
    }

    #[test]
    fn any_bytes_come_out_as_they_would_in_one_piece(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        cuts in prop::collection::vec(0usize..9, 0..40),
    ) {
        prop_assert_eq!(through_pieces(&bytes, &cuts), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_long_text_keeps_head_and_tail_and_tells_the_rest(
        pieces in prop::collection::vec("[aä€😀\n]{0,12}", 0..60),
        cap in 20usize..120,
    ) {
        let whole = pieces.concat();
        let mut kept = HeadTail::new(cap);
        pieces.iter().for_each(|piece| kept.push(piece));
        let text = kept.finish();
        if whole.len() <= cap - 8 {
            prop_assert_eq!(text, whole);
        } else if text != whole {
            let (head, rest) = text.split_once('[').unwrap();
            let (left_out, tail) = rest.split_once(" bytes left out here]\n").unwrap();
            let left_out: usize = left_out.parse().unwrap();
            // The line end before the note is the text's own or was added for the note.
            let heads = [head, head.strip_suffix('\n').unwrap_or(head)];
            let fits = |head: &str| whole.starts_with(head) && head.len() + left_out + tail.len() == whole.len();
            let head = heads.into_iter().find(|head| fits(head)).expect("head, gap and tail make the whole");
            prop_assert!(whole.ends_with(tail));
            prop_assert!(head.len() <= cap / 2 && tail.len() <= cap / 2);
            prop_assert!(head.len() + 4 > cap / 2 && tail.len() + 4 > cap / 2);
        }
    }
}

#[test]
fn an_unfinished_character_in_the_middle_is_not_held_back() {
    let mut stream = Utf8Stream::default();
    assert_eq!(stream.push(b"\xe2\x82 and \xe2\x82"), "\u{fffd} and ");
    assert_eq!(stream.push(b"\xac"), "€");
    assert_eq!(stream.finish(), "");
}

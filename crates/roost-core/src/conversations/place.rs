//! Where a conversation stands that is told whole: a hash of what was told leads to the turn that answered it.

use roost_domain::conversation::Message;
use roost_domain::session::Peer;
use sha2::{Digest, Sha256};

/// Cuts a conversation: what was said up to the assistant's last word, and what is new.
pub(super) fn cut(messages: &[Message]) -> (&[Message], &[Message]) {
    let last = messages.iter().rposition(|message| matches!(message, Message::Assistant { .. }));
    messages.split_at(last.map_or(0, |index| index + 1))
}

/// Names what was told by a peer: the same words in the same order have the same name, however they are spaced at
/// their ends. Names of calls are left out, since each provider makes its own.
pub(super) fn fingerprint(peer: &Peer, messages: &[Message]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut put = |part: &str| {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    };
    put("roost conversation 1");
    put(&peer.to_string());
    for message in messages {
        match message {
            Message::User(text) => {
                put("user");
                put(text.trim());
            }
            Message::Assistant { text, calls } => {
                put("assistant");
                put(text.trim());
                for call in calls {
                    put(&call.tool);
                    put(&call.arguments.to_string());
                }
            }
            Message::ToolResult { text, .. } => {
                put("tool");
                put(text.trim());
            }
        }
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Message {
        Message::User(text.to_owned())
    }

    fn answered(text: &str) -> Message {
        Message::Assistant { text: text.to_owned(), calls: Vec::new() }
    }

    #[test]
    fn a_conversation_is_cut_after_the_assistants_last_word() {
        let talk = [said("a"), answered("b"), said("c"), said("d")];
        let (before, new) = cut(&talk);
        assert_eq!((before.len(), new.len()), (2, 2));
        assert_eq!(cut(&talk[..1]).0.len(), 0);
    }

    #[test]
    fn other_words_another_peer_or_another_cut_have_another_name() {
        let ann = Peer::Named("ann".into());
        let one = fingerprint(&ann, &[said("a"), answered("b")]);
        assert_eq!(one, fingerprint(&ann, &[said(" a"), answered("b\n")]));
        for other in [vec![said("a"), answered("c")], vec![said("ab")], vec![said("a"), said("b")], vec![]] {
            assert_ne!(one, fingerprint(&ann, &other), "{other:?}");
        }
        assert_ne!(one, fingerprint(&Peer::Named("bob".into()), &[said("a"), answered("b")]));
    }
}

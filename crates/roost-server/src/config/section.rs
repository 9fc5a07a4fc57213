//! Writes a section of `roost.toml` once: its keys, what they mean, what they are worth when nobody sets them.

/// Declares a section: the struct, its defaults, its refusal of unknown keys, and (for the reference page) its
/// keys with their documentation. `with` names the sections inside it.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident { $($(#[doc = $doc:literal])* $key:ident: $type:ty = $default:expr,)* }
        $(with { $($part:ident: $part_type:ty,)* })?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[doc = $doc])* pub(crate) $key: $type,)*
            $($(pub(crate) $part: $part_type,)*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* $($($part: <$part_type>::default(),)*)? }
            }
        }

        #[cfg(test)]
        impl $crate::config::section::Section for $name {
            const ABOUT: &'static [&'static str] = &[$($about),*];
            const OPTIONS: &'static [$crate::config::section::OptionDoc] = &[$($crate::config::section::OptionDoc {
                key: stringify!($key),
                doc: &[$($doc),*],
                kind: <$type as $crate::config::section::Kind>::KIND,
            }),*];
        }
    };
}
pub(crate) use section;

/// What the reference page says of a section.
#[cfg(test)]
pub(crate) trait Section: Default + serde::Serialize {
    /// What it is about, as lines.
    const ABOUT: &'static [&'static str];
    /// Its keys.
    const OPTIONS: &'static [OptionDoc];
}

/// What the reference page says of a key.
#[cfg(test)]
pub(crate) struct OptionDoc {
    /// The key.
    pub(crate) key: &'static str,
    /// What it means, as lines.
    pub(crate) doc: &'static [&'static str],
    /// What kind of value it takes.
    pub(crate) kind: &'static str,
}

/// What kind of value a key takes, in words.
#[cfg(test)]
pub(crate) trait Kind {
    /// The words.
    const KIND: &'static str;
}

#[cfg(test)]
mod kinds {
    use std::path::PathBuf;

    use super::Kind;
    use crate::config::file::{Driver, EmbeddingProvider, LogFormat};
    use crate::config::name::{Name, PlanName};
    use crate::config::quantity::{Size, Span};
    use crate::config::uids::UidRange;

    macro_rules! kinds {
    ($($type:ty = $kind:literal,)+) => { $(impl Kind for $type { const KIND: &'static str = $kind; })+ };
}
    kinds! {
        bool = "true or false",
        u32 = "whole number",
        u64 = "whole number",
        usize = "whole number",
        f64 = "number",
        String = "text",
        PathBuf = "path",
        Span = "time",
        Size = "size",
        Name = "model",
        PlanName = "`free`, `pro` or `enterprise`",
        UidRange = "range of numbers",
        Driver = "`kernel` or `docker`",
        LogFormat = "`text` or `json`",
        EmbeddingProvider = "`auto`, `local`, `openai`, `gemini` or `lexical`",
    }

    impl Kind for Vec<String> {
        const KIND: &'static str = "list of texts";
    }

    impl<T: Kind> Kind for Option<T> {
        const KIND: &'static str = T::KIND;
    }
}

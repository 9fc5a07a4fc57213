use std::fmt;

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: `steps[2].fields[0].type`; empty is the whole. A key that is missing is named as if it were there.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the workflow {}", self.problem),
            path => write!(f, "{path} {}", self.problem),
        }
    }
}

/// All that is wrong with a configuration: at least one thing, at most [`Faults::MOST`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The most that are told at once.
    pub const MOST: usize = 100;

    /// Returns each, in the order of the configuration.
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    /// Prints one for each line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            write!(f, "{line}{fault}")?;
        }
        Ok(())
    }
}

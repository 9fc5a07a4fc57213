/// Whether what starts an agent's workflow may start it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arming {
    /// Nothing starts it.
    Off,
    /// Triggers and people start it.
    Armed,
    /// Nothing starts it for the time being.
    Paused,
}

impl Arming {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Off, Self::Armed, Self::Paused];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Armed => "armed",
            Self::Paused => "paused",
        }
    }
}

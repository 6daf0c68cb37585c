use std::fmt;

/// Bytes of a device's memory that a session takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceNeeds {
    /// Constants and parameters, which sessions of one kernel set share.
    pub parameters: u128,
    /// The states' values and the next ones.
    pub states: u128,
    /// The arena.
    pub arena: u128,
    /// Scratch memory.
    pub scratch: u128,
    /// Inputs and outputs.
    pub passed: u128,
}

/// `512 bytes for inputs and outputs, 1024 for the arena`.
impl fmt::Display for DeviceNeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.parameters, "parameters"),
            (self.states, "states"),
            (self.arena, "the arena"),
            (self.scratch, "scratch memory"),
            (self.passed, "inputs and outputs"),
        ];
        let parts = parts.into_iter().filter(|(bytes, _)| *bytes > 0);
        for (place, (bytes, what)) in parts.enumerate() {
            match place {
                0 => write!(f, "{bytes} bytes for {what}")?,
                _ => write!(f, ", {bytes} for {what}")?,
            }
        }
        Ok(())
    }
}

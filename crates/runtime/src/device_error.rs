/// What a device, or the driver before it, does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// A machine without NVIDIA's driver.
    #[error("there is no CUDA driver (libcuda) on this machine")]
    NoDriver,
    /// A driver that does not read the code.
    #[error("the CUDA driver is of version {version}; at least 12.0 is needed")]
    OldDriver {
        /// The version of CUDA that it speaks.
        version: String,
    },
    /// A device that is not there.
    #[error("there is no CUDA device {ordinal}; there are {count}")]
    NoDevice {
        /// Its number.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// A call of the driver that failed.
    #[error("{call}: {code}: {text}")]
    Driver {
        /// The call.
        call: &'static str,
        /// The driver's name of the error.
        code: String,
        /// What the driver says of it.
        text: String,
    },
    /// Code that the driver, or the interpreter, does not take.
    #[error("the code does not load: {reason}{}", indented(.log))]
    Code {
        /// Why.
        reason: String,
        /// What the driver's compiler says; empty where it says nothing.
        log: String,
    },
    /// A kernel that takes more of a device than it has.
    #[error("kernel `{kernel}` does not fit: {reason}")]
    Kernel {
        /// The kernel.
        kernel: String,
        /// What it takes.
        reason: String,
    },
    /// Memory that the device does not have.
    #[error("{needed} bytes of memory are not free on the device")]
    OutOfMemory {
        /// What was asked for at once.
        needed: usize,
    },
    /// What the interpreter found a kernel doing that it must not.
    #[error("{0}")]
    Fault(String),
}

fn indented(log: &str) -> String {
    log.lines().map(|line| format!("\n  {line}")).collect()
}

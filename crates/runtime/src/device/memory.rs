use super::{Device, Kind};
use crate::DeviceError;

/// Memory of a device, freed with this value.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    device: Device,
    address: u64,
    bytes: usize,
}

impl DeviceMemory {
    pub(super) fn new(device: &Device, bytes: usize) -> Result<DeviceMemory, DeviceError> {
        let address = match &device.0.kind {
            _ if bytes == 0 => 0,
            Kind::Cuda(gpu) => gpu.allocate(bytes)?,
            Kind::Interpreted(interpreter) => interpreter.allocate(bytes)?,
        };
        Ok(DeviceMemory {
            device: device.clone(),
            address,
            bytes,
        })
    }

    /// The first byte, at a multiple of 256; 0 where there are no bytes.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        match &self.device.0.kind {
            _ if self.bytes == 0 => {}
            Kind::Cuda(gpu) => gpu.free(self.address),
            Kind::Interpreted(interpreter) => interpreter.free(self.address),
        }
    }
}

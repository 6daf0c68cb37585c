use std::sync::Arc;
use std::time::Instant;

use crate::code::Code;
use crate::device::Device;
use crate::driver::Handle;
use crate::host_memory::HostMemory;
use crate::settings::Order;
use crate::work::{Ticket, Work};

impl Device {
    /// Does what must be done before a ticket is, and whatever else the order has done first.
    pub(crate) fn wait(&mut self, ticket: &Ticket, host: &HostMemory) -> Result<(), Code> {
        while !ticket.is_done() {
            let stream = match self.order {
                Order::Late => self.needed(ticket.stream)?,
                Order::Early => {
                    let mut others = self.ready();
                    let needed = self.needed(ticket.stream)?;
                    others.retain(|stream| *stream != needed);
                    others.pop().unwrap_or(needed)
                }
                Order::Chance(_) => {
                    let ready = self.ready();
                    let Some(bound) = ready.len().checked_sub(1) else {
                        return Err(Code::UNKNOWN);
                    };
                    ready[self.order.choose(bound + 1)]
                }
            };
            self.step(stream, host)?;
        }
        Ok(())
    }

    /// Does all that was asked for.
    pub(crate) fn drain(&mut self, host: &HostMemory) -> Result<(), Code> {
        loop {
            let ready = self.ready();
            if ready.is_empty() {
                return Ok(());
            }
            let stream = ready[self.order.choose(ready.len())];
            self.step(stream, host)?;
        }
    }

    /// Where the order is by chance, does something now and then that nobody waits for.
    pub(crate) fn drift(&mut self, host: &HostMemory) {
        while matches!(self.order, Order::Chance(_)) && self.order.choose(4) == 0 {
            let ready = self.ready();
            if ready.is_empty() {
                return;
            }
            let stream = ready[self.order.choose(ready.len())];
            // What fails here is said by the next call.
            if self.step(stream, host).is_err() {
                return;
            }
        }
    }

    /// Brings a stream nearer to its end by one piece of work.
    pub(crate) fn approach(&mut self, stream: Handle, host: &HostMemory) -> Result<(), Code> {
        let stream = self.needed(stream)?;
        self.step(stream, host)
    }

    /// The streams whose first work could be done now.
    fn ready(&self) -> Vec<Handle> {
        let streams = self
            .streams
            .iter()
            .filter(|(_, stream)| match stream.queue.front() {
                None => false,
                Some(Work::Wait(ticket)) => ticket.is_done(),
                Some(_) => true,
            });
        streams.map(|(handle, _)| *handle).collect()
    }

    /// The stream that can go on so that another one does in the end; waits form no cycle, because
    /// each waits for what was asked for before it.
    fn needed(&self, mut stream: Handle) -> Result<Handle, Code> {
        loop {
            let found = self.streams.get(&stream).ok_or(Code::UNKNOWN)?;
            match found.queue.front() {
                Some(Work::Wait(ticket)) if !ticket.is_done() => stream = ticket.stream,
                Some(_) => return Ok(stream),
                None => return Err(Code::UNKNOWN),
            }
        }
    }

    /// Does the first work of a stream.
    pub(crate) fn step(&mut self, handle: Handle, host: &HostMemory) -> Result<(), Code> {
        let stream = self.streams.get_mut(&handle).ok_or(Code::UNKNOWN)?;
        match stream.queue.pop_front() {
            Some(Work::Task(task)) => self.perform(&task, host)?,
            Some(Work::Graph(nodes)) => self.replay(&nodes, host)?,
            Some(Work::Free(address)) => self.free(address)?,
            Some(Work::Record(ticket)) => {
                ticket.done.get_or_init(Instant::now);
            }
            Some(Work::Wait(_)) | None => {}
        }
        let stream = self.streams.get(&handle);
        if stream.is_some_and(|stream| stream.destroyed && stream.queue.is_empty()) {
            self.streams.remove(&handle);
        }
        Ok(())
    }

    /// A ticket after all that a stream was asked for.
    pub(crate) fn ticket(&mut self, handle: Handle) -> Result<Arc<Ticket>, Code> {
        let stream = self.streams.get_mut(&handle).ok_or(Code::INVALID_HANDLE)?;
        let ticket = Ticket::new(handle);
        stream.queue.push_back(Work::Record(Arc::clone(&ticket)));
        Ok(ticket)
    }
}

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

/// Threads that help with a kernel. One pool serves any number of sessions: whoever finds it busy
/// does the work alone, and so does work inside work, with the same results.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held by the one whose work is done.
    dispatch: Mutex<()>,
    state: Mutex<State>,
    /// Told where there is new work or the pool ends.
    wake: Condvar,
    /// Told where a worker has done its part.
    done: Condvar,
    /// How many pieces of work there have been; workers look here before they sleep.
    generation: AtomicU64,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    work: Option<Work>,
    generation: u64,
    /// Workers that are at the work.
    busy: usize,
}

/// What each worker calls with its number.
#[derive(Debug, Clone, Copy)]
struct Work(*const (dyn Fn(usize) + Sync));

// SAFETY: the function may be called from any thread, and `Pool::run` keeps it alive while a
// worker is at it.
unsafe impl Send for Work {}

/// How often a worker looks for new work before it sleeps: some tens of microseconds.
const SPINS: usize = 4000;

impl Pool {
    /// A pool of so many threads, the caller's own among them.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn new(threads: usize) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared::default());
        let mut pool = Pool {
            shared,
            workers: Vec::new(),
        };
        for number in 1..threads {
            let shared = pool.shared.clone();
            let builder = std::thread::Builder::new().name(format!("eyas-{number}"));
            pool.workers
                .push(builder.spawn(move || shared.worker(number))?);
        }
        Ok(pool)
    }

    /// As many threads as the machine lets this process run at once.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn of_machine() -> std::io::Result<Pool> {
        Pool::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// How many threads there are, the caller's own among them.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work(0)` here and, where the pool is free, `work(n)` with other numbers below
    /// [`Pool::threads`] on its threads, each at most once. `work` must finish everything even
    /// where it is called only here.
    pub(crate) fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        let _dispatch = match self.shared.dispatch.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return work(0),
        };
        if self.workers.is_empty() {
            return work(0);
        }
        let pointer: *const (dyn Fn(usize) + Sync + '_) = work;
        // SAFETY: the lifetime alone changes; `Finish` waits for all who call it.
        let work_for_all = Work(unsafe {
            std::mem::transmute::<
                *const (dyn Fn(usize) + Sync + '_),
                *const (dyn Fn(usize) + Sync + 'static),
            >(pointer)
        });
        {
            let mut state = lock(&self.shared.state);
            state.work = Some(work_for_all);
            state.generation += 1;
            let generation = state.generation;
            self.shared.generation.store(generation, Ordering::Release);
        }
        self.shared.wake.notify_all();
        let _finish = Finish(&self.shared);
        work(0);
    }
}

/// Lets no one else begin the work, and waits for those who are at it; also where it panics.
struct Finish<'a>(&'a Shared);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.work = None;
        while state.busy > 0 {
            let waited = self.0.done.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn worker(&self, number: usize) {
        let mut seen = 0;
        while let Some(work) = self.next(&mut seen) {
            let _leave = Leave(self);
            // SAFETY: `next` counted this worker as busy while the work was there, and whoever
            // owns it waits until `Leave` has counted it out.
            unsafe { (*work.0)(number) };
        }
    }

    /// The next piece of work; `None` where the pool ends.
    fn next(&self, seen: &mut u64) -> Option<Work> {
        for _ in 0..SPINS {
            if self.generation.load(Ordering::Acquire) != *seen {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(&self.state);
        loop {
            if self.stopped.load(Ordering::Acquire) {
                return None;
            }
            if state.generation != *seen {
                *seen = state.generation;
                if let Some(work) = state.work {
                    state.busy += 1;
                    return Some(work);
                }
            }
            let waited = self.wake.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct Leave<'a>(&'a Shared);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).busy -= 1;
        self.0.done.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        {
            let _state = lock(&self.shared.state);
            self.shared.stopped.store(true, Ordering::Release);
        }
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has printed why.
            let _ = worker.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    /// Sums 0..n by taking numbers off a counter.
    fn sum(pool: &Pool, n: usize) -> usize {
        let (next, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
        pool.run(&|_| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= n {
                    return;
                }
                total.fetch_add(number, Ordering::Relaxed);
            }
        });
        total.into_inner()
    }

    #[test]
    fn everything_is_done_once_on_any_number_of_threads() {
        for threads in [0, 1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.threads(), threads.max(1));
            for n in (0..2000).step_by(37) {
                assert_eq!(sum(&pool, n), n * n.saturating_sub(1) / 2);
            }
        }
    }

    #[test]
    fn a_busy_pool_and_work_inside_work_run_inline() {
        let pool = Pool::new(3).unwrap();
        let inner = AtomicUsize::new(0);
        pool.run(&|_| {
            inner.fetch_add(sum(&pool, 100), Ordering::Relaxed);
        });
        assert!(inner.into_inner().is_multiple_of(4950));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        assert_eq!(sum(&pool, 100), 4950);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_leaves_the_pool_usable() {
        let pool = Pool::new(2).unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.run(&|number| assert!(number != 0, "on purpose"));
        }));
        assert!(caught.is_err());
        assert_eq!(sum(&pool, 50), 1225);
    }
}

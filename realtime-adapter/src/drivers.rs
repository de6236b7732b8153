use realtime_core::Home;
use std::sync::Arc;

/// Wakes a driver, from any thread and at once.
pub trait Wake: Send + Sync {
    /// Sees to it that the driver looks at its orders.
    fn wake(&self);
}

/// Who is to be woken for which home.
#[derive(Default)]
pub(crate) struct Drivers {
    /// By home, less the first, which is that of the clients in this process.
    wakers: Vec<Option<Arc<dyn Wake>>>,
    /// Homes whose drivers have ended.
    vacant: Vec<Home>,
}

impl Drivers {
    /// Has `waker` woken for a home, one that was given back or else what `new_home` gives.
    pub(crate) fn add(
        &mut self,
        waker: Arc<dyn Wake>,
        new_home: impl FnOnce() -> Option<Home>,
    ) -> Option<Home> {
        if let Some(home) = self.vacant.pop() {
            self.wakers[usize::from(home.0) - 1] = Some(waker);
            return Some(home);
        }
        let home = new_home()?;
        self.wakers.push(Some(waker));
        Some(home)
    }

    pub(crate) fn remove(&mut self, home: Home) {
        self.wakers[usize::from(home.0) - 1] = None;
        self.vacant.push(home);
    }

    /// Whom to wake for `home`, once nothing is locked.
    pub(crate) fn waker(&self, home: Home) -> Option<Arc<dyn Wake>> {
        self.wakers[usize::from(home.0) - 1].clone()
    }

    pub(crate) fn wake_any(&self) {
        if let Some(waker) = self.wakers.iter().flatten().next() {
            waker.wake();
        }
    }
}

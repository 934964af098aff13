//! How many deliveries one subscription may have on their way: fewer while its target puts them back, one probe
//! now and then when it takes nothing at all. So a dead target costs a few probes, not its whole backlog.

use std::time::Duration;

use eddy_base::Timestamp;

use crate::limits::{PUT_BACK_FIRST, PUT_BACK_MAX};

/// A window that halves when a delivery is put back and grows by one with each windowful of successes.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    size: usize,
    /// Counts halvings. What was sent before the last one says nothing about the window as it is now.
    epoch: u32,
    /// Successes since the window last changed.
    taken: usize,
    /// Probes in a row that were put back.
    misses: u32,
    /// Nothing starts before.
    closed_until: Option<Timestamp>,
}

impl Window {
    pub(crate) fn new(size: usize) -> Window {
        Window { size: size.max(1), epoch: 0, taken: 0, misses: 0, closed_until: None }
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How many more may start now.
    pub(crate) fn room(&self, running: usize, max: usize, now: Timestamp) -> usize {
        if self.closed_until.is_some_and(|until| now < until) {
            return 0;
        }
        self.size.min(max.max(1)).saturating_sub(running)
    }

    pub(crate) fn opens_at(&self) -> Option<Timestamp> {
        self.closed_until
    }

    /// The target took one.
    pub(crate) fn took(&mut self, max: usize) {
        self.misses = 0;
        self.closed_until = None;
        self.taken += 1;
        if self.taken >= self.size {
            self.taken = 0;
            self.size = (self.size + 1).min(max.max(1));
        }
    }

    /// The target put back one that was sent in `epoch`. `random` is any number, drawn evenly.
    pub(crate) fn put_back(&mut self, epoch: u32, now: Timestamp, random: u64) {
        if epoch != self.epoch {
            return;
        }
        self.epoch = self.epoch.wrapping_add(1);
        self.taken = 0;
        if self.size > 1 {
            self.size /= 2;
            return;
        }
        self.closed_until = Some(now.plus(backoff(self.misses, random)));
        self.misses = self.misses.saturating_add(1);
    }
}

/// A time between zero and 1 s, doubled for each earlier try, at most 5 min: exponential with full jitter.
pub(crate) fn backoff(earlier: u32, random: u64) -> Duration {
    let cap = PUT_BACK_FIRST.saturating_mul(1_u32.checked_shl(earlier).unwrap_or(u32::MAX)).min(PUT_BACK_MAX);
    let cap_ms = u64::try_from(cap.as_millis()).expect("five minutes of milliseconds fit");
    Duration::from_millis(random % (cap_ms + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_burst_that_is_put_back_halves_it_once() {
        let mut window = Window::new(16);
        let epoch = window.epoch();
        for _ in 0..16 {
            window.put_back(epoch, at(0), 0);
        }
        assert_eq!(window.room(0, 16, at(0)), 8);
        assert_eq!(window.room(5, 16, at(0)), 3);
        assert_eq!(window.room(9, 16, at(0)), 0);
    }

    #[test]
    fn a_dead_target_gets_few_probes_and_a_live_one_all_again() {
        let mut window = Window::new(16);
        let (mut now, mut sent) = (at(0), 0);
        // An hour of putting everything back.
        while now < at(3_600_000) {
            let epoch = window.epoch();
            for _ in 0..window.room(0, 16, now) {
                sent += 1;
                window.put_back(epoch, now, u64::MAX / 2);
            }
            now =
                window.opens_at().filter(|until| *until > now).unwrap_or(now.plus(Duration::from_millis(1)));
        }
        assert!(sent < 100, "{sent} probes");

        for _ in 0..200 {
            window.took(16);
        }
        assert_eq!(window.room(0, 16, now), 16);
        assert_eq!(window.room(0, 4, now), 4);
    }

    proptest! {
        #[test]
        fn a_backoff_stays_below_its_cap(earlier in 0_u32..100, random: u64) {
            let span = backoff(earlier, random);
            let cap = Duration::from_secs(1_u64.checked_shl(earlier).unwrap_or(u64::MAX).min(300));
            prop_assert!(span <= cap);
        }

        #[test]
        fn there_is_always_a_time_when_one_may_start(steps in proptest::collection::vec((any::<bool>(), any::<u64>()), 0..60)) {
            let mut window = Window::new(8);
            let mut now = at(0);
            for (takes, random) in steps {
                if takes { window.took(8) } else { window.put_back(window.epoch(), now, random) }
                now = now.max(window.opens_at().unwrap_or(now));
                prop_assert!((1..=8).contains(&window.room(0, 8, now)));
            }
        }
    }
}

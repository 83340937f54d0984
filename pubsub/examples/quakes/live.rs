//! A network as `--watch` shows it: what its last window held, and a column for every hour before.

use std::collections::VecDeque;
use std::time::Duration;

use crate::calendar::Timestamp;

/// From one window of a network to the next.
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// Windows that are kept: as many as the widest terminal has columns.
const KEPT: usize = 200;

/// A network: what it reported so far, and its windows, the newest last.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) reports: u64,
    windows: VecDeque<Window>,
}

/// What was reported in the hours before a moment. There is none where nothing was.
pub(crate) struct Window {
    pub(crate) ended: Timestamp,
    pub(crate) reports: usize,
    pub(crate) strongest: f64,
}

impl Live {
    pub(crate) fn push(&mut self, window: Window) {
        if self.windows.len() == KEPT {
            self.windows.pop_front();
        }
        self.windows.push_back(window);
    }

    /// The newest window, unless one should have followed it: then the network is silent, and has no windows.
    pub(crate) fn current(&self, now: Timestamp) -> Option<&Window> {
        self.windows.back().filter(|window| now.since(window.ended) < HOUR * 3 / 2)
    }

    /// The reports of the last windows, one for each hour, the newest last.
    pub(crate) fn hours(&self, now: Timestamp, hours: usize) -> Vec<u64> {
        // Counted from the newest window: its hour is not over, and no column should be empty until it is.
        let newest = self.current(now).map_or(now, |window| window.ended);
        let (mut counts, mut free) = (vec![0; hours], 0);
        for window in self.windows.iter().rev() {
            let ago = newest.since(window.ended).as_secs_f64() / HOUR.as_secs_f64();
            // After a leap of the clock several windows end at once.
            let column = free.max(ago.round() as usize);
            if let Some(count) = counts.iter_mut().rev().nth(column) {
                *count = window.reports as u64;
            }
            free = column + 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_ms(minute * 60_000).expect("in range")
    }

    /// A network whose windows ended at these minutes and held these numbers of reports.
    fn live(windows: &[(i64, usize)]) -> Live {
        let mut live = Live::default();
        for &(ended, reports) in windows {
            live.push(Window { ended: minute(ended), reports, strongest: 1.0 });
        }
        live
    }

    #[test]
    fn a_window_stands_for_an_hour_and_is_told_late_without_a_gap() {
        let live = live(&[(0, 1), (61, 2), (119, 3)]);
        assert_eq!(live.hours(minute(119), 4), [0, 1, 2, 3]);
        assert_eq!(live.hours(minute(184), 4), [0, 1, 2, 3]);
        assert_eq!(live.hours(minute(184), 2), [2, 3]);
    }

    #[test]
    fn hours_without_a_report_are_empty() {
        let live = live(&[(0, 1), (240, 2)]);
        assert_eq!(live.hours(minute(240), 6), [0, 1, 0, 0, 0, 2]);
    }

    #[test]
    fn a_silent_network_has_no_current_window_and_moves_to_the_left() {
        let live = live(&[(0, 1), (60, 2)]);
        assert_eq!(live.current(minute(149)).map(|window| window.reports), Some(2));
        assert!(live.current(minute(150)).is_none());
        assert_eq!(live.hours(minute(240), 5), [1, 2, 0, 0, 0]);
    }

    #[test]
    fn windows_that_end_at_once_keep_their_order() {
        let live = live(&[(0, 1), (180, 2), (180, 3), (180, 4)]);
        assert_eq!(live.hours(minute(180), 5), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_past_is_bounded() {
        let live = live(&[(0, 7); KEPT + 1]);
        assert_eq!(live.hours(minute(0), KEPT + 1).iter().sum::<u64>(), 7 * KEPT as u64);
    }
}

//! Which parts a frame of `--watch` has, by the lines there are: a part is there as a whole, or not at all.
//!
//! The tables come first, for they are what is followed; the map is for a terminal that has room for both. What is
//! left over makes the tables longer.

/// The lines of a frame that are always there: the time, the newest strong one and how far the replay is, with gaps.
const FRAMEWORK: usize = 5;
/// The map with its legend and the gap above it.
const MAP: usize = 18;
/// The gap above a table, and its heading.
const HEADING: usize = 2;
/// A table with fewer rows than these says little.
const FEWEST: usize = 3;
const TABLES: usize = 2 * (HEADING + FEWEST);
/// Most networks that are shown.
const NETWORKS: usize = 12;

/// What there is besides the framework; a table without rows is left out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) map: bool,
    pub(crate) networks: usize,
    pub(crate) felt: usize,
}

impl Layout {
    /// For a terminal with so many `lines`; `wide` is one in which the map is not cut.
    pub(crate) fn new(lines: usize, wide: bool) -> Self {
        let room = lines.saturating_sub(FRAMEWORK);
        let map = wide && room >= MAP + TABLES;
        let room = if map { room - MAP } else { room };
        let (networks, felt) = match room {
            TABLES.. => {
                let rows = room - 2 * HEADING;
                let networks = (rows * 3 / 5).min(NETWORKS);
                (networks, rows - networks)
            }
            // One table with rows is better than two without.
            _ if room >= HEADING + FEWEST => (room - HEADING, 0),
            _ => (0, 0),
        };
        Self { map, networks, felt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_higher_than_the_terminal() {
        for (lines, wide) in (FRAMEWORK..=200).flat_map(|lines| [(lines, false), (lines, true)]) {
            let Layout { map, networks, felt } = Layout::new(lines, wide);
            let table = |rows: usize| if rows > 0 { HEADING + rows } else { 0 };
            let used = FRAMEWORK + if map { MAP } else { 0 } + table(networks) + table(felt);
            assert!(used <= lines, "{lines} {wide}: {used}");
            assert!([networks, felt].iter().all(|rows| *rows == 0 || *rows >= FEWEST), "{lines} {wide}");
        }
    }

    #[test]
    fn the_tables_come_before_the_map() {
        let [lowest, low, both, usual, map] = [9, 12, 15, 24, 33].map(|lines| Layout::new(lines, true));
        assert_eq!(lowest, Layout { map: false, networks: 0, felt: 0 });
        assert_eq!(low, Layout { map: false, networks: 5, felt: 0 });
        assert_eq!(both, Layout { map: false, networks: 3, felt: 3 });
        assert_eq!(usual, Layout { map: false, networks: 9, felt: 6 });
        assert_eq!(map, Layout { map: true, networks: 3, felt: 3 });
        assert!(!Layout::new(200, false).map);
    }
}

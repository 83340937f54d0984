//! The map under the quakes: coastlines in braille characters.
//!
//! `coast.txt` was drawn from the 1:50m land polygons of [Natural Earth](https://www.naturalearthdata.com), which
//! are in the public domain. A character is 2 by 4 dots, a dot 2.4 degrees in both directions (equirectangular
//! projection), and the upper left corner is 180° W, 84° N.

/// The map, one line for each row of characters.
pub(crate) const LINES: &str = include_str!("coast.txt");
/// The characters of a line.
pub(crate) const COLUMNS: usize = 75;
/// The lines; what lies south of them (69.6° S) is ice.
const ROWS: usize = 16;
const TOP: f64 = 84.0;
const DEGREES_PER_DOT: f64 = 2.4;

/// The place of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// Where on the map a place is; `None` if it is too close to a pole to be on it.
pub(crate) fn cell(lon: f64, lat: f64) -> Option<Cell> {
    let column = (lon + 180.0) / (2.0 * DEGREES_PER_DOT);
    let row = (TOP - lat) / (4.0 * DEGREES_PER_DOT);
    (0.0..ROWS as f64).contains(&row).then_some(Cell {
        row: row as usize,
        column: column as usize % COLUMNS, // 180° E is 180° W
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_has_the_size_that_the_projection_assumes() {
        assert_eq!(LINES.lines().count(), ROWS);
        assert!(LINES.lines().all(|line| line.chars().count() == COLUMNS));
        assert!((COLUMNS as f64 * 2.0 * DEGREES_PER_DOT - 360.0).abs() < 1e-9);
    }

    #[test]
    fn places_are_where_they_belong() {
        let is = |lon, lat, row, column| assert_eq!(cell(lon, lat), Some(Cell { row, column }));
        is(-180.0, 84.0, 0, 0);
        is(180.0, 0.0, 8, 0);
        is(0.0, 51.5, 3, 37); // Greenwich
        is(179.9, -69.5, 15, 74);
        assert_eq!((cell(0.0, 84.1), cell(0.0, -69.7)), (None, None));
    }

    /// A map that is shifted or upside down looks fine until one knows where Madagascar is.
    #[test]
    fn the_coast_is_drawn_where_it_is() {
        let drawn = |lon, lat| {
            let Cell { row, column } = cell(lon, lat).expect("on the map");
            LINES.lines().nth(row).and_then(|line| line.chars().nth(column)) != Some('\u{2800}')
        };
        assert!(drawn(-5.6, 36.0), "Gibraltar");
        assert!(drawn(18.5, -34.3), "Cape of Good Hope");
        assert!(drawn(-80.2, 25.8), "Miami");
        assert!(drawn(46.0, -25.0), "Madagascar's south");
        assert!(drawn(146.5, -43.0), "Tasmania");
        assert!(!drawn(-30.0, 30.0), "the middle of the Atlantic");
        assert!(!drawn(80.0, -40.0), "the middle of the Indian Ocean");
    }
}

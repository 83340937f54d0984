//! Drawing with block characters.

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of `part` (0 to 1) of `columns`, exact to an eighth of a column. More than nothing is never drawn as
/// nothing.
pub(crate) fn bar(part: f64, columns: usize) -> String {
    let part = part.clamp(0.0, 1.0);
    let mut eighths = (part * columns as f64 * 8.0).round() as usize;
    if part > 0.0 && columns > 0 {
        eighths = eighths.max(1);
    }
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

/// A column for each value, the largest as high as the line; a value of 0 is a blank.
pub(crate) fn sparkline(values: &[u64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0);
    let level = |value: u64| match (value * 8).div_ceil(most.max(1)) {
        0 => ' ',
        level => LEVELS[level as usize - 1],
    };
    values.iter().copied().map(level).collect()
}

/// At most `columns` characters of `text`; an ellipsis says that there was more.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_exact_to_an_eighth_and_keep_to_their_columns() {
        let drawn = [0.0, 0.001, 0.5, 0.55, 1.0, 7.0, -1.0].map(|part| bar(part, 4));
        assert_eq!(drawn, ["", "▏", "██", "██▎", "████", "████", ""]);
        assert_eq!(bar(f64::NAN, 4), "");
        assert_eq!(bar(1.0, 0), "");
    }

    #[test]
    fn a_sparkline_tells_nothing_from_little() {
        assert_eq!(sparkline(&[0, 1, 4, 8, 1_000]), " ▁▁▁█");
        assert_eq!(sparkline(&[1, 2, 3, 4]), "▂▄▆█");
        assert_eq!(sparkline(&[0, 0]), "  ");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn text_that_is_cut_says_so() {
        let cut = [5, 4, 3, 1, 0].map(|columns| fit("Lima", columns));
        assert_eq!(cut, ["Lima", "Lima", "Li…", "…", ""]);
        assert_eq!(fit("Jökulsá", 7), "Jökulsá");
    }
}

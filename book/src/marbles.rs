//! Marble pictures: what a doc comment draws with letters, drawn as SVG.
//!
//! Lines and letters take the colour of the text around them, and the marbles are see-through, so a picture fits every
//! theme of the book.

use std::fmt::Write;

/// How far two letters of a row lie apart.
const COLUMN: usize = 14;
/// The height of a row.
const ROW: usize = 38;
/// The height of a marble, and the width of one with a letter or two.
const MARBLE: usize = 24;
/// Between the edge and what is drawn.
const MARGIN: usize = 8;

/// What stands on a time line.
#[derive(Debug, PartialEq)]
enum Mark {
    Item(String),
    End,
    /// What comes at once.
    Group(Vec<Self>),
}

/// A mark, and the columns that it takes in the text.
struct Placed {
    mark: Mark,
    from: usize,
    to: usize,
}

enum Row {
    Line { label: String, from: usize, marks: Vec<Placed>, comment: String },
    Operator { from: usize, text: String },
    Axis { label: String, ticks: Vec<(usize, String)> },
    Gap,
}

/// The picture as an element that can stand in a page.
#[must_use]
pub fn svg(picture: &str) -> String {
    let rows: Vec<Row> = picture.lines().map(row).collect();
    let lines = rows.iter().map(width).max().unwrap_or_default();
    let comments = rows.iter().map(|row| width(row) + comment_width(row)).max().unwrap_or_default();
    let (wide, high) = (comments + 2 * MARGIN, rows.iter().map(height).sum::<usize>() + 2 * MARGIN);
    let words: Vec<String> = rows.iter().map(words).filter(|words| !words.is_empty()).collect();
    let mut svg = format!(
        "<svg class=\"marbles\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" \
         style=\"max-width: 100%; height: auto\" font-family=\"monospace\" font-size=\"14\" fill=\"currentColor\">\n",
        escaped(&words.join("; ")),
    );
    let mut top = MARGIN;
    for row in &rows {
        draw(&mut svg, row, top, lines + MARGIN);
        top += height(row);
    }
    svg + "</svg>\n"
}

fn row(line: &str) -> Row {
    let letters: Vec<char> = line.chars().collect();
    let Some(first) = letters.iter().position(|letter| *letter != ' ') else { return Row::Gap };
    let text: String = letters[first..].iter().collect();
    let name = text.split('(').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.chars().all(|letter| letter == '_' || letter.is_ascii_lowercase());
    if text.contains('(') && is_name {
        return Row::Operator { from: first, text };
    }
    // `in   --1--|`, or within the picture `A: --1--|`, or the bare `(1 2)`.
    let label: String = letters[first..].iter().take_while(|letter| **letter != ' ').collect();
    let is_label = label.chars().all(|letter| letter == ':' || letter.is_ascii_alphabetic());
    let begin = first + if is_label { label.chars().count() } else { 0 };
    let from = (begin..letters.len()).find(|place| letters[*place] != ' ').unwrap_or(begin);
    let label = if is_label { label } else { String::new() };
    if label == "time" {
        return Row::Axis { label, ticks: ticks(&letters, from) };
    }
    let (marks, end) = marks(&letters, from);
    let comment: String = letters[end..].iter().collect();
    Row::Line { label, from, marks, comment: comment.trim().to_owned() }
}

fn ticks(letters: &[char], from: usize) -> Vec<(usize, String)> {
    let mut ticks = Vec::<(usize, String)>::new();
    for (place, letter) in letters.iter().enumerate().skip(from).filter(|(_, letter)| **letter != ' ') {
        match ticks.last_mut() {
            Some((start, tick)) if *start + tick.len() == place => tick.push(*letter),
            _ => ticks.push((place, letter.to_string())),
        }
    }
    ticks
}

/// The marks of a line, and where it ends: at its first space.
fn marks(letters: &[char], from: usize) -> (Vec<Placed>, usize) {
    let mut marks = Vec::new();
    let mut place = from;
    while place < letters.len() && letters[place] != ' ' {
        let begin = place;
        let mark = match letters[place] {
            '-' => {
                place += 1;
                continue;
            }
            '|' => {
                place += 1;
                Mark::End
            }
            '(' => {
                place = closed(letters, place);
                group(&letters[begin..place])
            }
            _ => {
                place = token(letters, place);
                Mark::Item(letters[begin..place].iter().collect())
            }
        };
        marks.push(Placed { mark, from: begin, to: place });
    }
    (marks, place)
}

/// The place after an item: `1`, `[1,2]`, `"a"`, `Err(E)`.
fn token(letters: &[char], from: usize) -> usize {
    match letters[from] {
        '[' => closed(letters, from),
        '"' => (from + 1..letters.len())
            .find(|place| letters[*place] == '"')
            .map_or(letters.len(), |end| end + 1),
        _ => {
            let is_end = |letter: char| " -|[)\"".contains(letter);
            let mut place = from;
            while place < letters.len() && !is_end(letters[place]) {
                place = if letters[place] == '(' { closed(letters, place) } else { place + 1 };
            }
            place
        }
    }
}

/// The place after the bracket that closes the one at `from`.
fn closed(letters: &[char], from: usize) -> usize {
    let mut depth = 0;
    for (place, letter) in letters.iter().enumerate().skip(from) {
        depth += i32::from("([{".contains(*letter)) - i32::from(")]}".contains(*letter));
        if depth == 0 {
            return place + 1;
        }
    }
    letters.len()
}

/// `(1 2)` is two items at once and `(12)` too, `(2|)` an item with the end; `(a,b)` is one item: a pair.
fn group(letters: &[char]) -> Mark {
    let inside = &letters[1..letters.len() - 1];
    let (mut marks, mut place, mut depth) = (Vec::new(), 0, 0);
    for letter in inside {
        depth += i32::from("([{".contains(*letter)) - i32::from(")]}".contains(*letter));
        if depth == 0 && *letter == ',' {
            return Mark::Item(letters.iter().collect());
        }
    }
    while place < inside.len() {
        let begin = place;
        match inside[place] {
            ' ' => place += 1,
            '|' => {
                place += 1;
                marks.push(Mark::End);
            }
            '(' => {
                place = closed(inside, place);
                marks.push(Mark::Item(inside[begin..place].iter().collect()));
            }
            _ => {
                place = token(inside, place);
                let item = &inside[begin..place];
                if item.iter().all(char::is_ascii_digit) {
                    marks.extend(item.iter().map(|digit| Mark::Item(digit.to_string())));
                } else {
                    marks.push(Mark::Item(item.iter().collect()));
                }
            }
        }
    }
    Mark::Group(marks)
}

fn x(column: usize) -> usize {
    MARGIN + column * COLUMN
}

/// Without what is said beside it.
fn width(row: &Row) -> usize {
    match row {
        Row::Line { from, marks, .. } => {
            let end = marks.last().map_or(*from, |placed| placed.to) * COLUMN;
            end + marks.last().map_or(0, |placed| span(&placed.mark) / 2)
        }
        Row::Operator { from, text } => from * COLUMN + (text.chars().count() + 3) * 9,
        Row::Axis { ticks, .. } => ticks.last().map_or(0, |(place, tick)| (place + tick.len()) * COLUMN),
        Row::Gap => 0,
    }
}

fn comment_width(row: &Row) -> usize {
    match row {
        Row::Line { comment, .. } if !comment.is_empty() => 2 * COLUMN + comment.chars().count() * 8,
        _ => 0,
    }
}

fn height(row: &Row) -> usize {
    if matches!(row, Row::Gap | Row::Axis { .. }) { ROW * 2 / 3 } else { ROW }
}

/// How wide a mark is drawn.
fn span(mark: &Mark) -> usize {
    match mark {
        Mark::Item(text) if text.chars().count() <= 2 => MARBLE,
        Mark::Item(text) => text.chars().count() * 17 / 2 + 14,
        Mark::End => 8,
        Mark::Group(marks) => marks.iter().map(|mark| span(mark) + 2).sum::<usize>() + 6,
    }
}

/// An operator goes as far as the longest line, whose end is at `end`.
fn draw(svg: &mut String, row: &Row, top: usize, end: usize) {
    let middle = top + height(row) / 2;
    match row {
        Row::Gap => {}
        Row::Operator { from, text } => {
            let left = x(*from) - COLUMN;
            let (box_width, center) = (end - left, (left + end) / 2);
            line(
                svg,
                &format!(
                    "<rect x=\"{left}\" y=\"{}\" width=\"{box_width}\" height=\"28\" rx=\"6\" fill-opacity=\"0.08\" \
                     stroke=\"currentColor\" stroke-opacity=\"0.4\"/>",
                    middle - 14
                ),
            );
            words_at(svg, center, middle, "middle", text, "");
        }
        Row::Axis { label, ticks } => {
            words_at(svg, MARGIN, middle, "start", label, " opacity=\"0.7\"");
            for (place, tick) in ticks {
                words_at(
                    svg,
                    x(*place) + COLUMN / 2,
                    middle,
                    "middle",
                    tick,
                    " font-size=\"12\" opacity=\"0.7\"",
                );
            }
        }
        Row::Line { label, from, marks, comment } => {
            // A label within the picture stands before its line, as `A:`.
            let at = if label.ends_with(':') { x(*from) - (label.len() + 1) * COLUMN } else { MARGIN };
            words_at(svg, at, middle, "start", label, " opacity=\"0.7\"");
            let end = marks.last().map_or(x(*from), center);
            line(
                svg,
                &format!(
                    "<path d=\"M{} {middle}H{end}\" stroke=\"currentColor\" stroke-opacity=\"0.5\" stroke-width=\"1.5\"/>",
                    x(*from)
                ),
            );
            for placed in marks {
                mark(svg, &placed.mark, center(placed), middle);
            }
            if !comment.is_empty() {
                let after = end + marks.last().map_or(0, |placed| span(&placed.mark) / 2) + 2 * COLUMN;
                words_at(
                    svg,
                    after,
                    middle,
                    "start",
                    comment,
                    " font-family=\"sans-serif\" font-size=\"13\" font-style=\"italic\" opacity=\"0.8\"",
                );
            }
        }
    }
}

fn center(placed: &Placed) -> usize {
    MARGIN + (placed.from + placed.to) * COLUMN / 2
}

fn mark(svg: &mut String, mark_: &Mark, center: usize, middle: usize) {
    let width = span(mark_);
    let left = center - width / 2;
    match mark_ {
        Mark::End => line(
            svg,
            &format!(
                "<path d=\"M{center} {}v24\" stroke=\"currentColor\" stroke-width=\"2.5\"/>",
                middle - 12
            ),
        ),
        Mark::Item(text) => {
            let color = color(text);
            // Twice, so that the line behind does not show through.
            for fill in
                ["fill=\"var(--bg, Canvas)\"".to_owned(), format!("fill=\"{color}\" fill-opacity=\"0.25\"")]
            {
                line(
                    svg,
                    &format!(
                        "<rect x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"{MARBLE}\" rx=\"12\" {fill} \
                         stroke=\"{color}\" stroke-width=\"1.5\"/>",
                        middle - MARBLE / 2
                    ),
                );
            }
            words_at(svg, center, middle, "middle", text, "");
        }
        Mark::Group(marks) => {
            line(
                svg,
                &format!(
                    "<rect x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"32\" rx=\"16\" fill=\"var(--bg, Canvas)\" \
                     stroke=\"currentColor\" stroke-opacity=\"0.6\" stroke-dasharray=\"3 3\"/>",
                    middle - 16
                ),
            );
            let mut place = left + 4;
            for inner in marks {
                mark(svg, inner, place + span(inner) / 2, middle);
                place += span(inner) + 2;
            }
        }
    }
}

/// The same letter has the same colour on every line; what is gathered has that of the text.
fn color(text: &str) -> &'static str {
    const COLORS: [&str; 6] = ["#3b82f6", "#f59e0b", "#10b981", "#a855f7", "#06b6d4", "#ec4899"];
    if text.starts_with(['[', '(']) || text == "x" {
        return "currentColor";
    }
    if text == "E" || text.starts_with("Err") {
        return "#ef4444";
    }
    let letter = text.chars().find(char::is_ascii_alphanumeric);
    letter.map_or("currentColor", |letter| COLORS[letter as usize % COLORS.len()])
}

fn words_at(svg: &mut String, x: usize, y: usize, anchor: &str, text: &str, attributes: &str) {
    if !text.is_empty() {
        line(
            svg,
            &format!(
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" dominant-baseline=\"central\"{attributes}>{}</text>",
                escaped(text)
            ),
        );
    }
}

fn line(svg: &mut String, element: &str) {
    writeln!(svg, "{element}").expect("a string takes all");
}

/// What a row says, for who cannot see it.
fn words(row: &Row) -> String {
    match row {
        Row::Operator { text, .. } => text.clone(),
        Row::Line { label, marks, comment, .. } => {
            let marks: Vec<String> = marks.iter().map(|placed| spoken(&placed.mark)).collect();
            let comment = if comment.is_empty() { String::new() } else { format!(" ({comment})") };
            format!("{} {}{comment}", label.trim_end_matches(':'), marks.join(", ")).trim().to_owned()
        }
        Row::Axis { .. } | Row::Gap => String::new(),
    }
}

fn spoken(mark: &Mark) -> String {
    match mark {
        Mark::Item(text) => text.clone(),
        Mark::End => "end".to_owned(),
        Mark::Group(marks) => {
            let marks: Vec<String> = marks.iter().map(spoken).collect();
            format!("at once {}", marks.join(" and "))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        words(&row(line))
    }

    #[test]
    fn a_line_has_its_items_and_its_end() {
        assert_eq!(read("in   --1---20--[1,2]--|"), "in 1, 20, [1,2], end");
        assert_eq!(read("out  ------------Some(9)"), "out Some(9)");
        assert_eq!(read("       A: --1---2|     a note"), "A 1, 2, end (a note)");
    }

    #[test]
    fn parentheses_hold_what_comes_at_once_or_are_a_pair() {
        assert_eq!(
            read("in   --(12)--([3]E)--(4|)"),
            "in at once 1 and 2, at once [3] and E, at once 4 and end"
        );
        assert_eq!(read("out  --(a,[a1,a2])--((-,c8)|)"), "out (a,[a1,a2]), at once (-,c8) and end");
    }

    #[test]
    fn an_operator_is_a_name_with_arguments() {
        assert!(matches!(row("       filter(even)"), Row::Operator { .. }));
        assert!(matches!(row("(1 2)-(3 4)"), Row::Line { .. }));
    }

    #[test]
    fn what_html_would_read_is_escaped_and_no_line_is_blank() {
        let svg = svg("in   --1--|\n       take_while(< 5)\n\nout  --1--|\n");
        assert!(svg.contains("take_while(&lt; 5)"), "{svg}");
        assert!(svg.lines().all(|line| !line.is_empty()), "{svg}");
    }
}

//! What is printed: lines of text, and of colour where there is colour.

use crate::chart;

/// The margin on the left of every line below a heading.
const MARGIN: usize = 2;

/// The text to print, as it grows.
pub(crate) struct Page {
    text: String,
    columns: usize,
    colours: bool,
}

impl Page {
    pub(crate) fn new(columns: usize, colours: bool) -> Self {
        Self { text: String::new(), columns, colours }
    }

    /// A line that starts a section.
    pub(crate) fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.gap();
        }
        let text = self.painted("1", text);
        self.plain(&text);
    }

    /// A line of a section.
    pub(crate) fn line(&mut self, text: &str) {
        let line = format!("{:MARGIN$}{text}", "");
        self.plain(&line);
    }

    /// A line of a section that explains it.
    pub(crate) fn note(&mut self, text: &str) {
        let indent = text.len() - text.trim_start().len();
        let note = self.painted("2", text.trim_start());
        self.line(&format!("{:indent$}{note}", ""));
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Empty lines until there are `lines`; none if there are more.
    pub(crate) fn fill(&mut self, lines: usize) {
        for _ in self.text.lines().count()..lines {
            self.gap();
        }
    }

    /// A line without margin.
    pub(crate) fn plain(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// How many columns are left in a line whose other parts take `used`.
    pub(crate) fn room_beside(&self, used: usize) -> usize {
        self.columns.saturating_sub(MARGIN + 1 + used)
    }

    /// `text`, cut to what is left in a line whose other parts take `used`.
    pub(crate) fn fit(&self, text: &str, used: usize) -> String {
        chart::fit(text, self.room_beside(used))
    }

    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }

    /// `text` in the colour of bars.
    pub(crate) fn accent(&self, text: &str) -> String {
        self.painted("38;5;74", text)
    }

    /// `text` in a colour of the 256-colour palette.
    pub(crate) fn hue(&self, hue: u8, text: &str) -> String {
        self.painted(&format!("38;5;{hue}"), text)
    }

    /// `text` in the graphic rendition `code`, where there is colour.
    pub(crate) fn painted(&self, code: &str, text: &str) -> String {
        if self.colours && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

//! Tables in Markdown, and the file that they are written into.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::story::{Story, Told};

#[derive(Default)]
pub(crate) struct Tables {
    text: String,
    /// What the book calls the table that is not at its end.
    anchor: Option<&'static str>,
}

const HEAD: &str = "\
| who | published | refused to the publisher | delivered | told as lost | lost silently | what was seen |
|---|---|---|---|---|---|---|
";
const END: &str = "<!-- end of the tables -->";

impl Tables {
    pub(crate) fn begin(&mut self, anchor: &'static str, scenario: &str) {
        self.end();
        let title = format!("{}{}", scenario[..1].to_uppercase(), &scenario[1..]);
        self.write(&format!("\n**{title}**\n\n<!-- ANCHOR: {anchor} -->\n{HEAD}"));
        self.anchor = Some(anchor);
    }

    pub(crate) fn end(&mut self) {
        if let Some(anchor) = self.anchor.take() {
            self.write(&format!("<!-- ANCHOR_END: {anchor} -->\n"));
        }
    }

    pub(crate) fn row(&mut self, who: &str, story: Story) {
        let told = match story.told {
            Told::Exactly(told) => told.to_string(),
            Told::Ended => "the process ends".to_owned(),
            Told::Away if story.missing() > 0 => "some, not how many".to_owned(),
            Told::Away | Told::Nothing => "0".to_owned(),
        };
        let Story { published, refused, delivered, note, .. } = &story;
        let silently = story.lost_silently();
        let mut row = String::new();
        let _ =
            writeln!(row, "| {who} | {published} | {refused} | {delivered} | {told} | {silently} | {note} |");
        self.write(&row);
    }

    fn write(&mut self, text: &str) {
        print!("{text}");
        self.text += text;
    }

    /// Between the marks that name this command.
    pub(crate) fn save(&self, path: &Path, command: &str) -> io::Result<()> {
        let begin = format!("<!-- tables: written by `{command}` -->\n");
        let readme = fs::read_to_string(path)?;
        let parts =
            readme.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = parts else {
            return Err(io::Error::other("the README does not say where the tables go"));
        };
        fs::write(path, format!("{before}{begin}{}\n{END}{after}", self.text))
    }
}

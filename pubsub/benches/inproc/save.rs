//! Writes a table into `benches/README.md`, between the lines that say where it goes.

use std::path::Path;
use std::{fs, io};

const END: &str = "<!-- end of the table -->";

/// `command` is the one that writes it, as the line before the table says.
pub(crate) fn save(command: &str, table: &str) -> io::Result<()> {
    let begin = format!("<!-- table: written by `{command}` -->\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/README.md");
    let readme = fs::read_to_string(&path)?;
    let parts = readme.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other("benches/README.md does not say where the table goes"));
    };
    fs::write(path, format!("{before}{begin}{table}{END}{after}"))
}

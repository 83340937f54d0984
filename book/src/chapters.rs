//! The chapters as mdBook sees them: with what they include put in its place.
//!
//! `build.rs` compiles this file too, so it depends on nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// One page.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// Its path below the folder of the chapters, with `/` between the parts.
    pub name: String,
    /// As it is written.
    pub source: String,
    /// With what it includes.
    pub text: String,
    /// The files it includes.
    pub includes: Vec<PathBuf>,
}

/// Every page in `folder` and below, sorted by name; `SUMMARY.md` is none.
///
/// # Errors
/// A file that cannot be read, or an include that has no target, with the page.
pub fn chapters(folder: &Path) -> Result<Vec<Chapter>, String> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    let pages = paths.iter().filter(|path| !path.ends_with("SUMMARY.md"));
    pages.map(|path| chapter(folder, path)).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    Ok(())
}

fn chapter(folder: &Path, path: &Path) -> Result<Chapter, String> {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    let name = parts.join("/");
    let source = read(path)?;
    let mut includes = Vec::new();
    let text = include(&source, path.parent().unwrap_or(folder), &mut includes)
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(Chapter { name, source, text, includes })
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Replaces `{{#include file}}`, `{{#include file:anchor}}` and `{{#rustdoc_include file:anchor}}` as mdBook does. Each
/// stands on a line of its own. Line numbers are refused: they go wrong silently.
///
/// A block that shows a part of a program (`rustdoc_include`) becomes one of text: the program is a binary of this
/// package, compiled once and run by `tests/programs.rs`, and not once more for each part that is shown.
fn include(source: &str, folder: &Path, includes: &mut Vec<PathBuf>) -> Result<String, String> {
    let mut text = String::new();
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(inner) = line.strip_prefix("{{#").and_then(|rest| rest.strip_suffix("}}")) else {
            if line.contains("{{#") {
                return Err(format!("an include stands on a line of its own: {line}"));
            }
            let shows_a_program = lines.peek().is_some_and(|next| next.starts_with("{{#rustdoc_include "));
            text.push_str(if line == "```rust" && shows_a_program { "```text" } else { line });
            text.push('\n');
            continue;
        };
        let (kind, target) = inner.split_once(' ').ok_or_else(|| format!("no target: {line}"))?;
        let (file, anchor) = match target.split_once(':') {
            Some((file, anchor)) => (file, Some(anchor)),
            None => (target, None),
        };
        let path = folder.join(file);
        let content = read(&path)?;
        includes.push(path);
        match (kind, anchor) {
            ("include", None) => text.push_str(&content),
            ("include" | "rustdoc_include", Some(anchor)) => text.push_str(&anchored(&content, anchor)?),
            _ => return Err(format!("neither an include nor one by anchor: {line}")),
        }
    }
    Ok(text)
}

/// The lines between `ANCHOR: name` and `ANCHOR_END: name`, without those that mark other anchors.
fn anchored(content: &str, anchor: &str) -> Result<String, String> {
    let (mut text, mut inside, mut found) = (String::new(), false, false);
    for line in content.lines() {
        if let Some((_, rest)) = line.split_once("ANCHOR: ") {
            inside |= name(rest) == anchor;
            found |= inside;
        } else if let Some((_, rest)) = line.split_once("ANCHOR_END: ") {
            inside &= name(rest) != anchor;
        } else if inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    match (found, inside) {
        (true, false) => Ok(text),
        (true, true) => Err(format!("the anchor `{anchor}` has no end")),
        (false, _) => Err(format!("there is no anchor `{anchor}`")),
    }
}

/// Of an anchor; the end of a comment may follow it.
fn name(rest: &str) -> &str {
    let is_part = |letter: char| letter == '_' || letter == '-' || letter.is_alphanumeric();
    let rest = rest.trim_start();
    rest.split(|letter| !is_part(letter)).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "a\n// ANCHOR: one\nb\n// ANCHOR: two\nc\n// ANCHOR_END: two\n// ANCHOR_END: one\nd\n";

    #[test]
    fn an_anchor_gives_its_lines_and_no_marks() {
        assert_eq!(anchored(FILE, "one").unwrap(), "b\nc\n");
        assert_eq!(anchored(FILE, "two").unwrap(), "c\n");
        assert_eq!(anchored("<!-- ANCHOR: one -->\nb\n<!-- ANCHOR_END: one -->\n", "one").unwrap(), "b\n");
    }

    #[test]
    fn an_anchor_that_is_missing_or_open_is_an_error() {
        assert!(anchored(FILE, "three").is_err());
        assert!(anchored("// ANCHOR: x\n", "x").is_err());
    }

    #[test]
    fn line_numbers_and_includes_within_a_line_are_refused() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        for refused in ["see {{#include Cargo.toml}}", "{{#include Cargo.toml:3}}", "{{#include nowhere}}"] {
            assert!(include(refused, folder, &mut Vec::new()).is_err(), "{refused}");
        }
        assert!(include("{{#include Cargo.toml}}", folder, &mut Vec::new()).is_ok());
    }
}

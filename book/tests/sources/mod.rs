//! What the sources of the other crates offer, read from their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A path below the root of the repository.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files of a folder, and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The operators by name, with their pictures as far as they have one.
pub(crate) fn operators() -> BTreeMap<String, Option<String>> {
    let mut operators = BTreeMap::new();
    for file in ["methods.rs", "methods_ok.rs", "methods_timed.rs"] {
        add_methods(&read(&source("operators/src").join(file)), "pub fn ", &mut operators);
    }
    add_methods(&read(&source("pubsub/src/event_operators.rs")), "    fn ", &mut operators);
    let event_operators = source("pubsub/src/event_operators.rs");
    for file in files(&source("operators/src")).into_iter().chain([event_operators]) {
        for picture in pictures(&read(&file)) {
            let operator = picture.lines().find_map(|line| {
                let (name, _) = line.trim_start().split_once('(')?;
                let is_name = |char: char| char == '_' || char.is_ascii_lowercase();
                (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
            });
            let name = operator.unwrap_or_else(|| panic!("of which operator is this?\n{picture}"));
            operators.insert(name, Some(picture));
        }
    }
    assert!(operators.len() > 40, "{operators:?}");
    operators
}

fn add_methods(text: &str, marker: &str, operators: &mut BTreeMap<String, Option<String>>) {
    for rest in text.split(marker).skip(1) {
        let name = rest.split(['<', '(']).next().unwrap_or_default();
        if rest[name.len()..].contains("self") && name != "flow" {
            operators.insert(name.to_owned(), None);
        }
    }
}

/// The blocks of text in doc comments.
fn pictures(text: &str) -> Vec<String> {
    let mut pictures = Vec::new();
    let mut lines = text.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        if line == "/// ```text" {
            let block = lines.by_ref().take_while(|line| *line != "/// ```");
            pictures.push(block.map(|line| format!("{}\n", line.get(4..).unwrap_or_default())).collect());
        }
    }
    pictures
}

/// The public enums of `pubsub`, with their variants.
pub(crate) fn public_enums() -> BTreeMap<String, BTreeSet<String>> {
    let mut enums = BTreeMap::new();
    for text in public_files() {
        for rest in text.split("\npub enum ").skip(1) {
            let name = rest.split(['<', ' ']).next().unwrap_or_default();
            let (body, _) = rest.split_once("\n}").unwrap();
            // Formatted code: a variant is indented once, its fields are indented more.
            let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
            let variants = variants.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
            let ident = |line: &str| line.split(['(', ' ', ',']).next().unwrap_or_default().to_owned();
            enums.insert(name.to_owned(), variants.map(ident).collect());
        }
    }
    enums
}

/// The public methods of the types of `pubsub`, and of `EventId`, which it exports.
pub(crate) fn methods() -> BTreeMap<String, BTreeSet<String>> {
    // Public for what the derives generate, and hidden.
    let hidden = ["Stored", "Interest", ""];
    // An event derefs to it.
    let alias = |name: &str| if name == "EventData" { "Event" } else { name }.to_owned();
    let mut methods = BTreeMap::<String, BTreeSet<String>>::new();
    let event_id = read(&source("transports/src/event_id.rs"));
    for text in public_files().into_iter().chain([event_id]) {
        let (mut target, mut before) = (String::new(), "");
        for line in text.lines() {
            if line.starts_with("impl") {
                target = if before == "#[doc(hidden)]" { String::new() } else { implemented(line) };
            }
            before = line;
            let function = line.strip_prefix("    pub ").map(|rest| {
                rest.trim_start_matches("async ").trim_start_matches("const ").strip_prefix("fn ")
            });
            if let Some(Some(function)) = function
                && !hidden.contains(&&*target)
            {
                let name = function.split(['<', '(']).next().unwrap_or_default();
                methods.entry(alias(&target)).or_default().insert(name.to_owned());
            }
        }
    }
    assert!(methods.len() > 12, "{methods:?}");
    methods
}

/// The type of an `impl` block, from its first line.
fn implemented(line: &str) -> String {
    let mut depth = 0;
    let mut rest = line.trim_start_matches("impl");
    if rest.starts_with('<') {
        let after = rest.find(|char| {
            depth += i32::from(char == '<') - i32::from(char == '>');
            depth == 0
        });
        rest = &rest[after.map_or(0, |place| place + 1)..];
    }
    rest.trim_start().split(['<', ' ']).next().unwrap_or_default().to_owned()
}

/// The public types of `pubsub` that implement `Error`.
pub(crate) fn error_types() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for text in public_files() {
        for line in text.lines().filter(|line| line.starts_with("impl") && line.contains("Error for ")) {
            let (_, name) = line.split_once("Error for ").unwrap();
            types.insert(name.split(['<', ' ']).next().unwrap_or_default().to_owned());
        }
    }
    assert!(types.len() > 4, "{types:?}");
    types
}

/// The engine has nothing public.
fn public_files() -> Vec<String> {
    let folder = source("pubsub/src");
    let engine = folder.join("engine");
    files(&folder).iter().filter(|path| !path.starts_with(&engine)).map(|path| read(path)).collect()
}

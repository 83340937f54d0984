//! The book's own rules: nothing is orphaned, no link is dead, and everything that the sources offer has its place.

mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pubsub_book::chapters::{Chapter, chapters};

use crate::sources::{methods, operators, public_enums, read, source};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("chapters")
}

fn all() -> Vec<Chapter> {
    chapters(&folder()).unwrap()
}

fn page(name: &str) -> String {
    read(&folder().join(name))
}

/// The lines outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    })
}

/// The targets of the links in `text`.
fn links(text: &str) -> Vec<String> {
    // A link may be broken between two lines.
    let text: String = prose(text).flat_map(|line| [line.trim_start(), " "]).collect();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// The anchors that mdBook gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let letters = heading.trim_start_matches('#').trim().chars().filter_map(|char| match char {
            ' ' => Some('-'),
            '-' | '_' => Some(char),
            _ => char.is_alphanumeric().then(|| char.to_ascii_lowercase()),
        });
        letters.collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_page_is_in_the_summary_and_the_summary_has_no_other() {
    let listed: BTreeSet<String> = links(&page("SUMMARY.md")).into_iter().collect();
    let pages: BTreeSet<String> = all().into_iter().map(|chapter| chapter.name).collect();
    let orphans: Vec<_> = pages.difference(&listed).collect();
    let missing: Vec<_> = listed.difference(&pages).collect();
    assert!(orphans.is_empty(), "pages that SUMMARY.md does not list: {orphans:?}");
    assert!(missing.is_empty(), "SUMMARY.md lists what is no page: {missing:?}");
}

#[test]
fn every_link_within_the_book_has_a_target() {
    let pages = all();
    let mut dead = Vec::new();
    for chapter in &pages {
        let here = folder().join(&chapter.name);
        for link in links(&chapter.text) {
            if link.contains("://") || (is_picture(Path::new(&link)) && here.with_file_name(&link).exists()) {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let there = if file.is_empty() { here.clone() } else { here.with_file_name(file) };
            let target = there.canonicalize().ok();
            let target = target.and_then(|path| {
                pages.iter().find(|page| folder().join(&page.name).canonicalize().ok() == Some(path.clone()))
            });
            if !target.is_some_and(|page| anchor.is_empty() || anchors(&page.text).contains(anchor)) {
                dead.push(format!("{}: {link}", chapter.name));
            }
        }
    }
    assert!(dead.is_empty(), "dead links: {dead:#?}");
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "webp")
}

/// They are in the repository for ever.
#[test]
fn every_picture_is_small_and_shown_with_words_for_who_cannot_see_it() {
    let text: String = all().into_iter().map(|chapter| chapter.source).collect();
    let folders =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    for picture in files.filter(|path| path.extension().is_some_and(|extension| extension != "md")) {
        assert!(is_picture(&picture), "{}", picture.display());
        assert!(fs::metadata(&picture).unwrap().len() < 150 * 1024, "{}", picture.display());
        let name = picture.file_name().unwrap().to_str().unwrap();
        let (before, _) =
            text.split_once(&format!("]({name})")).unwrap_or_else(|| panic!("no page shows {name}"));
        let words = before.rsplit_once("![").map_or("", |(_, words)| words);
        assert!(words.len() > 20 && !words.contains('\n'), "{name}: {words}");
    }
}

/// A picture is a part of its page, so that it has the colours of the theme.
#[test]
fn every_drawn_picture_is_on_a_page_in_its_colours_and_has_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
    let included: BTreeSet<PathBuf> = all()
        .into_iter()
        .flat_map(|chapter| chapter.includes)
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    for folder in ["marbles", "pictures"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let (path, svg) = (entry.as_ref().unwrap().path(), read(&entry.unwrap().path()));
            let name = path.display();
            assert!(included.contains(&path), "no page shows {name}");
            assert!(svg.starts_with("<svg ") && svg.contains(" fill=\"currentColor\""), "{name}");
            assert!(svg.contains(" role=\"img\" aria-label=\""), "{name} has no words");
            // A blank line would end the block of HTML.
            assert!(svg.lines().all(|line| !line.trim().is_empty()), "{name} has a blank line");
            for fixed in ["\"black\"", "\"white\"", "\"#000", "\"#fff\""] {
                assert!(!svg.contains(fixed), "{name} has the colour {fixed}");
            }
        }
    }
}

#[test]
fn every_page_has_one_title() {
    for chapter in all() {
        let titles = prose(&chapter.text).filter(|line| line.starts_with("# ")).count();
        assert_eq!(titles, 1, "{}", chapter.name);
        assert!(chapter.text.starts_with("# "), "{}", chapter.name);
    }
}

/// Those of the explanation answer questions instead, and those of the operators have one form.
#[test]
fn every_page_says_what_the_reader_can_do_after_it() {
    let exempt = |name: &str| {
        ["introduction.md", "design.md"].contains(&name) || name.starts_with("reference/operators/")
    };
    for chapter in all().iter().filter(|chapter| !exempt(&chapter.name)) {
        let text = chapter.source.replace('\n', " ");
        assert!(text.contains("After this page you can "), "{}", chapter.name);
    }
}

#[test]
fn every_block_is_compiled_or_is_no_rust() {
    for chapter in all() {
        let mut inside = false;
        for line in chapter.source.lines().filter(|line| line.trim_start().starts_with("```")) {
            inside = !inside;
            let known = ["```rust", "```rust,compile_fail", "```text", "```toml", "```sh", "```html"];
            assert!(!inside || known.contains(&line), "{}: {line}", chapter.name);
        }
        assert!(!inside, "{}: a block without an end", chapter.name);
    }
}

/// `build.rs` leaves the parts of programs to whoever runs the program.
#[test]
fn every_program_is_a_binary_that_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (manifest, tests) = (read(&root.join("Cargo.toml")), read(&root.join("tests/programs.rs")));
    let mut programs = BTreeSet::new();
    for chapter in all() {
        let shown = chapter.source.lines().filter_map(|line| line.strip_prefix("{{#rustdoc_include "));
        for target in shown {
            let (file, _) = target.split_once(':').unwrap();
            let name = Path::new(file).file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(file.ends_with(&format!("../tutorial/{name}.rs")), "{}: {file}", chapter.name);
            programs.insert(name);
        }
    }
    for entry in fs::read_dir(root.join("tutorial")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let program = file.split(['.', '-']).next().unwrap();
        assert!(programs.contains(program), "no page shows {file}");
        if !file.ends_with(".rs") {
            let shown = format!("{{{{#include ../../tutorial/{file}}}}}");
            assert!(all().iter().any(|chapter| chapter.source.contains(&shown)), "no page shows {file}");
        }
    }
    for name in programs {
        assert!(manifest.contains(&format!("path = \"tutorial/{name}.rs\"")), "{name}");
        assert!(tests.contains(&format!("tutorial-{name}\"")), "{name}");
        assert!(root.join("tutorial").join(format!("{name}.txt")).exists(), "{name} prints nothing");
    }
}

#[test]
fn every_compile_error_has_its_place() {
    let included: BTreeSet<PathBuf> = all()
        .into_iter()
        .flat_map(|chapter| chapter.includes)
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let errors = source("tests/tests/ui/fail").canonicalize().unwrap();
    let missing: Vec<_> = fs::read_dir(errors)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !included.contains(path))
        .collect();
    assert!(missing.is_empty(), "neither in refusals.md nor in misuse.md: {missing:#?}");
}

/// An operator whose hasher can be chosen has a section on the page of the one whose hasher cannot.
fn page_of(operator: &str) -> String {
    format!("reference/operators/{}.md", operator.trim_end_matches("_with_hasher"))
}

#[test]
fn every_operator_has_a_page_and_a_link_in_the_table() {
    let table: String = page("reference/operators.md").lines().filter(|line| line.starts_with('|')).collect();
    let operators = operators();
    for name in operators.keys() {
        let page = page(&page_of(name));
        if name.ends_with("_with_hasher") {
            assert!(page.contains(&format!("\n## {name}\n")), "no section for `{name}`");
        } else {
            assert!(page.starts_with(&format!("# {name}\n")), "the page of `{name}` has another title");
            assert!(
                table.contains(&format!("[`{name}`](operators/{name}.md)")),
                "`{name}` is not in the table"
            );
        }
    }
    for chapter in all() {
        let Some(name) = chapter.name.strip_prefix("reference/operators/") else { continue };
        assert!(
            operators.contains_key(name.trim_end_matches(".md")),
            "there is no operator of {}",
            chapter.name
        );
    }
}

#[test]
fn every_operator_says_what_it_holds_and_what_it_costs_and_shows_it() {
    for name in operators().keys().filter(|name| !name.ends_with("_with_hasher")) {
        let page = page(&page_of(name));
        for row in ["call", "holds", "costs", "panics"] {
            assert!(page.contains(&format!("\n| {row} | ")), "`{name}` has no row `{row}`");
        }
        assert!(page.contains("\n| ends | ") || page.contains("\n| completes | "), "`{name}` has no end");
        assert!(
            page.contains(&format!("{{{{#include ../../../marbles/{name}.svg}}}}")),
            "no picture of `{name}`"
        );
        let calls = [format!(".{name}("), format!(".{name}::<")];
        let (_, example) = page.split_once("\n```rust\n").unwrap_or_else(|| panic!("no example of `{name}`"));
        assert!(calls.iter().any(|call| example.contains(call)), "the example does not call `{name}`");
        assert!(page.contains("\nSee also: "), "`{name}` leads nowhere");
    }
}

/// The API's documentation has them too, as text. After a change there: `UPDATE=1 cargo test -p pubsub-book --test tidy`.
#[test]
fn every_picture_of_an_operator_is_drawn_from_its_documentation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("marbles");
    let mut drawn = BTreeSet::new();
    for (name, picture) in operators() {
        let Some(picture) = picture else {
            assert!(name.ends_with("_with_hasher"), "`{name}` has no picture");
            continue;
        };
        let (svg, path) = (pubsub_book::marbles::svg(&picture), folder.join(format!("{name}.svg")));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &svg).unwrap();
        }
        assert_eq!(read(&path), svg, "{}", path.display());
        drawn.insert(path);
    }
    let there: BTreeSet<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(there, drawn, "pictures of no operator");
}

#[test]
fn every_method_has_a_line() {
    let page = page("reference/interface.md");
    for (name, methods) in methods() {
        let section = page.split("\n## ").find(|section| section.lines().next() == Some(&name));
        let section = section.unwrap_or_else(|| panic!("no section for `{name}`"));
        for method in methods {
            let calls = [
                format!("`.{method}("),
                format!("`.{method}::<M>("),
                format!("`{name}::{method}("),
                format!("`{name}::<M>::{method}("),
            ];
            assert!(calls.iter().any(|call| section.contains(call)), "`{name}::{method}`");
        }
    }
}

#[test]
fn every_variant_of_a_public_enum_has_its_place() {
    let enums = public_enums();
    assert!(enums.len() > 5, "{enums:?}");
    for (name, variants) in enums {
        let is_option = ["Overflow", "Since"].contains(&&*name);
        let file = if is_option { "reference/configuration.md" } else { "reference/errors.md" };
        let page = page(file);
        for variant in variants {
            assert!(page.contains(&format!("| `{name}::{variant}` |")), "{file}: `{name}::{variant}`");
        }
        let rows = page.lines().filter_map(|line| line.strip_prefix(&format!("| `{name}::")));
        for row in rows {
            let variant = row.split('`').next().unwrap();
            assert!(public_enums()[&name].contains(variant), "{file}: there is no `{name}::{variant}`");
        }
    }
}

#[test]
fn every_error_type_has_a_section() {
    let page = page("reference/errors.md");
    for name in sources::error_types() {
        assert!(page.contains(&format!("\n## {name}\n")), "no section for `{name}`");
    }
}

/// The names of the features that a manifest declares.
fn features(manifest: &str) -> BTreeSet<&str> {
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let features = features.lines().take_while(|line| !line.starts_with('[') && !line.is_empty());
    let features = features.filter(|line| !line.starts_with('#'));
    features.map(|line| line.split_once(" = ").unwrap().0).filter(|name| *name != "default").collect()
}

/// The first cells of the table under a heading, without their quotes.
fn rows<'a>(page: &'a str, heading: &str) -> BTreeSet<&'a str> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name).collect()
}

#[test]
fn every_feature_has_its_place() {
    let page = page("reference/configuration.md");
    let manifest = read(&source("pubsub/Cargo.toml"));
    assert_eq!(rows(&page, "Features of the crate"), features(&manifest));
    assert!(manifest.contains("\ndefault = []\n"), "the table says that no feature is on by default");
    // The table of the front page is the same.
    let readme = read(&source("README.md"));
    let (_, table) = readme.split_once("\n## Features\n\n").unwrap();
    let table = table.split("\n\n").next().unwrap();
    assert!(page.contains(table), "{table}");
}

#[test]
fn every_option_and_every_default_has_its_place() {
    let page = page("reference/configuration.md");
    for file in [
        "pubsub/src/subscribe.rs",
        "pubsub/src/publish.rs",
        "pubsub/src/queue_subscribe.rs",
        "pubsub/src/worker/builder.rs",
        "pubsub/src/worker/pool/builder.rs",
    ] {
        let text = read(&source(file));
        let options =
            text.lines().filter_map(|line| line.trim().strip_prefix("pub fn ")?.split_once("(mut self, "));
        for (name, _) in options {
            assert!(page.contains(&format!("| `.{name}(")), "{file}: `{name}`");
        }
    }
    let events = format!(
        "`defaults::BOUND`, {},{:03}",
        pubsub::defaults::BOUND / 1_000,
        pubsub::defaults::BOUND % 1_000
    );
    assert!(page.contains(&events), "{events}");
    assert!(page.contains(&format!("`defaults::INBOX`, {} |", pubsub::defaults::INBOX)));
    assert!(page.contains(&format!("`Overflow::{:?}` |", pubsub::defaults::OVERFLOW)));
    assert!(page.contains(&format!("{}, `Errors::KEPT`", pubsub::Errors::KEPT)));
    let budget = read(&source("pubsub/src/subscription.rs"));
    let (_, budget) = budget.split_once("const BUDGET: u32 = ").unwrap();
    let (budget, _) = budget.split_once(';').unwrap();
    assert!(page.contains(&format!("before other tasks get a turn | {budget} |")));
}

#[test]
fn every_key_of_an_attribute_has_its_place() {
    let page = page("reference/event-maps.md");
    let text = read(&source("pubsub-macros/src/parse.rs"));
    let mut keys = 0;
    for namespace in text.split("Namespace {").skip(1) {
        let Some((_, rest)) = namespace.split_once("name: \"") else { continue };
        let (name, rest) = rest.split_once('"').unwrap();
        let (_, rest) = rest.split_once("keys: &[").unwrap();
        let (list, _) = rest.split_once(']').unwrap();
        let (_, section) = page.split_once(&format!("\n### `#[{name}(..)]`")).unwrap();
        let section = section.split("\n## ").next().unwrap();
        for key in list.split(", ") {
            assert!(section.contains(&format!("`{} = ", key.trim_matches('"'))), "`{key}` of `#[{name}]`");
            keys += 1;
        }
    }
    assert!(keys >= 9, "{keys} keys were found: has the source changed?");
}

#[test]
fn every_rule_of_renaming_has_its_place() {
    let page = page("reference/event-maps.md");
    let text = read(&source("pubsub-macros/src/naming.rs"));
    let (_, rules) = text.split_once("RULES").unwrap();
    let (rules, _) = rules.split_once("];").unwrap();
    let rules: Vec<&str> = rules.split("(\"").skip(1).map(|rule| rule.split('"').next().unwrap()).collect();
    assert!(rules.len() >= 10, "{rules:?}");
    for rule in rules {
        assert!(page.contains(&format!("| `{rule}` |")), "`{rule}`");
    }
}

#[test]
fn every_name_of_the_prelude_is_explained_somewhere() {
    let text = read(&source("pubsub/src/prelude.rs"));
    let (_, names) = text.split_once('{').unwrap();
    let (names, _) = names.split_once('}').unwrap();
    let book: String = all().into_iter().map(|chapter| chapter.text).collect();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        assert!(book.contains(name), "`{name}` is nowhere");
    }
}

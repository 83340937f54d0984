//! The declarations in TypeScript, read by its compiler: `tests/all` runs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use std::collections::BTreeMap;

use pubsub::EventMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::map::Everything;

/// Types that are called as something in TypeScript is.
#[derive(EventMap)]
pub(crate) enum Names {
    Record(Record),
    Stats(Stats),
    List((Array, class)),
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Record {
    text: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Array {
    all: Vec<Record>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[allow(non_camel_case_types, reason = "it is a word of TypeScript")]
pub(crate) struct class {
    record: Record,
}

/// Members, and whatever else there is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Stats {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<bool>,
    #[serde(flatten)]
    counts: BTreeMap<String, u64>,
}

/// The compiler accepts a program with the generated types, and refuses each mistake in it.
#[test]
#[ignore = "it needs the packages of npm: `npm ci` in tests/tests/schema/typescript"]
fn the_strict_compiler_accepts_a_program_and_refuses_mistakes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema/typescript");
    fs::write(folder.join("everything.ts"), pubsub::schema::typescript::<Everything>())
        .expect("it is written");
    fs::write(folder.join("names.ts"), pubsub::schema::typescript::<Names>()).expect("it is written");
    let output = Command::new("npm")
        .args(["run", "--silent", "check"])
        .current_dir(&folder)
        .output()
        .expect("npm runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// It is the same in every build, and names every topic.
#[test]
fn every_topic_is_declared() {
    let declarations = pubsub::schema::typescript::<Everything>();
    for topic in Everything::TOPICS {
        assert!(declarations.contains(topic.name), "{} is not in\n{declarations}", topic.name);
    }
    assert_eq!(declarations, pubsub::schema::typescript::<Everything>());
}

#[test]
fn a_type_has_no_name_that_means_something_else() {
    let declarations = pubsub::schema::typescript::<Names>();
    for declared in [
        "export type Record_2 = { text: string };",
        "export type Array_2 = { all: Array<Record_2> };",
        "export type class_2 = { record: Record_2 };",
        "payload: [Array_2, class_2] }",
        "name: string; [key: string]: number | ",
    ] {
        assert!(declarations.contains(declared), "{declared} is not in\n{declarations}");
    }
}

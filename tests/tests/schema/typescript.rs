//! The declarations in TypeScript, read by its compiler: `tests/all` runs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::map::Everything;

/// The compiler accepts a program with the generated types, and refuses each mistake in it.
#[test]
#[ignore = "it needs the packages of npm: `npm ci` in tests/tests/schema/typescript"]
fn the_strict_compiler_accepts_a_program_and_refuses_mistakes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema/typescript");
    fs::write(folder.join("everything.ts"), pubsub::schema::typescript::<Everything>())
        .expect("it is written");
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
    use pubsub::EventMap;

    let declarations = pubsub::schema::typescript::<Everything>();
    for topic in Everything::TOPICS {
        assert!(declarations.contains(topic.name), "{} is not in\n{declarations}", topic.name);
    }
    assert_eq!(declarations, pubsub::schema::typescript::<Everything>());
}

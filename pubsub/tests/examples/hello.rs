//! `hello`: what it prints, and that it is the program that newcomers read first.

use crate::{example, run, stderr, stdout};

#[test]
fn it_prints_what_its_comment_says() {
    let output = run(&mut example("hello"));
    assert_eq!((stdout(&output), stderr(&output)), ("kitchen: 21.5 degrees\n", ""));
    assert!(output.status.success());
}

#[test]
fn it_is_the_program_of_the_readme() {
    let program = include_str!("../../examples/hello.rs");
    let (_, program) = program.split_once('\n').expect("a first line, which names it");
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```rust\n{program}```\n")), "the README shows another program");
    assert_eq!(program.lines().count(), 20);
}

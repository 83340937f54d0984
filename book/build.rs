//! Makes a module of every chapter, so that rustdoc compiles and runs the Rust in it.

use std::path::Path;
use std::{env, fs};

#[path = "src/chapters.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library uses the rest")]
mod chapters;

fn main() -> Result<(), String> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?;
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let (folder, out) = (Path::new(&root).join("chapters"), Path::new(&out));
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=src/chapters.rs");

    let mut modules = String::new();
    for chapter in chapters::chapters(&folder)? {
        for include in &chapter.includes {
            println!("cargo::rerun-if-changed={}", include.display());
        }
        // The name of the module is what a failing test is called: `tutorial/ids.md` becomes `tutorial_ids`.
        let module = chapter.name.trim_end_matches(".md").replace(['/', '-'], "_");
        let file = out.join(format!("{module}.md"));
        write(&file, &chapter.text)?;
        modules += &format!("#[doc = include_str!({:?})]\nmod {module} {{}}\n", file.display().to_string());
    }
    write(&out.join("modules.rs"), &modules)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

//! The conversations that stand in the book, byte for byte, over real sockets.
//!
//! `1>` is what the first client sends, `1<` what it hears next, `1x` the code that it is closed with. `$name` stands for what
//! the hub chose: it is taken over where it comes first, and is the same from then on.
//! With `1=` the hub sends it away.

use std::collections::BTreeMap;

use pubsub::websocket::CloseCode;
use pubsub_tests::client::Client;
use pubsub_tests::raw::Heard;

use crate::harness::{address, hub};

const PAGE: &str = include_str!("../../../book/chapters/reference/wire.md");

type Names = BTreeMap<String, String>;

#[tokio::test]
async fn conversations() {
    let (_, page) = PAGE.split_once("\n## Conversations\n").expect("the part of the page");
    let (page, _) = page.split_once("\n## ").expect("the next part");
    let all: Vec<&str> = page.split("\n### ").skip(1).collect();
    for conversation in &all {
        hold(conversation).await;
    }
    // Not every block of text would be noticed if it were none.
    assert_eq!(all.len(), page.matches("```text\n1> ").count());
}

/// The codes in the table of the page are those that there are.
#[test]
fn close_codes() {
    for code in CloseCode::NAMED.iter().filter(|code| code.number() >= 4000) {
        let cell = format!("| {} | {} |", code.number(), code.reason());
        assert!(PAGE.contains(&cell), "{cell}");
    }
}

async fn hold(conversation: &str) {
    let title = conversation.lines().next().unwrap_or_default();
    let hub = hub().await;
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
    let mut names = Names::new();
    for line in conversation.lines() {
        let Some((who @ ("1>" | "1<" | "1=" | "1x" | "2>" | "2<"), text)) = line.split_once(' ') else {
            continue;
        };
        let (client, kind) = who.split_at(1);
        if !clients.contains_key(client) {
            clients.insert(client, Client::to(address(&hub)).await);
        }
        let Some(raw) = clients.get_mut(client) else { continue };
        match kind {
            ">" => raw.say(&fill(text, &names)).await,
            "<" => {
                let heard = raw.text().await;
                learn(text, &heard, &mut names);
                assert_eq!(heard, fill(text, &names), "{title}");
            }
            "=" => hub.connections().iter().for_each(|one| one.disconnect(CloseCode::from(code(text)))),
            _ => assert_eq!(raw.hear().await, Heard::Closed(code(text)), "{title}"),
        }
    }
    drop(clients);
    hub.close().await;
}

fn code(text: &str) -> u16 {
    text.parse().expect("a code")
}

/// Where the names are, with what is before each.
fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('$').zip(text.split('$').skip(1)).map(|(before, after)| {
        let end = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
        (before, &after[..end])
    })
}

/// Takes over what stands in the places of names that are new.
fn learn(expected: &str, heard: &str, names: &mut Names) {
    for (before, name) in named(expected) {
        // The member that it is the value of.
        let member = before.rfind(",\"").map_or(before, |at| &before[at..]);
        let member = member.rfind("{\"").map_or(member, |at| &member[at..]);
        let Some(at) = heard.find(member) else { continue };
        let value = &heard[at + member.len()..];
        let value = &value[..value.find(['"', ',', '}']).unwrap_or(value.len())];
        names.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

fn fill(text: &str, names: &Names) -> String {
    let mut filled = text.to_owned();
    for (name, value) in names {
        filled = filled.replace(&format!("${name}"), value);
    }
    filled
}

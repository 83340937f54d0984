//! Figures, gathered when they are asked for: publishing and reading keep none but the count of each roster.

use super::Engine;
use super::sync::{Ordering, lock};

/// Of one topic.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) published: u64,
    pub(crate) lost: u64,
    pub(crate) subscriptions: usize,
    pub(crate) queued: u64,
    pub(crate) waiting: usize,
    pub(crate) blocking: Vec<Blocking>,
}

/// A full subscription that makes publishers wait.
#[derive(Debug)]
pub(crate) struct Blocking {
    pub(crate) name: Option<Box<str>>,
    pub(crate) bound: usize,
}

impl Engine {
    pub(crate) fn figures(&self) -> Vec<Figures> {
        let mut figures: Vec<Figures> = self.topics.iter().map(|_| Figures::default()).collect();
        let line = lock(&self.line);
        for waiter in line.waiters.values() {
            figures[waiter.topic].waiting += 1;
        }
        self.visit(|topic, _, roster, private| {
            let of_topic = &mut figures[topic];
            of_topic.published += roster.published;
            for log in roster.logs.iter() {
                of_topic.subscriptions += log.readers() as usize;
                of_topic.queued += log.each_unread().sum::<u64>();
                of_topic.blocking.extend(log.blocking());
            }
            for private in private {
                let queue = private.lock();
                let blocks = queue.blocks();
                for topic in private.interest.distinct_topics(self.topics.len()) {
                    let of_topic = &mut figures[topic];
                    of_topic.subscriptions += 1;
                    let blocks = blocks.filter(|_| of_topic.waiting > 0);
                    of_topic
                        .blocking
                        .extend(blocks.map(|bound| Blocking { name: private.name.clone(), bound }));
                }
                for (topic, events) in queue.left() {
                    figures[topic].queued += events;
                }
            }
        });
        drop(line);
        for (figures, topic) in figures.iter_mut().zip(&self.topics) {
            figures.published += topic.published.load(Ordering::Relaxed);
            figures.lost = topic.lost.load(Ordering::Relaxed);
        }
        figures
    }
}

//! What `--watch` puts on the map for a quake: the class of its magnitude, fading.

use std::time::Duration;

use crate::live::HOUR;
use crate::page::Page;
use crate::world::{CLASSES, class};

/// How long a quake stays on the map.
pub(crate) const LIFE: Duration = HOUR.saturating_mul(24);
/// From this age on it is faint.
const FAINT: Duration = HOUR.saturating_mul(6);

#[derive(Clone, Copy)]
pub(crate) struct Mark {
    age: Age,
    magnitude: f64,
}

/// The newer, the brighter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    New,
    Recent,
    Old,
}

impl Mark {
    /// `None` for a quake that is no longer shown.
    pub(crate) fn new(magnitude: f64, age: Duration) -> Option<Self> {
        let age = match age {
            age if age < HOUR => Age::New,
            age if age < FAINT => Age::Recent,
            age if age < LIFE => Age::Old,
            _ => return None,
        };
        Some(Self { age, magnitude })
    }

    /// Of two in a cell the brighter is shown, and of two that are as bright the stronger.
    pub(crate) fn or(self, other: Self) -> Self {
        let order = self.age.cmp(&other.age).then(other.magnitude.total_cmp(&self.magnitude));
        if order.is_le() { self } else { other }
    }

    pub(crate) fn draw(self, page: &Page) -> String {
        let (_, mark, hue) = CLASSES[class(self.magnitude)];
        let weight = match self.age {
            Age::New => "1;",
            Age::Recent => "",
            Age::Old => "2;",
        };
        page.painted(&format!("{weight}38;5;{hue}"), mark)
    }
}

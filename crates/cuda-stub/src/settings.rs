use std::collections::BTreeMap;

use crate::code::Code;

/// What the variables say.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) devices: usize,
    pub(crate) capability: (i32, i32),
    pub(crate) memory: u64,
    pub(crate) order: Order,
    pub(crate) instructions: u64,
    /// By call and how often it was called.
    pub(crate) failures: BTreeMap<(String, u64), Code>,
}

/// Which of the streams that could go on does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The one that is waited for.
    Late,
    /// All others.
    Early,
    /// One by chance; the generator's state.
    Chance(u64),
}

impl Order {
    /// A number below `bound`, which is not 0.
    pub(crate) fn choose(&mut self, bound: usize) -> usize {
        match self {
            Order::Late => 0,
            Order::Early => bound - 1,
            Order::Chance(state) => {
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((*state >> 33) % bound as u64) as usize
            }
        }
    }
}

impl Settings {
    /// Reads the variables through `get`, which is given their names after `EYAS_CUDA_STUB_`; what cannot be
    /// read counts as not given, and is reported.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Settings {
        fn parsed<T>(
            get: &impl Fn(&str) -> Option<String>,
            name: &str,
            parse: impl Fn(&str) -> Option<T>,
            default: T,
        ) -> T {
            let Some(text) = get(name) else {
                return default;
            };
            parse(text.trim()).unwrap_or_else(|| {
                eprintln!("eyas-cuda-stub: EYAS_CUDA_STUB_{name}={text} is not understood");
                default
            })
        }
        Settings {
            devices: parsed(&get, "DEVICES", |text| text.parse().ok(), 1),
            capability: parsed(&get, "CAPABILITY", capability, (9, 0)),
            memory: parsed(&get, "MEMORY", |text| text.parse().ok(), 4 << 30),
            order: parsed(&get, "ORDER", order, Order::Late),
            instructions: parsed(&get, "INSTRUCTIONS", |text| text.parse().ok(), 1 << 36),
            failures: parsed(&get, "FAIL", failures, BTreeMap::new()),
        }
    }
}

fn capability(text: &str) -> Option<(i32, i32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn order(text: &str) -> Option<Order> {
    match text {
        "late" => Some(Order::Late),
        "early" => Some(Order::Early),
        seed => Some(Order::Chance(seed.parse().ok()?)),
    }
}

fn failures(text: &str) -> Option<BTreeMap<(String, u64), Code>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (call, code) = part.split_once('=')?;
            let (name, count) = call.split_once(':')?;
            let place = (name.to_owned(), count.parse().ok()?);
            Some((place, Code(code.parse().ok()?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_and_what_is_not_understood_counts_as_not_given() {
        let settings = Settings::read(|name| {
            let text = match name {
                "DEVICES" => "0",
                "CAPABILITY" => "8.6",
                "MEMORY" => "much",
                "ORDER" => "17",
                "FAIL" => "cuInit:1=100,cuMemAlloc_v2:3=2",
                _ => return None,
            };
            Some(text.to_owned())
        });
        assert_eq!((settings.devices, settings.capability), (0, (8, 6)));
        assert_eq!(settings.memory, 4 << 30);
        assert_eq!(settings.order, Order::Chance(17));
        let third = ("cuMemAlloc_v2".to_owned(), 3);
        assert_eq!(settings.failures[&third], Code::OUT_OF_MEMORY);
    }

    #[test]
    fn an_order_by_chance_is_the_same_for_a_seed_and_chooses_all() {
        let draw = |mut order: Order| -> Vec<usize> { (0..40).map(|_| order.choose(3)).collect() };
        assert_eq!(draw(Order::Chance(4)), draw(Order::Chance(4)));
        assert!((0..3).all(|number| draw(Order::Chance(4)).contains(&number)));
        assert_eq!(draw(Order::Late)[0], 0);
        assert_eq!(draw(Order::Early)[0], 2);
    }
}

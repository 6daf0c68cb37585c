//! Kernel sets that are cut or changed: refused by name, never a crash.

use eyas::KernelSet;

use crate::place::Place;

const MODEL: &str = "dim B
model M(x: f32[B, 64]) -> (y: f32[B, 64]) {
  repeat i in 0..2 { x = x |> fc[i]: Linear(64) |> gelu }
  return softmax(x, -1)
}
";

fn bytes(place: &Place) -> Vec<u8> {
    place.file("m.eyas", MODEL);
    place.succeeds("compile m.eyas");
    std::fs::read(place.path("m.kset")).unwrap()
}

#[test]
fn a_set_that_is_cut_is_refused_at_every_length() {
    let place = Place::new();
    let whole = bytes(&place);
    for length in (0..whole.len())
        .step_by(1000)
        .chain(whole.len() - 100..whole.len())
    {
        assert!(
            KernelSet::from_bytes(&whole[..length]).is_err(),
            "{length} bytes load"
        );
    }
    place.file("cut.kset", &whole[..whole.len() / 2]);
    place.fails("run cut.kset", "E0505", &["cut", &whole.len().to_string()]);
    place.file("cut.kset", b"");
    place.fails("run cut.kset", "E0501", &[]);
}

#[test]
fn a_flipped_byte_is_found_when_the_set_is_loaded_or_verified() {
    let place = Place::new();
    let whole = bytes(&place);
    for flip in 0..1000 {
        let at = flip * whole.len() / 1000;
        let mut changed = whole.clone();
        changed[at] ^= 1 << (flip % 8);
        let found = KernelSet::from_bytes(&changed).and_then(|set| set.verify());
        assert!(
            found.is_err(),
            "byte {at} of {} changes unseen",
            whole.len()
        );
    }
    let mut changed = whole.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    place.file("flipped.kset", &changed);
    place.fails("inspect flipped.kset --verify", "E0504", &[]);
}

#[test]
fn another_version_is_refused_by_name() {
    let place = Place::new();
    let mut changed = bytes(&place);
    changed[8] = 99;
    place.file("version.kset", &changed);
    place.fails("run version.kset", "E0502", &["99", "version 2"]);
}

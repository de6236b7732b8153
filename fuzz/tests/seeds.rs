//! Replays every seed, so that what a fuzzer once found stays found, on stable and in a moment.

use realtime_fuzz::TARGETS;
use std::fs;
use std::path::Path;

#[test]
fn every_seed_is_survived() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let seeds = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = seeds.map(|seed| seed.expect("the folder can be read").path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no seeds");
        for path in paths {
            println!("{}", path.display()); // shown if the next line fails
            target(&fs::read(&path).expect("a seed can be read"));
        }
    }
}

#[test]
fn nothing_is_survived_by_every_target() {
    for (name, target) in TARGETS {
        println!("{name}");
        target(&[]);
    }
}

#[test]
fn every_target_has_a_file_of_its_name() {
    for (name, _) in TARGETS {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets").join(name).with_extension("rs");
        assert!(file.exists(), "{} is missing", file.display());
    }
}

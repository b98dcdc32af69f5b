//! Content is what the options say, measured.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::thread;

use longshore_formats::{DataOptions, Example, FormatError, Generator, NpzArchive, ObjectType, TfRecordReader};

const BLOCK: usize = 4096;

fn generator(kind: ObjectType, size: u64, options: DataOptions) -> Generator {
    Generator::new(kind, size, options).unwrap()
}

fn deflated_ratio(data: &[u8]) -> f64 {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    data.len() as f64 / encoder.finish().unwrap().len() as f64
}

fn dedup_ratio(data: &[u8]) -> f64 {
    let blocks = data.chunks_exact(BLOCK);
    let all = blocks.len();
    all as f64 / blocks.collect::<HashSet<_>>().len() as f64
}

/// The content without the format's frame.
fn payload(kind: ObjectType, object: &[u8]) -> Vec<u8> {
    match kind {
        ObjectType::Raw => object.to_vec(),
        ObjectType::Npz => {
            let archive = NpzArchive::open(object).unwrap();
            archive.find(Some("x")).unwrap().read().unwrap()
        }
        ObjectType::TfRecord => TfRecordReader::new(object)
            .flat_map(|record| Example::parse(record.unwrap()).unwrap().image)
            .copied()
            .collect(),
        ObjectType::Hdf5 => {
            let file = hdf5_pure::File::from_bytes(object.to_vec()).unwrap();
            file.dataset("records").unwrap().read_u8().unwrap()
        }
    }
}

#[track_caller]
fn assert_near(measured: f64, wanted: f64, tolerance: f64, what: &str) {
    let error = (measured / wanted - 1.0).abs();
    assert!(error <= tolerance, "{what}: wanted {wanted}, measured {measured:.3}");
}

#[test]
fn content_is_incompressible_and_unique_by_default() {
    for kind in ObjectType::ALL {
        for size in [20_000, 1_000_000, 4 << 20] {
            let object = generator(kind, size, DataOptions::default()).generate(1);
            let what = format!("{kind} of {size}");
            assert_near(deflated_ratio(&object), 1.0, 0.04, &what);
            assert_near(dedup_ratio(&object), 1.0, 0.0, &what);
        }
    }
}

#[test]
fn content_compresses_as_stated() {
    for kind in ObjectType::ALL {
        for compress in [1.2, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0, 50.0, 100.0] {
            let options = DataOptions { compress, ..DataOptions::default() };
            let object = generator(kind, 1 << 20, options).generate(2);
            let what = format!("{kind}, object");
            assert_near(deflated_ratio(&object), compress, 0.12, &what);
            let payload = payload(kind, &object);
            assert_near(deflated_ratio(&payload), compress, 0.12, "payload");
            assert_near(dedup_ratio(&payload), 1.0, 0.0, "payload blocks");
        }
    }
}

#[test]
fn content_repeats_as_stated_without_compressing() {
    for kind in ObjectType::ALL {
        for dedup in [1.25, 1.5, 2.0, 3.0, 4.0, 10.0] {
            let options = DataOptions { dedup, ..DataOptions::default() };
            let object = generator(kind, 8 << 20, options).generate(3);
            assert_near(dedup_ratio(&object), dedup, 0.03, &format!("{kind}"));
            assert_near(deflated_ratio(&object), 1.0, 0.01, "deflated");
            if kind != ObjectType::TfRecord {
                assert_near(dedup_ratio(&payload(kind, &object)), dedup, 0.02, "payload");
            }
        }
    }
}

#[test]
fn both_ratios_hold_together() {
    let options = DataOptions { dedup: 2.0, compress: 3.0, ..DataOptions::default() };
    for kind in ObjectType::ALL {
        let object = generator(kind, 4 << 20, options).generate(4);
        assert_near(dedup_ratio(&object), 2.0, 0.05, "dedup");
        assert_near(deflated_ratio(&object), 3.0, 0.1, "compress");
    }
}

#[test]
fn repeats_are_as_far_apart_as_they_can_be() {
    let options = DataOptions { dedup: 4.0, ..DataOptions::default() };
    let object = generator(ObjectType::Raw, 4 << 20, options).generate(0);
    let mut last = HashMap::new();
    for (at, block) in object.chunks(BLOCK).enumerate() {
        if let Some(before) = last.insert(block, at) {
            assert_eq!(at - before, 256, "of 1024 blocks");
        }
    }
}

#[test]
fn objects_share_no_block() {
    for kind in ObjectType::ALL {
        let mut seen = HashSet::new();
        for (seed, compress) in [(0, 1.0), (1, 1.0), (2, 1e9)] {
            let options = DataOptions { seed, dedup: 1.0, compress };
            let generator = generator(kind, 100_000, options);
            for index in [0, 1, 2, 3, 1 << 32, u64::MAX] {
                for block in generator.generate(index).chunks_exact(BLOCK) {
                    assert!(seen.insert(block.to_vec()), "{kind} {seed} {index}");
                }
            }
        }
    }
}

#[test]
fn an_object_follows_from_its_index_alone() {
    let options = DataOptions { seed: 9, dedup: 1.5, compress: 1.5 };
    for kind in ObjectType::ALL {
        let generator = generator(kind, 300_001, options);
        let again = self::generator(kind, 300_001, options);
        let forward: Vec<_> = (0..4).map(|index| generator.generate(index)).collect();
        thread::scope(|scope| {
            for index in (0..4).rev() {
                let (again, forward) = (&again, &forward);
                scope.spawn(move || {
                    let mut object = vec![0xee; again.size()];
                    again.generate_into(index as u64, &mut object);
                    assert_eq!(object, forward[index], "{kind} {index}");
                });
            }
        });
    }
}

#[test]
fn a_seed_means_the_same_bytes_in_every_version() {
    let options = DataOptions { seed: 42, dedup: 2.0, compress: 2.0 };
    let checksums = ObjectType::ALL.map(|kind| {
        let object = generator(kind, 100_000, options).generate(7);
        crc32fast::hash(&object)
    });
    assert_eq!(checksums, [0xcfc0_ad58, 0x274e_39ea, 0xaf3c_164b, 0xc935_f9c8], "{checksums:#x?}");
}

#[test]
fn a_ratio_below_one_or_not_finite_is_an_error() {
    for value in [0.0, 0.999, -1.0, f64::NAN, f64::INFINITY] {
        let (good, seed) = (1.0, 0);
        for (options, name) in [
            (DataOptions { dedup: value, compress: good, seed }, "dedup"),
            (DataOptions { dedup: good, compress: value, seed }, "compress"),
        ] {
            let error = Generator::new(ObjectType::Raw, 10, options).unwrap_err();
            let FormatError::InvalidRatio { option, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(option, name);
        }
    }
}

#[test]
#[should_panic(expected = "the buffer is of another size")]
fn a_buffer_of_another_size_is_refused() {
    generator(ObjectType::Raw, 10, DataOptions::default()).generate_into(0, &mut [0; 11]);
}

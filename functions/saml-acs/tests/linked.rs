//! The libraries in the executable: no XML library in C, one cryptographic library, and no shared
//! library but the C library.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

#[test]
fn no_xml_library_in_c_is_among_the_dependencies() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", "saml-acs"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("openssl-sys") && names.contains("roxmltree"), "{names:?}");
    let in_c =
        |name: &&&str| ["xmlsec", "libxml", "xslt", "xml2"].iter().any(|part| name.contains(part));
    assert_eq!(names.iter().find(in_c), None);
}

#[test]
fn the_executable_contains_one_cryptographic_library() {
    let executable = fs::read(env!("CARGO_BIN_EXE_saml-acs")).unwrap();
    let executable = String::from_utf8_lossy(&executable);
    assert!(executable.contains("AWS-LC"));
    // Every use of OpenSSL 3 needs its providers.
    assert!(!executable.contains("OSSL_PROVIDER"));
}

#[test]
fn only_the_c_library_is_loaded() {
    let needed = needed(&fs::read(env!("CARGO_BIN_EXE_saml-acs")).unwrap()).unwrap();
    assert!(needed.iter().any(|name| name.starts_with("libc.so")), "{needed:?}");
    let expected = ["libc.so.", "libm.so.", "libpthread.so.", "libdl.so.", "ld-linux-"];
    let foreign = |name: &&String| !expected.iter().any(|start| name.starts_with(start));
    assert_eq!(needed.iter().find(foreign), None);
}

/// Returns the shared libraries that a 64-bit little-endian ELF file needs (System V ABI, chapter
/// 5).
fn needed(elf: &[u8]) -> Option<Vec<String>> {
    let number = |at: usize, bytes: usize| {
        let bytes = elf.get(at..at.checked_add(bytes)?)?;
        let number = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(number).ok()
    };
    let (start, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
    let segments: Vec<usize> = (0..count).map(|n| start + n * size).collect();
    let of_kind = |kind: usize| segments.iter().filter(move |at| number(**at, 4) == Some(kind));
    let offset_of = |address: usize| {
        of_kind(LOADED).find_map(|&at| {
            let within = address.checked_sub(number(at + 0x10, 8)?)?;
            (within < number(at + 0x20, 8)?).then_some(number(at + 0x08, 8)? + within)
        })
    };
    let dynamic = number(of_kind(DYNAMIC).next()? + 0x08, 8)?;
    let mut entries = Vec::new();
    for at in (dynamic..).step_by(16) {
        match (number(at, 8)?, number(at + 8, 8)?) {
            (NULL, _) => break,
            entry => entries.push(entry),
        }
    }
    let texts = entries.iter().find_map(|&(tag, value)| (tag == STRING_TABLE).then_some(value))?;
    let texts = offset_of(texts)?;
    let names = entries.iter().filter(|(tag, _)| *tag == NEEDED);
    names
        .map(|&(_, at)| {
            let name = elf.get(texts + at..)?.split(|byte| *byte == 0).next()?;
            String::from_utf8(name.to_vec()).ok()
        })
        .collect()
}

const LOADED: usize = 1;
const DYNAMIC: usize = 2;
const NULL: usize = 0;
const NEEDED: usize = 1;
const STRING_TABLE: usize = 5;

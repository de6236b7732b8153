//! The program with a file: what it says of it, and what it makes of it.

use crate::command_line::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A directory of this test alone.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("configuration-{test}"));
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// A file with this text.
pub(crate) fn file(test: &str, text: impl AsRef<[u8]>) -> String {
    let path = directory(test).join("gateway.toml");
    fs::write(&path, text).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// What it printed, what it complained of, and its exit code.
fn told(output: Output) -> (String, String, i32) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

/// An app whose id, key and secret are its name.
pub(crate) fn app(name: &str) -> String {
    format!("[[apps]]\nid = \"{name}\"\nkey = \"{name}\"\nsecret = \"{name}\"\n")
}

#[test]
fn check_says_that_a_file_is_right() {
    let path = file("right", app("shop") + &app("blog"));
    let expected = format!("the configuration is right: {path}, 2 apps (shop, blog)\n");
    assert_eq!(told(run(&["--config", &path, "--check"])), (expected, String::new(), 0));
}

#[test]
fn check_says_where_a_file_is_wrong() {
    let path = file("wrong", "lisen = 1\n\n[[apps]]\nid = 5\n");
    let (stdout, stderr, code) = told(run(&["--check", "--config", &path]));
    let expected = [
        format!("realtime-server: {path}:1:1: unknown key \"lisen\"; did you mean \"listen\"?"),
        format!(
            "realtime-server: {path}:4:6: id takes letters, digits, '-', '_' and '.', at least one, not 5"
        ),
    ];
    assert_eq!(
        (&*stdout, stderr.lines().collect::<Vec<_>>(), code),
        ("", expected.iter().map(|s| &**s).collect(), 2)
    );
    // To serve is refused likewise.
    assert_eq!(told(run(&["--config", &path])), (stdout, stderr, 2));
}

#[test]
fn a_file_that_cannot_be_read_is_said() {
    let missing = directory("missing").join("none.toml");
    let (_, stderr, code) = told(run(&["--check", "--config", missing.to_str().unwrap()]));
    let expected = format!("realtime-server: cannot read {}: No such file or directory", missing.display());
    assert!(stderr.starts_with(&expected) && code == 2, "{stderr}");

    let path = file("latin", b"listen = \"127.0.0.1:1\"\n# gr\xfcn\n");
    let (_, stderr, code) = told(run(&["--check", "--config", &path]));
    assert_eq!((stderr, code), (format!("realtime-server: {path}:2:5: this is not UTF-8\n"), 2));

    let path = file("long", "#".repeat(1024 * 1024 + 1));
    let (_, stderr, code) = told(run(&["--check", "--config", &path]));
    let expected = format!("realtime-server: {path} is longer than 1048576 bytes, the most that are read\n");
    assert_eq!((stderr, code), (expected, 2));
}

#[test]
fn a_secret_may_stand_in_a_file_beside_the_configuration() {
    let path = file("secret", "[[apps]]\nid = \"shop\"\nkey = \"shop\"\nsecret_file = \"shop.secret\"\n");
    let secret = directory("secret").join("shop.secret");
    fs::write(&secret, "hidden\r\n").unwrap();
    let (printed, _, code) = told(run(&["--config", &path, "--print-config"]));
    assert!(!printed.contains("hidden") && code == 0, "{printed}");
    // So that what is printed can be used elsewhere.
    assert!(printed.contains(&format!("secret_file = \"{}\"", secret.display())), "{printed}");

    for (content, reason) in [("\n", "it is empty"), (&"s".repeat(4097), "it is longer than 4096 bytes")] {
        fs::write(&secret, content).unwrap();
        let (_, stderr, code) = told(run(&["--config", &path, "--check"]));
        let expected = format!(
            "realtime-server: {path}:4:15: secret_file: cannot read {}: {reason}\n",
            secret.display()
        );
        assert_eq!((stderr, code), (expected, 2));
    }
}

#[test]
fn what_is_printed_can_be_fed_back() {
    let path = file("printed", "threads = 3\n[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret_env = \"PATH\"\n");
    let (printed, _, code) = told(run(&["--config", &path, "--print-config", "--compression"]));
    assert_eq!(code, 0);
    let again = file("printed-again", &printed);
    let (again, _, _) = told(run(&["--config", &again, "--print-config"]));
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim_end().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&printed));
    assert!(values(&printed).contains(&"compression = true".into()), "{printed}");
}

//! The built-in skills, with their scripts really run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::*;
use crate::catalog::Catalog;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../skills")
}

fn files(folder: &Path, inner: &str, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let inner = if inner.is_empty() { name } else { format!("{inner}/{name}") };
        if entry.path().is_dir() {
            files(&entry.path(), &inner, all);
        } else {
            all.push(inner);
        }
    }
}

#[test]
fn the_list_is_the_folder() {
    let mut there = Vec::new();
    files(&root(), "", &mut there);
    there.sort();
    let mut built: Vec<String> = starter_set()
        .iter()
        .flat_map(|one| one.files.iter().map(|(path, _)| format!("{}/{path}", one.id)))
        .collect();
    built.sort();
    assert_eq!(built, there);
}

#[test]
fn each_is_a_skill_with_all_that_a_catalog_shows() {
    let skills = Catalog::new(None, true).skills().unwrap();
    assert_eq!(skills.len(), starter_set().len());
    assert!(skills.len() >= 12);
    for skill in skills.iter() {
        let listing = &skill.listing;
        assert_eq!(listing.author.as_deref(), Some("roost"), "{}", skill.id);
        assert!(listing.category.is_some() && listing.more.is_some(), "{}", skill.id);
        assert!(listing.tags.len() >= 3 && listing.use_cases.len() >= 3, "{}", skill.id);
        assert!(skill.package.manifest.scripts() >= 1, "{}", skill.id);
        let needs_python = skill.package.contents.iter().any(|(path, _)| path.as_str().ends_with(".py"));
        let says = skill.package.about.compatibility.as_deref().unwrap_or_default().contains("python3");
        assert_eq!(needs_python, says, "{}", skill.id);
    }
}

/// A place with files in it, where scripts run as they would in a machine.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.path().join(name), content).unwrap();
        self
    }

    fn run(&self, line: &str) -> Output {
        self.run_with_path(line, "/usr/local/bin:/usr/bin:/bin")
    }

    fn run_with_path(&self, line: &str, path: &str) -> Output {
        let line = line.replace(".skills/", &format!("{}/", root().display()));
        Command::new("/bin/sh")
            .args(["-c", &line])
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.0.path())
            .output()
            .unwrap()
    }

    /// Runs a line that has to succeed, and returns what it printed.
    fn prints(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}: {:?}\n{out}\n{err}", output.status.code());
        out
    }

    /// Runs a line that has to end with a code, and returns what it said on standard error.
    fn fails(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output.stderr));
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Tells whether this host has a program. Where it has none, the skill's own excuse is tested instead.
fn has(program: &str) -> bool {
    ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).exists())
}

#[test]
fn csv_insights_counts_what_is_there() {
    let desk = Desk::new()
        .with("a.csv", "name,age,city\nAda,36,London\n\"Hopper, Grace\",85,\nLinus,,\"a\"\"b\nc\"\n")
        .with("b.tsv", "x\ty\r\n1\t2\r\n3\t4\t5\r\n")
        .with("c.csv", "a\n\"open\n");
    let out = desk.prints("sh .skills/csv-insights/scripts/insights.sh a.csv");
    assert!(out.starts_with("rows: 3\ncolumns: 3\nuneven rows: 0\n"), "{out}");
    assert!(out.contains("age\tnumber\t1\t2\t36\t85\t60.5\n"), "{out}");
    assert!(out.contains("name\ttext\t0\t3\tAda\tLinus\t\n"), "{out}");
    let out = desk.prints("sh .skills/csv-insights/scripts/insights.sh b.tsv TAB");
    assert!(out.contains("uneven rows: 1\n") && out.contains("y\tnumber\t0\t2\t2\t4\t3\n"), "{out}");
    assert!(desk.fails("sh .skills/csv-insights/scripts/insights.sh c.csv", 1).contains("never closed"));
    assert!(desk.fails("sh .skills/csv-insights/scripts/insights.sh none.csv", 1).contains("cannot read"));
    assert!(desk.fails("sh .skills/csv-insights/scripts/insights.sh", 2).contains("usage"));
}

#[test]
fn log_triage_groups_what_is_alike() {
    let mut log = String::new();
    for n in 0..30 {
        log.push_str(&format!("2026-02-10T14:00:{n:02}Z [error] request {n} timed out after {}ms\n", n * 7));
    }
    log.push_str("2026-02-10T13:59:00Z [info] started\n2026-02-10T14:01:00Z WARN disk 91% full\nplain\n");
    let desk = Desk::new().with("s.log", log);
    let out = desk.prints("sh .skills/log-triage/scripts/triage.sh s.log");
    assert!(out.starts_with("lines: 33\nfrom 2026-02-10T13:59:00 to 2026-02-10T14:01:00\n"), "{out}");
    assert!(out.contains("error: 30\nwarning: 1\ninfo: 1\nother: 1\n"), "{out}");
    assert!(out.contains("30\t1\t[error] request # timed out after #ms\n"), "{out}");
    assert!(!out.contains("started"), "{out}");
    assert!(desk.prints("sh .skills/log-triage/scripts/triage.sh s.log 5 all").contains("started"));
    assert!(desk.fails("sh .skills/log-triage/scripts/triage.sh s.log x", 2).contains("number"));
}

fn repository() -> Desk {
    let desk = Desk::new();
    desk.prints(
        "git init -q -b main . && git config user.name Ada && git config user.email ada@example.com && echo 1 > a && \
         git add a && git commit -qm 'feat: begin' && git tag v1 && echo 2 >> a && git commit -qam 'fix(core): mend it' \
         && echo 3 >> a && git commit -qam 'feat!: drop the old way' && echo x > b && git add b && git commit -qm 'Add b'",
    );
    desk
}

#[test]
fn git_summary_tells_what_happened() {
    let desk = Desk::new();
    if !has("git") {
        assert!(desk.fails("sh .skills/git-summary/scripts/summary.sh .", 127).contains("needs git"));
        return;
    }
    assert!(desk.fails("sh .skills/git-summary/scripts/summary.sh .", 1).contains("no git repository"));
    let out = repository().prints("sh .skills/git-summary/scripts/summary.sh . '2 days'");
    assert!(out.starts_with("branch: main\ncommits in the last 2 days: 4\n"), "{out}");
    assert!(
        out.contains("4 Ada\n") && out.contains("3 a\n") && out.contains("lines added: 4, removed: 0"),
        "{out}"
    );
}

#[test]
fn changelog_writer_groups_commits() {
    if !has("git") {
        let error = Desk::new().fails("sh .skills/changelog-writer/scripts/changelog.sh . v1", 127);
        assert!(error.contains("needs git"));
        return;
    }
    let desk = repository();
    let out = desk.prints("sh .skills/changelog-writer/scripts/changelog.sh . v1");
    let at = |word: &str| out.find(word).unwrap_or_else(|| panic!("{word} is missing: {out}"));
    assert!(at("### Breaking\n\n- drop the old way (") < at("### Added\n\n- Add b ("), "{out}");
    assert!(at("### Added") < at("### Fixed\n\n- mend it ("), "{out}");
    assert!(!out.contains("begin"), "{out}");
    assert!(
        desk.fails("sh .skills/changelog-writer/scripts/changelog.sh . v9", 1).contains("there is no v9")
    );
    assert!(
        desk.fails("sh .skills/changelog-writer/scripts/changelog.sh . --output=x", 2).contains("no version")
    );
}

#[test]
fn unit_converter_converts() {
    let desk = Desk::new();
    let convert = |line: &str| desk.prints(&format!("sh .skills/unit-converter/scripts/convert.sh {line}"));
    for (line, out) in [
        ("26.2 mi km", "26.2 mi = 42.164813 km\n"),
        ("350 F C", "350 F = 176.66667 C\n"),
        ("-40 C F", "-40 C = -40 F\n"),
        ("0 K C", "0 K = -273.15 C\n"),
        ("1 GiB MB", "1 GiB = 1073.7418 MB\n"),
        ("2 cup ml", "2 cup = 473.17647 ml\n"),
        ("1e3 g kg", "1e3 g = 1 kg\n"),
    ] {
        assert_eq!(convert(line), out);
    }
    assert!(convert("list").contains("length: m km cm"));
    let fails =
        |line: &str, code| desk.fails(&format!("sh .skills/unit-converter/scripts/convert.sh {line}"), code);
    assert!(fails("1 kg km", 1).contains("mass"));
    assert!(fails("1 parsnip km", 1).contains("no unit"));
    assert!(fails("-1 K C", 1).contains("colder"));
    assert!(fails("x kg g", 2).contains("no number"));
}

#[test]
fn markdown_report_makes_tables_bars_and_contents() {
    let desk = Desk::new()
        .with("t.csv", "name,sum\n\"a|b\",1\nc,2\nd,3\n")
        .with("n.tsv", "north\t10\nsouth\t5\n")
        .with("r.md", "# T\n\n## One\n\n```sh\n## no\n```\n\n### Two & three\n\n## One\n");
    let out = desk.prints("sh .skills/markdown-report/scripts/table.sh t.csv 2");
    assert_eq!(out, "| name | sum |\n|---|---:|\n| a\\|b | 1 |\n| c | 2 |\n\n2 of 3 rows.\n");
    let out = desk.prints("sh .skills/markdown-report/scripts/bars.sh n.tsv");
    assert!(out.contains(&format!("north {} 10\n", "#".repeat(40))), "{out}");
    assert!(out.contains(&format!("south {} ", "#".repeat(20))), "{out}");
    let out = desk.prints("sh .skills/markdown-report/scripts/toc.sh r.md");
    assert_eq!(out, "- [One](#one)\n  - [Two & three](#two--three)\n- [One](#one-1)\n");
}

#[test]
fn regex_tester_shows_what_matches() {
    let desk = Desk::new().with("s.txt", "ab-12\nAB-12\n-\n");
    let out = desk.prints("sh .skills/regex-tester/scripts/test.sh '[a-z]+-[0-9]' s.txt");
    assert_eq!(out, "match     [ab-1]2\nno match  AB-12\nno match  -\n1 match, 2 do not\n");
    assert!(
        desk.prints("printf 'x/y\\n' | sh .skills/regex-tester/scripts/test.sh '/y' -").contains("x[/y]")
    );
    assert!(
        desk.fails("sh .skills/regex-tester/scripts/test.sh '(' s.txt", 2).contains("no regular expression")
    );
}

/// Each skill that needs Python says so where there is none.
#[test]
fn without_python_the_skills_that_need_it_say_so() {
    let desk = Desk::new().with("f", "x");
    fs::create_dir(desk.0.path().join("bin")).unwrap();
    for program in ["dirname", "sh"] {
        let place = ["/usr/bin", "/bin"].iter().map(|at| Path::new(at).join(program)).find(|at| at.exists());
        std::os::unix::fs::symlink(place.unwrap(), desk.0.path().join("bin").join(program)).unwrap();
    }
    let path = desk.0.path().join("bin").display().to_string();
    let mut tried = 0;
    for one in starter_set().iter().filter(|one| one.files.iter().any(|(path, _)| path.ends_with(".py"))) {
        let (script, _) = one.files.iter().find(|(path, _)| path.starts_with("scripts/")).unwrap();
        let output = desk.run_with_path(&format!("sh .skills/{}/{script} f", one.id), &path);
        assert_eq!(output.status.code(), Some(127), "{}", one.id);
        let told = text(&output.stderr);
        assert!(told.contains(one.id) && told.contains("python3"), "{}: {told}", one.id);
        tried += 1;
    }
    assert_eq!(tried, 7);
}

#[test]
fn json_tools_look_into_json() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new()
        .with(
            "a.json",
            r#"{"items": [{"name": "x", "price": 1.5}, {"name": "y", "tags": ["a"]}], "n": null}"#,
        )
        .with("b.jsonl", "{\"a\": 1}\n\n{\"a\": 2}\n")
        .with("bad.json", "{\n  \"a\": }\n");
    let json = |line: &str| desk.prints(&format!("sh .skills/json-tools/scripts/json.sh {line}"));
    assert_eq!(json("check a.json"), "a.json is JSON: object\n");
    let shape = json("shape a.json");
    assert!(
        shape.contains(
            "$.items: list of 2 (object)\n$.items.*.name: text\n$.items.*.price: number in 1 of 2\n"
        ),
        "{shape}"
    );
    assert_eq!(json("get a.json 'items.*.name'"), "x\ny\n");
    assert_eq!(json("get b.jsonl 1.a"), "2\n");
    assert_eq!(json("csv a.json items"), "name,price,tags\nx,1.5,\ny,,\"[\"\"a\"\"]\"\n");
    assert!(
        desk.fails("sh .skills/json-tools/scripts/json.sh check bad.json", 1).contains("line 2, column 8")
    );
    assert!(
        desk.fails("sh .skills/json-tools/scripts/json.sh get a.json nope", 1).contains("nothing at nope")
    );
}

#[test]
fn sqlite_query_reads_and_never_writes() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    desk.prints(
        "python3 -c \"import sqlite3; d = sqlite3.connect('a.db'); d.execute('create table t (id integer primary key, \
         name text not null)'); d.executemany('insert into t (name) values (?)', [('x',), ('y',), ('x',)]); d.commit()\"",
    );
    let sqlite = |line: &str| desk.prints(&format!("sh .skills/sqlite-query/scripts/sqlite.sh a.db {line}"));
    assert_eq!(sqlite("tables"), "table t: 3 rows\n    id INTEGER key\n    name TEXT not null\n");
    assert_eq!(
        sqlite("query 'select name, count(*) as n from t group by name order by name'"),
        "name,n\nx,2\ny,1\n"
    );
    let cut = desk.run("sh .skills/sqlite-query/scripts/sqlite.sh a.db query 'select id from t' 2");
    assert_eq!(
        (text(&cut.stdout).as_str(), text(&cut.stderr).as_str()),
        ("id\n1\n2\n", "(cut after 2 rows)\n")
    );
    let write = desk.fails("sh .skills/sqlite-query/scripts/sqlite.sh a.db query 'delete from t'", 1);
    assert!(write.contains("readonly"), "{write}");
    assert_eq!(sqlite("query 'select count(*) from t'"), "count(*)\n3\n");
    assert!(desk.fails("sh .skills/sqlite-query/scripts/sqlite.sh no.db tables", 1).contains("no file"));
}

#[test]
fn web_page_to_markdown_keeps_what_is_read() {
    if !has("python3") {
        return;
    }
    let page = "<html><head><title>t</title><style>p{}</style></head><body><nav>Menu</nav><h1>Big  news</h1>\
        <p>Some <b>bold</b> text with a <a href='/more'>link</a>.</p><ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul>\
        <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>x|y</td></tr></table><pre>  code\n    more</pre>\
        <script>alert(1)</script><footer>Foot</footer></body></html>";
    let desk = Desk::new().with("p.html", page);
    let out =
        desk.prints("sh .skills/web-page-to-markdown/scripts/markdown.sh p.html https://example.org/a/");
    for part in [
        "# Big news\n\nSome **bold** text with a [link](https://example.org/more).",
        "- one\n- two\n  - deep",
        "| a | b |\n|---|---|\n| 1 | x\\|y |",
        "```\n  code\n    more\n```",
    ] {
        assert!(out.contains(part), "{part:?} is missing: {out}");
    }
    for gone in ["Menu", "alert", "Foot", "p{}"] {
        assert!(!out.contains(gone), "{gone}: {out}");
    }
    let links =
        desk.prints("sh .skills/web-page-to-markdown/scripts/markdown.sh p.html https://example.org --links");
    assert_eq!(links, "https://example.org/more\tlink\n");
}

#[test]
fn pdf_text_reads_simple_files_and_says_when_it_cannot() {
    if !has("python3") {
        return;
    }
    let make = "import zlib\nbody = zlib.compress(b'BT /F1 12 Tf 72 700 Td (Invoice \\\\(copy\\\\)) Tj 0 -20 Td [(To) -20 (tal:) -300 (42)] TJ ET')\n\
        open('a.pdf', 'wb').write(b'%%PDF-1.4\\n1 0 obj\\n<< /Length %d /Filter /FlateDecode >>\\nstream\\n' % len(body) + body + b'\\nendstream\\nendobj\\n%EOF')\n\
        open('e.pdf', 'wb').write(b'%PDF-1.4\\ntrailer << /Encrypt 5 0 R >>')\n";
    let desk = Desk::new().with("make.py", make).with("no.pdf", "hello").with("scan.pdf", "%PDF-1.4\n%%EOF");
    desk.prints("python3 make.py");
    let reader = format!("python3 {}/pdf-text/lib/pdf_text.py", root().display());
    assert_eq!(desk.prints(&format!("{reader} a.pdf")), "Invoice (copy)\nTotal: 42\n");
    assert!(desk.fails(&format!("{reader} e.pdf"), 3).contains("encrypted"));
    assert!(desk.fails(&format!("{reader} scan.pdf"), 3).contains("pictures"));
    assert!(desk.fails(&format!("{reader} no.pdf"), 1).contains("no PDF"));
    if !has("pdftotext") {
        assert_eq!(desk.prints("sh .skills/pdf-text/scripts/text.sh a.pdf"), "Invoice (copy)\nTotal: 42\n");
    }
}

#[test]
fn cron_helper_explains_and_counts_on() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    let cron = |line: &str| desk.prints(&format!("sh .skills/cron-helper/scripts/cron.sh {line}"));
    assert_eq!(
        cron("'30 9 * * 1-5' 3 2026-01-30T09:30"),
        "minute 30; hour 9; every day of the month; every month; day of the week mon, tue, wed, thu, fri\n\
         2026-02-02 09:30 Mon\n2026-02-03 09:30 Tue\n2026-02-04 09:30 Wed\n"
    );
    assert!(cron("'0 0 29 2 *' 1 2026-01-31T08:00").ends_with("2028-02-29 00:00 Tue\n"));
    let either = cron("'0 0 13 * fri' 2 2026-02-01T00:00");
    assert!(
        either.contains("note: ") && either.ends_with("2026-02-06 00:00 Fri\n2026-02-13 00:00 Fri\n"),
        "{either}"
    );
    assert!(cron("'0 0 31 2 *'").contains("never due"));
    assert!(cron("@daily 1 2026-02-01T12:00").ends_with("2026-02-02 00:00 Mon\n"));
    for bad in ["'61 * * * *'", "'* * * *'", "'*/0 * * * *'", "'5-1 * * * *'", "'* * * foo *'"] {
        desk.fails(&format!("sh .skills/cron-helper/scripts/cron.sh {bad}"), 2);
    }
}

#[test]
fn image_info_goes_by_the_content() {
    if !has("python3") {
        return;
    }
    let png =
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 1, 64, 0, 0, 0, 240, 8, 6, 0, 0, 0]].concat();
    let gif = [b"GIF89a".as_slice(), &[10, 0, 20, 0, 0, 0, 0]].concat();
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let app1 = [&[0xff, 0xe1, 0, u8::try_from(exif.len() + 2).unwrap()], exif.as_slice()].concat();
    let frame = [0xff, 0xc0, 0, 17, 8, 0, 100, 0, 200, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let jpeg = [[0xff, 0xd8].as_slice(), &app1, &frame].concat();
    let desk = Desk::new()
        .with("a.png", &png)
        .with("b.png", &gif)
        .with("c.jpg", &jpeg)
        .with("d.bin", "no")
        .with("e.png", &png[..18]);
    assert_eq!(
        desk.prints("sh .skills/image-info/scripts/info.sh a.png b.png c.jpg d.bin e.png"),
        "a.png: png, 320 x 240, 8 bit rgba\nb.png: gif, 10 x 20, ending says png\nc.jpg: jpeg, 200 x 100, EXIF, GPS\n\
         d.bin: no image that is known here\ne.png: png, damaged\n"
    );
    assert!(desk.fails("sh .skills/image-info/scripts/info.sh none.png", 1).contains("cannot read"));
}

#[test]
fn archive_inspector_warns_of_what_does_harm() {
    if !has("python3") {
        return;
    }
    let make = "import tarfile, zipfile, io\n\
        with zipfile.ZipFile('good.zip', 'w') as z: z.writestr('a/b.txt', 'hello')\n\
        with zipfile.ZipFile('bad.zip', 'w', zipfile.ZIP_DEFLATED) as z:\n    z.writestr('../up', 'x'); z.writestr('zeros', b'\\0' * 10_000_000)\n\
        with tarfile.open('bad.tar', 'w') as t:\n    i = tarfile.TarInfo('l'); i.type = tarfile.SYMTYPE; i.linkname = '/etc/passwd'; t.addfile(i)\n";
    let desk = Desk::new().with("make.py", make).with("no.zip", "hello");
    desk.prints("python3 make.py");
    let inspect = |name: &str| desk.run(&format!("sh .skills/archive-inspector/scripts/inspect.sh {name}"));
    let good = inspect("good.zip");
    assert_eq!(good.status.code(), Some(0));
    assert!(text(&good.stdout).starts_with("zip, 1 entries, 5 bytes unpacked"), "{}", text(&good.stdout));
    let bad = inspect("bad.zip");
    assert_eq!(bad.status.code(), Some(3));
    let told = text(&bad.stdout);
    assert!(told.contains("WARNING outside: ../up\n") && told.contains("WARNING bursts: zeros"), "{told}");
    let tar = text(&inspect("bad.tar").stdout);
    assert!(tar.contains("WARNING link: l\n") && tar.contains("WARNING outside: l -> /etc/passwd"), "{tar}");
    assert_eq!(inspect("no.zip").status.code(), Some(1));
}

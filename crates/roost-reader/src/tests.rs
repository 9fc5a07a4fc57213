use std::io::{Cursor, Write};
use std::path::Path;

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};
use proptest::prelude::*;
use roost_domain::knowledge::Block;
use roost_ports::reader::{DocumentReader, Error, Format};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Documents;

fn read(format: Format, bytes: &[u8]) -> Vec<Block> {
    Documents::default().read(format, bytes).unwrap()
}

fn text(text: &str) -> Block {
    Block::Text(text.to_owned())
}

fn heading(level: u8, text: &str) -> Block {
    Block::Heading(level, text.to_owned())
}

fn row(text: &str) -> Block {
    Block::Row(text.to_owned())
}

#[test]
fn markdown_keeps_blocks_as_they_were_written() {
    let markdown = "---\ntitle: x\n---\n# Refunds *now*\n\nWithin **14** days.\nBy card.\n\n- one\n- two\n\n## Code\n\n\
                    ```rust\nfn main() {}\n\n// # no heading\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    assert_eq!(
        read(Format::Markdown, markdown.as_bytes()),
        [
            text("---\ntitle: x\n---"),
            heading(1, "Refunds now"),
            text("Within **14** days.\nBy card."),
            text("- one\n- two"),
            heading(2, "Code"),
            text("```rust\nfn main() {}\n\n// # no heading\n```"),
            text("| a | b |\n|---|---|\n| 1 | 2 |"),
        ]
    );
}

#[test]
fn a_web_page_is_its_text_and_nothing_of_its_scripts() {
    let html = r#"<!doctype html><html><head><title>Shop &amp; Café</title><style>p{color:red}</style>
        <script>var secret = "<p>not this</p>";</script></head><body><h1>Refunds</h1><p>Within <b>14</b>
        days.<br>By card.</p><ul><li>one<li>two</ul><svg><text>nor this</text></svg>
        <table><tr><th>Country<th>Days</tr><tr><td>AT</td><td><p>14</p></td></tr></table>
        <pre>a  b
  c</pre><template><p>never</p></template><p>unclosed"#;
    assert_eq!(
        read(Format::Html, html.as_bytes()),
        [
            heading(1, "Shop & Café"),
            heading(1, "Refunds"),
            text("Within 14\ndays.\nBy card."),
            text("- one"),
            text("- two"),
            row("Country | Days"),
            row("AT | 14"),
            text("a  b\n  c"),
            text("unclosed"),
        ]
    );
}

#[test]
fn rows_of_a_table_say_what_their_values_are() {
    let csv =
        "name;price;note\r\n\"Tea; green\";4,50;\r\nRum;19,00;\"strong\nand dark\"\r\n;;\r\nonly,one\r\n";
    assert_eq!(
        read(Format::Csv, csv.as_bytes()),
        [
            row("name: Tea; green; price: 4,50"),
            row("name: Rum; price: 19,00; note: strong and dark"),
            row("name: only,one"),
        ]
    );
    assert_eq!(read(Format::Csv, b"a\tb\n1\t2\n"), [row("a: 1; b: 2")]);
    assert_eq!(read(Format::Csv, b"just, one"), [row("just; one")]);
}

fn docx(document: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("[Content_Types].xml", "<Types/>"), ("word/document.xml", document)] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_document_of_word_has_headings_paragraphs_and_rows() {
    let xml = r#"<?xml version="1.0"?><w:document xmlns:w="x"><w:body>
        <w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Refunds &amp; more</w:t></w:r></w:p>
        <w:p><w:r><w:t xml:space="preserve">Within </w:t></w:r><w:r><w:t>14&#160;days.</w:t><w:br/><w:t>By card.</w:t></w:r></w:p>
        <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>listed</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>AT</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>14</w:t></w:r></w:p>
        <w:p><w:r><w:t>days</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
        <w:p><w:r><w:instrText>PAGE</w:instrText></w:r></w:p></w:body></w:document>"#;
    assert_eq!(
        read(Format::Docx, &docx(xml)),
        [
            heading(2, "Refunds & more"),
            text("Within 14\u{a0}days.\nBy card."),
            text("- listed"),
            row("AT | 14 days"),
        ]
    );
}

/// Makes a document whose pages hold these lines.
fn pdf(pages: &[&str], compress: bool) -> Vec<u8> {
    let content = |line: &&str| {
        let operations = vec![
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec!["F1".into(), 12.into()]),
            Operation::new("Td", vec![50.into(), 700.into()]),
            Operation::new("Tj", vec![Object::string_literal(*line)]),
            Operation::new("ET", vec![]),
        ];
        Content { operations }.encode().unwrap()
    };
    document(pages.iter().map(content).collect(), compress)
}

/// Makes a document of pages with these contents.
fn document(pages: Vec<Vec<u8>>, compress: bool) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let root = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let mut kids: Vec<Object> = Vec::new();
    for content in pages {
        let content = document.add_object(Stream::new(dictionary! {}, content));
        let page =
            document.add_object(dictionary! { "Type" => "Page", "Parent" => root, "Contents" => content });
        kids.push(page.into());
    }
    let count = i64::try_from(kids.len()).unwrap();
    document.objects.insert(
        root,
        dictionary! {
            "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        }
        .into(),
    );
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    document.trailer.set("Root", catalog);
    if compress {
        document.compress();
    }
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_pdf_is_read_page_by_page() {
    for compress in [false, true] {
        let read = read(Format::Pdf, &pdf(&["Refunds within 14 days.", "By card only."], compress));
        assert_eq!(read, [text("Refunds within 14 days."), text("By card only.")]);
    }
}

/// Returns the example that is built beside the tests: what the server starts for every PDF.
fn elsewhere() -> Documents {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/read_pdf");
    assert!(program.exists(), "build the examples too: {}", program.display());
    Documents::reading_pdfs_with(program)
}

#[test]
fn a_process_of_its_own_reads_pdfs_as_well() {
    let pages = pdf(&["Refunds within 14 days.", "By card only."], true);
    assert_eq!(
        elsewhere().read(Format::Pdf, &pages).unwrap(),
        [text("Refunds within 14 days."), text("By card only.")]
    );
    for bad in [&b"%PDF-1.5\nnothing"[..], b"plain text"] {
        let error = elsewhere().read(Format::Pdf, bad).unwrap_err();
        assert_eq!(error, Documents::default().read(Format::Pdf, bad).unwrap_err());
    }
}

#[test]
fn a_pdf_that_takes_too_much_memory_ends_its_process_alone() {
    // Numbers of one digit become objects of a hundred bytes and more each.
    let operands = "1 ".repeat(15 * 1024 * 1024);
    let bomb = document(vec![operands.into_bytes()], true);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    let error = elsewhere().read(Format::Pdf, &bomb).unwrap_err();
    assert_eq!(error, Error::TooLarge { limit: "can be read in 20 seconds and 1 GiB of memory" });
}

#[test]
fn files_that_are_not_what_their_names_say_are_damaged() {
    for (format, bytes) in [
        (Format::Pdf, &b"%PDF-1.5\nnothing"[..]),
        (Format::Pdf, b"plain text"),
        (Format::Docx, b"plain text"),
        (Format::Docx, &docx("<w:document><w:p></w:x>")),
        (Format::Text, b"a\0b"),
        (Format::Markdown, b"\x89PNG\r\n\x1a\n\0\0"),
        (Format::Html, b"\0\0"),
        (Format::Csv, b"\0,\0"),
    ] {
        let error = Documents::default().read(format, bytes).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{format:?}: {error}");
    }
    let mut empty = ZipWriter::new(Cursor::new(Vec::new()));
    empty.start_file("other.xml", SimpleFileOptions::default()).unwrap();
    let error = Documents::default()
        .read(Format::Docx, &empty.finish().unwrap().into_inner())
        .unwrap_err()
        .to_string();
    assert!(error.contains("word/document.xml"), "{error}");
}

#[test]
fn bombs_are_refused() {
    let spaces = " ".repeat(70 * 1024 * 1024);
    let error = Documents::default()
        .read(Format::Docx, &docx(&format!("<w:document>{spaces}</w:document>")))
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let error = Documents::default().read(Format::Pdf, &pdf(&[&spaces], true)).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let error =
        Documents::default().read(Format::Text, "a\n".repeat(9 * 1024 * 1024).as_bytes()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn a_table_is_bounded_whatever_its_header_says() {
    let long = "n".repeat(10 * 1024 * 1024);
    assert_eq!(
        read(Format::Csv, format!("{long}\none\ntwo\n").as_bytes()),
        [row(&format!("{}: one", "n".repeat(200))), row(&format!("{}: two", "n".repeat(200)))]
    );
    let rows = "1\n".repeat(2 * 1024 * 1024);
    for (bomb, limit) in [
        (format!("{long}\n{rows}"), "16 MiB of text"),
        (rows, "500,000 paragraphs and rows"),
        (",".repeat(1024 * 1024), "10,000 columns"),
    ] {
        let error = Documents::default().read(Format::Csv, bomb.as_bytes()).unwrap_err();
        assert_eq!(error, Error::TooLarge { limit });
    }
}

#[test]
fn texts_of_other_encodings_are_read() {
    let utf16: Vec<u8> = "\u{feff}Grüße\n\nzwei".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(Format::Text, &utf16), [text("Grüße"), text("zwei")]);
    assert_eq!(read(Format::Text, b"Gr\xfc\xdfe"), [text("Grüße")]);
    assert_eq!(
        read(Format::Text, "\u{feff}one\r\ntwo\r\n\r\nthree".as_bytes()),
        [text("one\ntwo"), text("three")]
    );
    assert!(read(Format::Text, b" \n\t").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_in_a_file_nothing_panics(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        place in any::<prop::sample::Index>(),
    ) {
        for (format, _, _) in Format::ALL {
            let _ = Documents::default().read(format, &bytes);
        }
        // A good file with a hole in it comes further.
        for (format, good) in [(Format::Pdf, pdf(&["text"], true)), (Format::Docx, docx("<w:p><w:t>x</w:t></w:p>"))] {
            let start = place.index(good.len());
            bytes.truncate(8);
            let mut holed = good.clone();
            let end = (start + bytes.len()).min(good.len());
            holed.splice(start..end, bytes.iter().copied());
            let _ = Documents::default().read(format, &holed);
        }
    }
}

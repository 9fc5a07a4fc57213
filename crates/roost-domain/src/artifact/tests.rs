use super::*;

#[test]
fn a_page_is_taken_out_of_what_was_written_around_it() {
    let page = "<!doctype html>\n<p>Hello ```not a fence``` there</p>";
    for written in [
        page.to_owned(),
        format!("  \n{page}\n"),
        format!("```html\n{page}\n```"),
        format!("Here it is:\n\n```html\n{page}\n```\n\nAnything else?"),
        format!("```\n{page}\n"),
        format!("Here it is:\n{page}"),
        format!("Run `npm`:\n```sh\nnpm i\n```\nand the page:\n````html\n{page}\n````"),
    ] {
        assert_eq!(content(ArtifactKind::Html, &written), Ok(page), "{written}");
    }
    let fenced_inside = "<pre>\n```\ncode\n```\n</pre>";
    assert_eq!(
        content(ArtifactKind::Html, fenced_inside),
        Ok(fenced_inside),
        "fences of a page are its text"
    );
    let around = format!("````html\n{fenced_inside}\n````");
    assert_eq!(content(ArtifactKind::Html, &around), Ok(fenced_inside), "a longer fence holds shorter ones");
}

#[test]
fn a_script_is_taken_out_of_its_fence() {
    let script = "const a = `x`;\nroot.append(a);";
    assert_eq!(content(ArtifactKind::JavaScript, script), Ok(script));
    assert_eq!(content(ArtifactKind::JavaScript, &format!("```js\n{script}\n```")), Ok(script));
}

#[test]
fn what_cannot_be_shown_is_refused() {
    assert_eq!(content(ArtifactKind::Html, " \n"), Err(Unusable::Empty));
    assert_eq!(content(ArtifactKind::JavaScript, "```js\n```"), Err(Unusable::Empty));
    assert_eq!(content(ArtifactKind::Html, "I cannot do that."), Err(Unusable::NoHtml));
    let long = "<".repeat(MAX_BYTES + 1);
    assert_eq!(content(ArtifactKind::Html, &long), Err(Unusable::TooLong(MAX_BYTES + 1)));
}

#[test]
fn a_script_cannot_end_its_element_or_write_into_its_title() {
    let page = page("</title><b>", ArtifactKind::JavaScript, "x = '</script><script>alert(1)'");
    assert!(page.contains("<title>&lt;/title>&lt;b></title>"), "{page}");
    assert_eq!(page.matches("</script").count(), 1, "{page}");
    assert!(page.contains("x = '<\\/script><script>alert(1)'"), "{page}");
}

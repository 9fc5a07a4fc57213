use super::*;

#[test]
fn a_frame_comes_back_as_it_was_put_in() {
    let request = Request::Write { path: "a/ü".into(), size: 3 };
    let mut bytes = encode(7, &request, b"\0\xff!").unwrap();
    bytes.extend_from_slice(b"next");
    let mut rest = &bytes[..];
    let frame: Frame<Request> = read_frame(&mut rest).unwrap();
    assert_eq!((frame.id, frame.raw.as_slice()), (7, &b"\0\xff!"[..]));
    assert!(matches!(frame.body, Request::Write { path, size: 3 } if path == "a/ü"));
    assert_eq!(rest, b"next", "not a byte more is read");
}

#[test]
fn broken_frames_are_refused_before_anything_is_allocated() {
    for bytes in [
        &[0xff, 0xff, 0xff, 0xff, 0, 0][..],
        &[3, 0, 0, 0, 1, 2, 3],
        &[5, 0, 0, 0, 200, 0, 0, 0, b'{'],
        &[6, 0, 0, 0, 2, 0, 0, 0, b'{', b'}'],
    ] {
        assert!(read_frame::<Request>(bytes).is_err(), "{bytes:?}");
    }
    assert!(encode(1, &Request::Content, &vec![0; FRAME_MAX]).is_err());
}

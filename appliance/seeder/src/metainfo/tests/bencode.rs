//! The strict reader: one spelling for each value, nothing else.

use crate::metainfo::bencode::{BencodeError, MAX_DEPTH, Problem, Value, write_integer};

fn problem(input: &[u8]) -> Problem {
    Value::parse(input).expect_err("must be refused").problem
}

#[test]
fn reads_every_kind_of_value() {
    let value = Value::parse(b"d1:ai-42e1:b4:spam1:clli0eee1:dde0:e").unwrap_err();
    assert_eq!(value.problem, Problem::KeyOrder);
    let value = Value::parse(b"d0:i7e1:ai-42e1:b4:spam1:cli0eleee").unwrap();
    assert_eq!(value.get(b"").unwrap().integer(), Some(7));
    assert_eq!(value.get(b"a").unwrap().integer(), Some(-42));
    assert_eq!(value.get(b"b").unwrap().bytes(), Some(&b"spam"[..]));
    let list: Vec<_> = value.get(b"c").unwrap().list().unwrap().collect();
    assert_eq!(list.len(), 2);
    assert_eq!(list[1].raw(), b"le");
    assert!(value.get(b"x").is_none());
    assert_eq!(value.get(b"c").unwrap().raw(), b"li0elee");
}

#[test]
fn a_value_of_one_kind_is_no_other_kind() {
    let values = [&b"i1e"[..], b"1:a", b"le", b"de"];
    for (i, input) in values.iter().enumerate() {
        let value = Value::parse(input).unwrap();
        let kinds = [
            value.integer().is_some(),
            value.bytes().is_some(),
            value.list().is_some(),
            value.dictionary().is_some(),
        ];
        assert!(kinds.iter().enumerate().all(|(j, is)| *is == (i == j)));
    }
}

#[test]
fn attack_the_25_bytes_that_panic_another_reader_are_refused() {
    let error = Value::parse(b"d200000000000000000000000").unwrap_err();
    assert_eq!(error.problem, Problem::Truncated);
    assert_eq!(
        problem(b"d200000000000000000000000:"),
        Problem::NumberTooLarge
    );
}

#[test]
fn attack_string_length_beyond_the_input_is_refused() {
    let (claimed, left) = (4_000_000_000, 3);
    assert_eq!(
        problem(b"4000000000:abc"),
        Problem::StringTooLong { claimed, left }
    );
    let (claimed, left) = (4, 3);
    assert_eq!(problem(b"4:abc"), Problem::StringTooLong { claimed, left });
    assert_eq!(
        problem(b"18446744073709551615:"),
        Problem::StringTooLong {
            claimed: usize::MAX,
            left: 0
        }
    );
}

#[test]
fn attack_deep_nesting_is_refused_before_the_stack_ends() {
    let nested = |depth: usize| [vec![b'l'; depth], vec![b'e'; depth]].concat();
    assert!(Value::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(problem(&nested(MAX_DEPTH + 1)), Problem::TooDeep);
    assert_eq!(problem(&vec![b'l'; 4 << 20]), Problem::TooDeep);
    assert_eq!(problem(&b"d0:".repeat(1 << 20)), Problem::TooDeep);
}

#[test]
fn numbers_have_one_spelling() {
    for bad in [
        &b"i-0e"[..],
        b"i03e",
        b"i-03e",
        b"ie",
        b"i-e",
        b"03:abc",
        b"00:",
    ] {
        assert_eq!(problem(bad), Problem::Number, "{bad:?}");
    }
    assert_eq!(problem(b"i+1e"), Problem::Unexpected(b'+'));
    assert_eq!(problem(b"i1.5e"), Problem::Unexpected(b'.'));
    assert_eq!(problem(b"i9223372036854775808e"), Problem::NumberTooLarge);
    let extremes = [&b"i9223372036854775807e"[..], b"i-9223372036854775808e"];
    let read = extremes.map(|input| Value::parse(input).unwrap().integer().unwrap());
    assert_eq!(read, [i64::MAX, i64::MIN]);
}

#[test]
fn keys_are_sorted_unique_strings() {
    assert_eq!(problem(b"d1:ai1e1:ai2ee"), Problem::KeyOrder);
    assert_eq!(problem(b"d1:bi1e1:ai2ee"), Problem::KeyOrder);
    assert_eq!(problem(b"di1ei1ee"), Problem::Unexpected(b'i'));
    assert_eq!(problem(b"d1:ae"), Problem::Unexpected(b'e'));
    // Bytes count, not lengths.
    assert!(Value::parse(b"d2:aai1e1:bi1ee").is_ok());
}

#[test]
fn the_first_fault_is_located() {
    let problem = Problem::Trailing;
    assert_eq!(
        Value::parse(b"i1ei2e"),
        Err(BencodeError { at: 3, problem })
    );
    for cut in [&b""[..], b"i", b"i1", b"l", b"d", b"d1:a", b"1", b"li1e"] {
        assert_eq!(
            Value::parse(cut),
            Err(BencodeError {
                at: cut.len(),
                problem: Problem::Truncated
            })
        );
    }
}

#[test]
fn writes_what_it_reads() {
    for number in [0, 9, 10, i64::MAX as u64] {
        let mut out = Vec::new();
        write_integer(&mut out, number);
        let read = Value::parse(&out).unwrap().integer();
        assert_eq!(read, i64::try_from(number).ok());
    }
}

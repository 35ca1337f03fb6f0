//! Just enough of the contract ABI's encoding to call our contracts by plain JSON-RPC, so that
//! a call takes a millisecond and not the start of a program.

/// An argument of a contract's function.
#[derive(Debug, Clone)]
pub enum Argument {
    /// A static value in its 32-byte word.
    Word([u8; 32]),
    /// A `string`.
    Text(String),
    /// A list of numbers, such as `uint32[]`.
    Numbers(Vec<u64>),
    /// A struct; dynamic if a member is.
    Tuple(Vec<Argument>),
}

impl Argument {
    /// An unsigned number.
    pub fn number(value: u64) -> Self {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&value.to_be_bytes());
        Self::Word(word)
    }

    /// A signed number, two's complement.
    pub fn signed(value: i64) -> Self {
        let mut word = if value < 0 { [0xff; 32] } else { [0; 32] };
        word[24..].copy_from_slice(&value.to_be_bytes());
        Self::Word(word)
    }

    /// `bytesN`, left-aligned; at most 32 bytes.
    pub fn bytes(value: &[u8]) -> Self {
        let mut word = [0; 32];
        word[..value.len()].copy_from_slice(value);
        Self::Word(word)
    }

    /// An address, `0x` and 40 hexadecimal digits.
    pub fn address(text: &str) -> Self {
        let mut word = [0; 32];
        if let Ok(bytes) = hex::decode(text.trim_start_matches("0x")) {
            word[32 - bytes.len()..].copy_from_slice(&bytes);
        }
        Self::Word(word)
    }

    fn is_dynamic(&self) -> bool {
        match self {
            Self::Word(_) => false,
            Self::Text(_) | Self::Numbers(_) => true,
            Self::Tuple(members) => members.iter().any(Self::is_dynamic),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Word(word) => word.to_vec(),
            Self::Text(text) => {
                let mut bytes = offset(text.len()).to_vec();
                bytes.extend(text.as_bytes());
                bytes.resize(32 + text.len().next_multiple_of(32), 0);
                bytes
            }
            Self::Numbers(numbers) => {
                let mut bytes = offset(numbers.len()).to_vec();
                bytes.extend(numbers.iter().flat_map(|number| word_of(*number)));
                bytes
            }
            Self::Tuple(members) => encode(members),
        }
    }
}

/// Encodes arguments as the ABI's head and tail.
pub fn encode(arguments: &[Argument]) -> Vec<u8> {
    let head: usize = arguments
        .iter()
        .map(|a| {
            if a.is_dynamic() {
                32
            } else {
                a.encoded().len()
            }
        })
        .sum();
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for argument in arguments {
        if argument.is_dynamic() {
            heads.extend(offset(head + tails.len()));
            tails.extend(argument.encoded());
        } else {
            heads.extend(argument.encoded());
        }
    }
    heads.extend(tails);
    heads
}

fn offset(value: usize) -> [u8; 32] {
    word_of(value as u64)
}

fn word_of(value: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cast abi-encode 'f(address,(bytes20,uint64,string),int16)' …` gave this.
    #[test]
    fn agrees_with_cast() {
        let encoded = encode(&[
            Argument::address("0x00000000000000000000000000000000000000aa"),
            Argument::Tuple(vec![
                Argument::bytes(&[0x11; 20]),
                Argument::number(7),
                Argument::Text("tower".into()),
            ]),
            Argument::signed(-2),
        ]);
        let expected = [
            "00000000000000000000000000000000000000000000000000000000000000aa",
            "0000000000000000000000000000000000000000000000000000000000000060",
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe",
            "1111111111111111111111111111111111111111000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000007",
            "0000000000000000000000000000000000000000000000000000000000000060",
            "0000000000000000000000000000000000000000000000000000000000000005",
            "746f776572000000000000000000000000000000000000000000000000000000",
        ];
        assert_eq!(hex::encode(encoded), expected.concat());
    }
}

//! Changes documents at random, reproducibly by a seed.

use saml::response::Assertion;

use super::shapes::Shape;

/// Mutates a valid response `rounds` times and returns how many mutants are still accepted. Some
/// changes have no effect: white space in a tag, `KeyInfo`, the unsigned envelope.
///
/// # Panics
///
/// If a mutant is accepted with other claims.
pub fn survivors(shape: &Shape, seed: u64, rounds: usize) -> usize {
    let claims = |assertion| Assertion { xml: String::new(), ..assertion };
    let honest = claims(shape.settings.verify(shape.response.as_bytes()).result.unwrap());
    let mut random = Random::new(seed);
    let mut accepted = 0;
    for _ in 0..rounds {
        let mutant = mutate(shape.response.as_bytes(), &mut random);
        if let Ok(assertion) = shape.settings.verify(&mutant).result {
            accepted += 1;
            let text = String::from_utf8_lossy(&mutant);
            assert_eq!(claims(assertion), honest, "{}: {text}", shape.name);
        }
    }
    accepted
}

/// A small pseudo-random number generator (xorshift).
pub struct Random(u64);

impl Random {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % bound.max(1)
    }
}

/// Applies one to three random changes: flipped bits, cuts, copies, swaps and markup.
pub fn mutate(document: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for _ in 0..=random.below(3) {
        let length = bytes.len();
        let at = random.below(length);
        match random.below(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(7);
                }
            }
            1 => {
                bytes.drain(at..(at + random.below(200)).min(length));
            }
            2 => {
                let copy = bytes.get(at..(at + random.below(400)).min(length)).unwrap().to_vec();
                let to = random.below(length);
                bytes.splice(to..to, copy);
            }
            3 => {
                let token = TOKENS.get(random.below(TOKENS.len())).unwrap();
                bytes.splice(at..at, token.bytes());
            }
            4 => bytes.swap(at, random.below(length)),
            _ => {
                let end = bytes.iter().skip(at).position(|&byte| byte == b'>');
                let to = end.map_or(at, |end| at + end + 1);
                let token = TOKENS.get(random.below(TOKENS.len())).unwrap();
                bytes.splice(to..to, token.bytes());
            }
        }
        if bytes.is_empty() {
            bytes.push(b'<');
        }
    }
    bytes
}

const TOKENS: [&str; 16] = [
    "<!---->",
    "<?a b?>",
    "&#x41;",
    " ",
    "<x/>",
    "xmlns:q=\"u:1\" ",
    "\n",
    "/>",
    "<![CDATA[",
    "]]>",
    "ID=\"a\" ",
    "&amp;",
    "saml:",
    "\r",
    "\t",
    "<saml:NameID>eve@evil.example</saml:NameID>",
];

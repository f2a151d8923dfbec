//! Questions to whoever sits at the terminal, and values from standard input.

use std::io::{self, IsTerminal, Read, Stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::console::Console;
use super::error::{Error, Kind};
use crate::secret::VALUE_BYTES_MAX;
use crate::words::Sensitive;

/// What Ctrl-C is while the terminal hands over every key.
const INTERRUPT: u8 = 0x03;
/// What Ctrl-D is.
const END: u8 = 0x04;
/// What the backspace keys are.
const ERASE: [u8; 2] = [0x7f, 0x08];

/// Asks for a value twice, showing nothing of it.
pub(super) fn hidden_value(console: &Console, name: &str) -> Result<Sensitive, Error> {
    let stdin = io::stdin();
    // Before the question: what is typed at once must not be shown, nor lost to the change of modes.
    let _silence = Silence::over(&stdin)?;
    let first = hidden_line(console, &format!("Value of {name}: "))?;
    let second = hidden_line(console, "Once more: ")?;
    if first == second {
        Ok(Sensitive::new(first.as_str()))
    } else {
        Err(Error::new(Kind::Usage, "the two values differ; nothing was changed"))
    }
}

/// Asks for a line of text that may be seen.
pub(super) fn line(console: &Console, question: &str) -> Result<String, Error> {
    console.ask(question);
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(unreadable)?;
    Ok(line.trim().to_owned())
}

/// Reads a value from standard input as it is, but for one newline at its end.
pub(super) fn piped_value() -> Result<Sensitive, Error> {
    let bytes = piped_bytes(VALUE_BYTES_MAX + 2)?;
    value_of_bytes(&bytes)
}

/// Reads standard input; a longer one than `bytes_max` is cut there, so that the limit of what it is for is hit.
pub(super) fn piped_bytes(bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    io::stdin().lock().take(bytes_max as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Returns the text of bytes without one newline at its end.
pub(super) fn value_of_bytes(bytes: &[u8]) -> Result<Sensitive, Error> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::new(Kind::Usage, "the value is not text (UTF-8)").hint("encode it, as with `base64`"))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(Sensitive::new(text))
}

/// Returns whether somebody sits at standard input.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

fn hidden_line(console: &Console, question: &str) -> Result<Zeroizing<String>, Error> {
    console.ask(question);
    let typed = keys(&mut io::stdin().lock());
    console.ask("\n");
    let bytes = typed?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::new(Kind::Usage, "the value is not text (UTF-8)"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn keys(input: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut typed = Zeroizing::new(Vec::with_capacity(VALUE_BYTES_MAX));
    let mut key = [0];
    loop {
        let count = input.read(&mut key).map_err(unreadable)?;
        match key[0] {
            _ if count == 0 => return Ok(typed),
            INTERRUPT => return Err(Error::new(Kind::Interrupted, "interrupted; nothing was changed")),
            b'\n' | b'\r' | END => return Ok(typed),
            erase if ERASE.contains(&erase) => erase_letter(&mut typed),
            _ if typed.len() == VALUE_BYTES_MAX => return Err(Error::new(Kind::Usage, "the value is too long")),
            byte => typed.push(byte),
        }
    }
}

/// Takes the last letter away, all of its bytes.
fn erase_letter(typed: &mut Vec<u8>) {
    while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// A terminal that shows nothing of what is typed, until it is dropped. Keys come one by one, Ctrl-C among them: a signal
/// would end the process before the terminal is itself again.
struct Silence<'a> {
    stdin: &'a Stdin,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn over(stdin: &'a Stdin) -> Result<Self, Error> {
        let before = tcgetattr(stdin).map_err(|error| unreadable(error.into()))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(stdin, OptionalActions::Flush, &silent).map_err(|error| unreadable(error.into()))?;
        Ok(Self { stdin, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing restored.
        let _ = tcsetattr(self.stdin, OptionalActions::Now, &self.before);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn unreadable(error: io::Error) -> Error {
    Error::new(Kind::Failed, format!("cannot read standard input: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Kind, keys, value_of_bytes};

    #[test]
    fn keys_are_gathered_until_the_line_ends() {
        for (typed, value) in
            [("abc\nrest", "abc"), ("ab\u{7f}\u{7f}\u{7f}c\r", "c"), ("aé\u{8}b\u{4}", "ab"), ("abc", "abc")]
        {
            assert_eq!(
                keys(&mut typed.as_bytes()).ok().map(|bytes| bytes.to_vec()).unwrap(),
                value.as_bytes(),
                "{typed:?}"
            );
        }
        assert!(keys(&mut "ab\u{3}c\n".as_bytes()).is_err_and(|error| error.kind == Kind::Interrupted));
    }

    #[test]
    fn one_newline_at_the_end_is_no_part_of_a_value() {
        for (bytes, value) in [("v\n", "v"), ("v\r\n", "v"), ("v\n\n", "v\n"), ("v", "v"), (" v ", " v "), ("", "")] {
            assert!(value_of_bytes(bytes.as_bytes()).is_ok_and(|read| read.expose() == value), "{bytes:?}");
        }
        assert!(value_of_bytes(&[0xff, b'\n']).is_err());
    }
}

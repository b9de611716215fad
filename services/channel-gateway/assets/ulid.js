// ULIDs: 48 bits of time and 80 of randomness, as 26 characters that sort by time.

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function ulid(now = Date.now()) {
  let text = "";
  let rest = now;
  for (let digit = 0; digit < 10; digit += 1) {
    text = DIGITS[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  // 256 is a multiple of 32, so that every digit is as likely as the others.
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += DIGITS[byte % 32];
  return text;
}

export function isUlid(text) {
  return PATTERN.test(text);
}

/// When it was made, in Unix milliseconds.
export function timeOf(text) {
  return [...text.slice(0, 10)].reduce((time, digit) => time * 32 + DIGITS.indexOf(digit), 0);
}

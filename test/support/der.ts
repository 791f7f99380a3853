/** One DER element; content may be given in parts. */
export function element(
  tag: number,
  ...parts: readonly (Uint8Array | readonly number[])[]
): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(0x30, ...parts);
}

export function integer(value: number): Buffer {
  const hex = value.toString(16);
  const digits = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return element(0x02, (digits[0] ?? 0) >= 0x80 ? [0] : [], digits);
}

export function boolean(value: boolean): Buffer {
  return element(0x01, [value ? 0xff : 0]);
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, [40 * first + second, ...rest].flatMap(base128));
}

function base128(arc: number): readonly number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}

export function utf8String(text: string): Buffer {
  return element(0x0c, Buffer.from(text));
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(0x03, [unusedBits], bytes);
}

/** `[number]`, holding elements or plain content. */
export function tagged(
  number: number,
  shape: 'primitive' | 'constructed',
  content: Uint8Array,
): Buffer {
  return element(0x80 | (shape === 'constructed' ? 0x20 : 0) | number, content);
}

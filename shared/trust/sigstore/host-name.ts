/**
 * Does a certificate with these names speak for a host, by the rules of Go's `VerifyHostname`? An IP address, also in
 * square brackets, is compared with addresses alone; `*` stands for one whole first label; case does not matter.
 */
export function matchesHostname(
  names: { readonly hosts: readonly string[]; readonly addresses: readonly Uint8Array[] },
  hostname: string,
): boolean {
  const address = parseAddress(/^\[.+\]$/.test(hostname) ? hostname.slice(1, -1) : hostname);
  if (address !== undefined) {
    return names.addresses.some((candidate) => mapped(candidate).equals(address));
  }
  const host = lower(hostname);
  return names.hosts.some((name) => matchesPattern(lower(name), host));
}

function matchesPattern(pattern: string, host: string): boolean {
  // What is no host name may still be equal to the letter, as long as it is something.
  if (!isHostname(host.replace(/\.$/, ''), false) || !isHostname(pattern, true)) {
    return pattern === host && pattern !== '' && pattern !== '.';
  }
  const wanted = host.replace(/\.$/, '').split('.');
  const labels = pattern.split('.');
  return (
    labels.length === wanted.length &&
    labels.every((label, index) => (index === 0 && label === '*') || label === wanted[index])
  );
}

function isHostname(name: string, isPattern: boolean): boolean {
  const labels = name.split('.');
  const [first] = labels;
  const rest = isPattern && first === '*' && labels.length > 1 ? labels.slice(1) : labels;
  return rest.every((label) => /^[a-z0-9_][a-z0-9_-]*$/.test(label));
}

/** ASCII letters alone, so that no other letter becomes one. */
function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** An address in the 16 bytes of IPv6, IPv4 mapped; undefined for what is no address (a zone is none of it). */
export function parseAddress(text: string): Buffer | undefined {
  const [dotted] = /(?<=^|:)\d{1,3}(?:\.\d{1,3}){3}$/.exec(text) ?? [];
  const numbers = dotted?.split('.') ?? [];
  if (numbers.some((number) => Number(number) > 255 || /^0\d/.test(number))) return undefined;
  if (dotted !== undefined && dotted === text) return mapped(Buffer.from(numbers.map(Number)));
  const tail = dotted === undefined ? '' : Buffer.from(numbers.map(Number)).toString('hex');
  const groups = `${text.slice(0, text.length - (dotted?.length ?? 0))}${tail.slice(0, 4)}${tail && ':'}${tail.slice(4)}`;
  const [head = '', rest, more] = groups.split('::');
  if (!text.includes(':') || more !== undefined) return undefined;
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const gap = 8 - left.length - right.length;
  if (rest === undefined ? gap !== 0 : gap < 1) return undefined;
  const all = [...left, ...Array<string>(gap).fill('0'), ...right];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function mapped(address: Uint8Array): Buffer {
  return address.length === 4
    ? Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), address])
    : Buffer.from(address);
}

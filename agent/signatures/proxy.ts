import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` (either case), as Go's `net/http` reads them:
 * loopback is never asked through a proxy. Undefined for none.
 */
export function proxyFor(url: URL, environment: Environment = process.env): string | undefined {
  const read = (name: string): string => environment[name] || environment[name.toLowerCase()] || '';
  const proxy = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (proxy === '' || isLoopback(url.hostname)) return undefined;
  const exceptions = read('NO_PROXY')
    .split(',')
    .map((entry) => entry.trim().toLowerCase());
  if (exceptions.some((entry) => covers(entry, url))) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function covers(entry: string, { hostname, port, protocol }: URL): boolean {
  if (entry === '' || entry === '*') return entry === '*';
  if (entry.includes('/')) return coversAddress(entry, hostname.replace(/^\[|\]$/g, ''));
  const [, host = '', only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  const suffix = host.replace(/^\*/, '');
  if (suffix.startsWith('.')) return hostname.endsWith(suffix);
  return hostname === suffix || hostname.endsWith(`.${suffix}`);
}

/** An entry `10.0.0.0/8`; one that cannot be read covers nothing. */
function coversAddress(entry: string, address: string): boolean {
  const [network = '', bits = ''] = entry.split('/');
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  const most = family === 'ipv6' ? 128 : 32;
  if (isIP(network) === 0 || isIP(address) !== isIP(network)) return false;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(address, family);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

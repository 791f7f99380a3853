import t from 'tap';
import { proxyFor } from '../../../agent/signatures/proxy.ts';

const P = 'http://proxy:3128';
const cases: readonly (readonly [
  name: string,
  address: string,
  environment: Readonly<Record<string, string>>,
  proxy: string | undefined,
])[] = [
  ['nothing', 'https://a.io', {}, undefined],
  ['a proxy for https', 'https://a.io', { HTTPS_PROXY: P }, P],
  ['a proxy for https, lower case', 'https://a.io', { https_proxy: P }, P],
  ['a proxy for http alone', 'https://a.io', { HTTP_PROXY: P }, undefined],
  ['a proxy without a scheme', 'http://a.io', { HTTP_PROXY: 'proxy:3128' }, P],
  ['an exception', 'https://a.io', { HTTPS_PROXY: P, NO_PROXY: 'b.io, a.io' }, undefined],
  [
    'an exception for the domain',
    'https://x.a.io',
    { HTTPS_PROXY: P, no_proxy: 'a.io' },
    undefined,
  ],
  [
    'an exception for what is below',
    'https://x.a.io',
    { HTTPS_PROXY: P, no_proxy: '.a.io' },
    undefined,
  ],
  [
    'an exception not for the domain itself',
    'https://a.io',
    { HTTPS_PROXY: P, no_proxy: '.a.io' },
    P,
  ],
  [
    'an exception of another port',
    'https://a.io:5000',
    { HTTPS_PROXY: P, no_proxy: 'a.io:443' },
    P,
  ],
  [
    'an exception of this port',
    'https://a.io',
    { HTTPS_PROXY: P, no_proxy: 'a.io:443' },
    undefined,
  ],
  ['an exception that only ends alike', 'https://ba.io', { HTTPS_PROXY: P, no_proxy: 'a.io' }, P],
  ['an exception for all', 'https://a.io', { HTTPS_PROXY: P, no_proxy: '*' }, undefined],
  [
    'an exception for a network',
    'https://10.1.2.3',
    { HTTPS_PROXY: P, no_proxy: '10.0.0.0/8' },
    undefined,
  ],
  [
    'an exception for another network',
    'https://11.1.2.3',
    { HTTPS_PROXY: P, no_proxy: '10.0.0.0/8' },
    P,
  ],
  ['loopback', 'http://127.0.0.1:5000', { HTTP_PROXY: P }, undefined],
  ['localhost', 'http://localhost', { HTTP_PROXY: P }, undefined],
  ['loopback of IPv6', 'http://[::1]:80', { HTTP_PROXY: P }, undefined],
];
for (const [name, address, environment, proxy] of cases) {
  t.test(`the environment names ${name} for ${address}`, async (t) => {
    t.equal(proxyFor(new URL(address), environment), proxy);
  });
}

import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { verifierOf } from '../../../agent/images/verifier.ts';
import type { SourceId } from '../../../agent/signatures/source.ts';
import { systemClock } from '../../../shared/clock.ts';
import { filesAnswer, SignatureServer } from '../../support/signature-server.ts';
import { manifestOf, pulled, signed, trustFiles } from '../../support/signed-images.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const { signal } = new AbortController();

const cases: readonly (readonly [
  name: string,
  sources: readonly SourceId[] | undefined,
  expected: object,
  isAsked: boolean,
])[] = [
  [
    'no sources were named',
    undefined,
    { verdict: 'unknown', reason: 'source-not-enabled', message: /http/ },
    false,
  ],
  ['the store alone was', ['store'], { verdict: 'rejected', reason: 'no-signature' }, false],
  ['lookasides were', ['store', 'lookaside'], { verdict: 'accepted', source: 'lookaside' }, true],
];
for (const [name, sources, expected, isAsked] of cases) {
  t.test(`the verifier of a node asks servers as it was told: ${name}`, async (t) => {
    const signature = signed(NAME, manifestOf('app'));
    await using server = await SignatureServer.start(filesAnswer({ '/signature-1': signature }));
    const root = writeFiles(t.testdir({}), {
      ...trustFiles(),
      '/etc/containers/registries.d/a.yaml': `default-docker: {lookaside: "${server.origin}"}`,
      ...storeFiles([pulled({ seed: 'app', names: [NAME] })]),
    });
    const host = openHost(root);
    const { verdicts } = await verifierOf(host, { sources }).verify(systemClock, signal);
    t.match(verdicts, [expected]);
    t.equal(server.requests.length > 0, isAsked, `${server.requests.length} requests`);
    t.equal(verifierOf(host), verifierOf(host), 'a node has one verifier');
  });
}

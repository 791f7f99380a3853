import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { readPage } from '../docs/markdown.ts';
import { generalName } from '../support/certificates.ts';
import { testPackages } from '../support/rpm.ts';
import { noSystemdLab, SystemdLab } from '../support/systemd-lab.ts';
import { tlsAuthority } from '../support/tls-authority.ts';

/** What a page tells an administrator of a host to type, typed as it stands there on a booted systemd. */
t.setTimeout(300_000);

const AGENT = 'nodeseal-agent';
const NODE = 'edge-1';
const skip = noSystemdLab;
const lab = skip ? undefined : SystemdLab.boot();
t.teardown(() => lab?.[Symbol.dispose]());

/** dnf where there is none, and no package of the distribution's Node: rpm without its dependencies. */
const DNF =
  '#!/bin/sh\n[ "$1" = install ] && shift && exec rpm --dbpath /var/lib/rpm --nodeps -i "$@"\n';
/** Blocks of a page that are not run here, by words of them, and why. */
const ELSEWHERE = [
  [/^npm run rpm/, 'packages are built beside the lab'],
  [/^npm prune/, 'test/packaging/rpm.test.ts has the same files'],
  [/^pg_dump|^dropdb/m, 'test/docs/backup.test.ts'],
] as const;

function theLab(): SystemdLab {
  if (lab === undefined) throw new Error('no lab');
  return lab;
}

function shell(text: string): string {
  return theLab().run('sh', '-ec', `cd /root/rpm\n${text}`);
}

/** The blocks of a page for a host or for any command line, in their order; each is to be run once. */
class Reader {
  readonly #t: Test;
  readonly #blocks: ReturnType<typeof readPage>['blocks'];
  #next = 0;

  constructor(t: Test, path: string) {
    this.#t = t;
    this.#blocks = readPage(path).blocks.filter(
      ({ info, text }) =>
        /^sh (node|run)$/.test(info) && !ELSEWHERE.some(([words]) => words.test(text)),
    );
  }

  /** Runs the next block, which has these words; the node is called as it is here. Gives back what it printed. */
  run(words: string): string {
    const block = this.#blocks[this.#next++];
    this.#t.match(block?.text, words, `the next block is the one of ${words}`);
    const text = (block?.text ?? 'false').replaceAll('worker-1', NODE);
    const out = shell(text);
    this.#t.comment(`${block?.at}: ${text.split('\n')[0]}`);
    return out;
  }

  /** Every block was run. */
  end(): void {
    const rest = this.#blocks.slice(this.#next).map(({ at }) => at);
    this.#t.same(rest, [], 'every block was run');
  }
}

/** Uid of the node, once it is online under another than that. */
function online(before = 'none'): string {
  const node = `nodeseal get nodes -o jsonl | grep '"name":"${NODE}"' | grep '"state":"online"'`;
  theLab().until(`${node} | grep -v '${before}'`);
  return String(JSON.parse(shell(`${node} | grep -v '${before}'`)).uid);
}

t.test('docs/install-rhel.md', { skip }, async (t) => {
  mkdirSync(join(theLab().root, 'root/rpm'), { recursive: true });
  for (const file of testPackages('0.1.0')) {
    copyFileSync(file, join(theLab().root, 'root/rpm', basename(file)));
  }
  theLab().write('usr/local/bin/dnf', DNF, 0o755);
  theLab().write('etc/hosts', '127.0.0.1 localhost aggregator.example.com\n');
  theLab().run('hostname', NODE);
  const names = [generalName.host('aggregator.example.com')];
  const { ca, server } = tlsAuthority('authority', new Date(Date.now() - 3_600_000), names);
  theLab().write('etc/nodeseal/ca.crt', ca);
  theLab().write('etc/nodeseal/tls.crt', server.cert + ca);
  theLab().write('etc/nodeseal/tls.key', server.key, 0o600);

  const page = new Reader(t, 'docs/install-rhel.md');
  page.run('dnf install nodeseal-common-*.rpm nodeseal-agent-*.rpm');
  page.run('nodeseal-aggregator-*.rpm');
  page.run('nodeseal login prod');
  t.equal(theLab().show('nodeseal-aggregator', 'StatusText'), 'serves https://[::]:8443');
  const token = page.run("nodeseal token create join edge --uses 20 --ttl 2h --names 'edge-*'");
  theLab().write('etc/nodeseal/join.token', `${token}\n`, 0o600);
  t.match(page.run('systemctl enable --now nodeseal-agent'), /Active: active \(running\)/);
  online();
  t.match(page.run('nodeseal get nodes'), NODE);
  page.end();
});

t.test('docs/backup.md', { skip }, async (t) => {
  const page = new Reader(t, 'docs/backup.md');
  const before = online();
  shell('nodeseal token create user early --role viewer');
  page.run('tar -C /var/lib/nodeseal -czf');
  theLab().until('nodeseal token list');
  shell('nodeseal token create user late --role viewer; nodeseal token revoke user/early');
  page.run('mv /var/lib/nodeseal/aggregator /var/lib/nodeseal/aggregator.old');
  t.equal(online(), before, 'the node is who it was');
  t.match(page.run('nodeseal node list'), NODE);
  page.end();
  const tokens = shell('nodeseal token list');
  t.notMatch(tokens, 'late', 'what came after the copy is gone');
  t.match(tokens, /early(?!.*revoked)/, 'and whom one revoked is let in again, as the page says');
  const starts = shell('nodeseal get events -o json --limit 500');
  const kinds = JSON.parse(starts).items.map(({ kind }: { kind: string }) => kind);
  t.ok(kinds.includes('agent.started') && !kinds.includes('serverRollback'), 'nothing is lost');
});

t.test('docs/credentials.md', { skip }, async (t) => {
  const page = new Reader(t, 'docs/credentials.md');
  t.match(page.run('nodeseal token create join rack-7'), /@sha256:[0-9a-f]{64}/);
  page.run('nodeseal token create user alice-2');
  const before = online();
  page.run('nodeseal node revoke');
  t.equal(online(), before, 'approved again it comes back by itself');
  page.run('nodeseal node retire');
  const second = online(before);
  t.pass('a new key is a new node of the name');
  page.run('mv /var/lib/nodeseal/aggregator/node-ca');
  page.end();
  const status = `systemctl show --value -p StatusText ${AGENT}`;
  theLab().until(`${status} | grep -E 'not connected: .*next: '`);
  t.pass('the old certificate is not taken');
  const node = readPage('docs/credentials.md').blocks.find(({ text }) => /node retire/.test(text));
  shell((node?.text ?? 'false').replaceAll('worker-1', NODE));
  t.not(online(second), second, 'it enrols with the new authority, as under "A node"');
});

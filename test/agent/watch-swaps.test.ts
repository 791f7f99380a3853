import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import t from 'tap';
import { POLICY, plainNode, Rig } from '../support/watch-rig.ts';

type Make = (path: string) => void;

const canMakeDevice = ((): boolean => {
  const device = `${t.testdir()}/null`;
  return spawnSync('mknod', [device, 'c', '1', '3'], { stdio: 'ignore' }).status === 0;
})();

/** What can stand at the place of a file. */
const KINDS: Readonly<Record<string, Make>> = {
  'a file': (path) => writeFileSync(path, '{}'),
  'a folder': (path) => mkdirSync(path),
  'a fifo': (path) => execFileSync('mkfifo', [path]),
  ...(canMakeDevice
    ? { 'a device': (path: string) => execFileSync('mknod', [path, 'c', '1', '3']) }
    : {}),
  'a link to a file': (path) => symlinkSync('/opt/one.json', path),
  'a link to another': (path) => symlinkSync('registries.d/default.yaml', path),
  'a link to a folder': (path) => symlinkSync('registries.d', path),
  'a link to nothing': (path) => symlinkSync('nothing', path),
};

/** How one takes the place of another; `to` is made aside where it is renamed. */
const WAYS: Readonly<Record<string, (place: string, aside: string, to: Make) => void>> = {
  'made after a removal': (place, _aside, to) => {
    rmSync(place, { recursive: true });
    to(place);
  },
  'renamed after a removal': (place, aside) => {
    rmSync(place, { recursive: true });
    renameSync(aside, place);
  },
  'renamed over': (place, aside) => renameSync(aside, place),
};

for (const [from, makeFirst] of Object.entries(KINDS)) {
  t.test(`${from} that becomes another is told`, { timeout: 30_000 }, async (t) => {
    await using rig = new Rig();
    const [place, aside] = prepare(rig);
    await rig.start();
    for (const [to, make] of Object.entries(KINDS)) {
      for (const [way, swap] of Object.entries(WAYS)) {
        const isFolder = [from, to].includes('a folder');
        // rename(2) replaces nothing by a folder but an empty one, and a folder by nothing else.
        if (way === 'renamed over' && isFolder && from !== to) continue;
        rmSync(place, { recursive: true });
        makeFirst(place);
        rmSync(aside, { recursive: true, force: true });
        make(aside);
        await rig.tells('policy', () => swap(place, aside, make));
        t.pass(`${to}, ${way}`);
      }
    }
    t.same(rig.log.lines, []);
  });
}

t.test('a file that becomes a socket is told', { timeout: 20_000 }, async (t) => {
  await using rig = new Rig();
  const [place, aside] = prepare(rig);
  const server = createServer().listen(aside);
  await once(server, 'listening');
  await rig.start();
  await rig.tells('policy', () => renameSync(aside, place));
  await rig.tells('policy', () => {
    rmSync(place);
    writeFileSync(place, '{}');
  });
  server.close();
  t.same(rig.log.lines, []);
});

/** The place in question, and one in a folder that nobody watches. */
function prepare(rig: Rig): readonly [place: string, aside: string] {
  plainNode(rig);
  rig.write('/opt/one.json', '{}');
  rig.write('/srv/other', '');
  return [rig.path(POLICY), rig.path('/srv/aside')];
}

import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ExpectedNode } from '../../../aggregator/coverage/expected.ts';
import { parseInventory } from '../../../aggregator/coverage/inventory.ts';
import { InventoryFile } from '../../../aggregator/coverage/inventory-file.ts';
import { keptLog } from '../../support/aggregator.ts';

const [a, b] = [
  { name: 'rhel-1', pool: 'default' },
  { name: 'rhel-2.example.com', pool: 'edge' },
] as const;

t.test('an inventory is a list, or one name a line', async (t) => {
  const cases = [
    ['nodes.txt', 'rhel-1\nrhel-2.example.com edge\n', [a, b]],
    [
      'nodes.txt',
      '# all of them\r\n\r\n  rhel-1 # the first\r\nrhel-2.example.com\tedge\r\n',
      [a, b],
    ],
    ['nodes', 'rhel-1', [a]],
    ['nodes', '', []],
    ['nodes.yaml', '- rhel-1\n- {name: rhel-2.example.com, pool: edge}\n', [a, b]],
    ['nodes.yml', '[rhel-1]', [a]],
    ['nodes.json', '["rhel-1", {"name": "rhel-2.example.com", "pool": "edge"}]', [a, b]],
    ['nodes.json', '[]', []],
  ] as const;
  for (const [file, text, nodes] of cases) {
    t.same(parseInventory(text, file), nodes, `${file}: ${JSON.stringify(text)}`);
  }
});

t.test('an inventory that cannot be meant is an error that names the place', async (t) => {
  const cases = [
    ['nodes.txt', 'rhel-1\n../etc\n', /line 2: expected a node name/],
    ['nodes.txt', 'rhel-1 edge more', /line 1/],
    ['nodes.txt', 'rhel-1\nrhel-1\n', /rhel-1: is listed twice/],
    ['nodes.txt', '\0\x01binary', /line 1/],
    ['nodes.txt', 'x'.repeat(300), /line 1/],
    ['nodes.yaml', '', /expected a list/],
    ['nodes.yaml', 'rhel-1', /expected a list/],
    ['nodes.yaml', 'rhel-1: {}', /expected a list/],
    ['nodes.yaml', '- rhel-1\n- [a]\n', /\[1\]: expected a node name/],
    ['nodes.yaml', '- {name: rhel-1, pol: x}', /\[0\]: expected/],
    ['nodes.yaml', '- 7', /\[0\]/],
    ['nodes.yaml', '- a\n---\n- b\n', /one YAML document/],
    ['nodes.yaml', '- a\n- b: [', /./],
    ['nodes.json', '["a", "a"]', /listed twice/],
    ['nodes.json', '{"nodes": ["a"]}', /expected a list/],
    ['nodes.json', '["a"', /./],
  ] as const;
  for (const [file, text, message] of cases) {
    t.throws(() => parseInventory(text, file), { message }, `${file}: ${JSON.stringify(text)}`);
  }
});

t.test('an inventory file', async (t) => {
  const folder = t.testdir({ 'nodes.txt': 'rhel-1\n' });
  const [file, keptFile] = [join(folder, 'nodes.txt'), join(folder, 'kept.json')];
  let nowMs = 1000;
  let names = '';
  const log = keptLog();
  const options = {
    file,
    keptFile,
    log,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    sink: {
      listed: (_source: string, nodes: readonly ExpectedNode[]) => {
        names = nodes.map(({ name }) => name).join(' ');
      },
      gone: () => {},
    },
  };
  const inventory = await InventoryFile.open(options);

  await t.test('is read at the start and kept', async (t) => {
    t.equal(names, 'rhel-1');
    t.match(inventory.status(), { source: 'inventoryFile', asOfMs: 1000, nodes: 1 });
    t.equal(statSync(keptFile).mode & 0o777, 0o600);
  });

  await t.test('is read again when it changes', async (t) => {
    nowMs = 2000;
    await inventory.reload();
    t.match(inventory.status(), { asOfMs: 2000 }, 'was looked at');
    writeFileSync(`${file}.new`, 'rhel-1\nrhel-2\n');
    rmSync(file);
    symlinkSync(`${file}.new`, file);
    await inventory.reload();
    t.equal(names, 'rhel-1 rhel-2', 'a link put in its place counts, as ConfigMaps have it');
    writeFileSync(file, 'rhel-1\nrhel-2\nrhel-3\n');
    await inventory.reload();
    t.equal(names, 'rhel-1 rhel-2 rhel-3');
  });

  await t.test('that breaks changes nothing, and its age is told', async (t) => {
    nowMs = 3000;
    const breaks: readonly (readonly [() => void, RegExp])[] = [
      [() => writeFileSync(file, 'rhel-1 rhel-2 rhel-3\n'), /line 1/],
      [() => writeFileSync(file, Buffer.from([0x72, 0xff, 0xfe])), /not valid/],
      [() => rmSync(file), /ENOENT/],
      [() => mkdirSync(file), /is a folder, expected a file/],
    ];
    for (const [damage, reason] of breaks) {
      damage();
      await inventory.reload();
      await inventory.reload();
      t.equal(names, 'rhel-1 rhel-2 rhel-3');
      t.match(inventory.status(), { asOfMs: 2000, nodes: 3, reason });
    }
    const warnings = log.lines.filter((line) => line.startsWith('inventory cannot be read'));
    t.equal(warnings.length, breaks.length, 'each said once');
  });

  await t.test('that is broken at a restart gives the list before', async (t) => {
    names = '';
    const again = await InventoryFile.open(options);
    t.equal(names, 'rhel-1 rhel-2 rhel-3');
    t.match(again.status(), { asOfMs: 2000, reason: /is a folder, expected a file/ });
  });

  await t.test('that was never right stops the start', async (t) => {
    const other = { ...options, keptFile: join(folder, 'none.json') };
    await t.rejects(InventoryFile.open(other), {
      code: 'ERR_CONFIG_READ',
      message: /inventoryFile: .*nodes\.txt: is a folder, expected a file/,
    });
  });
});

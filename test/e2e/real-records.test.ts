import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readStorageConfig } from '../../agent/images/storage-conf.ts';
import { readImageStore } from '../../agent/images/store.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';

t.setTimeout(300_000);

t.test(
  'a list of images as skopeo wrote it, cut at any byte, is one problem',
  { skip: whyNoStore() },
  async (t) => {
    const made = await makeImageStore(['--images', '6', '--driver', 'vfs']);
    const folder = 'var/lib/containers/storage/vfs-images';
    const records: readonly object[] = JSON.parse(
      readFileSync(join(made.root, folder, 'images.json'), 'utf8'),
    );
    const text = Buffer.from(JSON.stringify(records.slice(0, 2)));
    const root = t.testdir({});
    mkdirSync(join(root, folder), { recursive: true });
    const list = join(root, folder, 'images.json');
    const host = openHost(root);
    const config = await readStorageConfig(host);
    writeFileSync(list, text);
    t.equal((await readImageStore(host, config)).images.length, 2);
    const wrong: number[] = [];
    for (let length = 0; length < text.length; length++) {
      writeFileSync(list, text.subarray(0, length));
      const { images, folders } = await readImageStore(host, config);
      if (images.length !== 0 || folders[0]?.problem?.reason !== 'records') wrong.push(length);
    }
    t.same(wrong, [], `${text.length} lengths`);
  },
);

import t from 'tap';
import { parseImageName } from '../../../shared/trust/image-name.ts';

t.same(parseImageName('docker://quay.io/x:1'), { transport: 'docker', reference: 'quay.io/x:1' });
t.same(parseImageName('oci:/srv/x:1'), { transport: 'oci', reference: '/srv/x:1' });
t.same(parseImageName('containers-storage:[overlay@/s]x'), {
  transport: 'containers-storage',
  reference: '[overlay@/s]x',
});

for (const [text, message] of [
  ['', /transport:reference/],
  ['busybox', /transport:reference/],
  ['quay.io/x:1', /transport:reference/],
  ['Docker://x', /transport:reference/],
  ['docker:busybox', /docker:\/\//],
  [':x', /transport:reference/],
  ['__proto__:x', /transport:reference/],
] as const) {
  t.throws(
    () => parseImageName(text),
    { code: 'ERR_IMAGE_REFERENCE', message },
    `"${text}" is refused`,
  );
}

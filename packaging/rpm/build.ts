import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { buildPackages } from './packages.ts';

// `npm run rpm`: the packages of this checkout, in build/rpm/RPMS/noarch. What stands behind a `--` goes to rpmbuild.
try {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string', default: join(PACKAGE_FOLDER, 'build/rpm') } },
    allowPositionals: true,
  });
  const files = buildPackages({ topDir: values.out, arguments: positionals });
  for (const file of files) console.log(file);
} catch (error) {
  const words = error instanceof Error ? error.message : String(error);
  console.error(`npm run rpm: ${words}`);
  if (words.startsWith('rpmbuild')) {
    console.error(
      '  needed are rpmbuild and the macros of systemd: dnf install rpm-build systemd-rpm-macros',
    );
  }
  process.exitCode = 1;
}

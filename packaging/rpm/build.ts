import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_FOLDER } from '../../shared/version.ts';
import { buildPackages } from './packages.ts';

// `npm run rpm`: the packages of this checkout, in build/rpm/RPMS/noarch.
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(PACKAGE_FOLDER, 'build/rpm') } },
});
for (const file of buildPackages({ topDir: values.out })) console.log(file);

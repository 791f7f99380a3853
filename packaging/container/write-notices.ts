import { thirdPartyNotices } from '../notices.ts';
import { productionModules } from '../production-modules.ts';

// `node packaging/container/write-notices.ts`, where the production tree alone is left in node_modules.
process.stdout.write(thirdPartyNotices('.', productionModules()));

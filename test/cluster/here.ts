import { labTool, whyNoImage } from '../support/image-lab.ts';
import { whyNoKustomize } from '../support/kustomize.ts';

/** Why no cluster can be started here, for the name of a skipped test; false when it can: minutes, where asked for. */
export function whyNoCluster(): string | false {
  if (process.env['CI_CLUSTER'] !== '1') return 'starts a cluster: run by npm run test:cluster';
  if (labTool('kube-lab') === undefined) return 'needs ../shared/tools/kube-lab';
  return whyNoKustomize() || whyNoImage();
}

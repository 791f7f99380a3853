import { isHost } from '../../shared/trust/reference.ts';
import type { RegistriesConf } from '../../shared/trust/registries-conf.ts';
import { type Statement, whereReadable } from '../check.ts';
import { crioTexts, readCrioConfig } from '../crio-config.ts';
import { type Host, isReadingReason } from '../host.ts';
import type { NodeTrust } from '../trust.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?:\/|$)/;

interface Place {
  readonly location: string;
  readonly file: string;
}

/** What the rule `registries.insecure` says of registries.conf and of CRI-O's own list. */
export async function insecureRegistries(
  host: Host,
  { registriesConf }: NodeTrust,
): Promise<Statement | readonly Statement[]> {
  const { conf, problem } = registriesConf;
  if (conf === undefined) {
    const { reason = 'io', message = 'no answer', path = registriesConf.path } = problem ?? {};
    const observed = { path };
    if (isReadingReason(reason)) return { result: 'error', reason, message, observed };
    const what = `${message}; every pull fails`;
    return { result: 'fail', reason: 'invalid', message: what, observed };
  }
  const places = [...insecureIn(conf), ...(await insecureInCrio(host))];
  const byLocation = new Map(places.map((place) => [place.location, place]));
  const found = [...byLocation.values()].filter(({ location }) => !LOOPBACK.test(location));
  if (found.length === 0) {
    const message = 'every registry is reached by TLS with its certificate checked';
    return { result: 'pass', message, observed: { insecure: 0 } };
  }
  return await Promise.all(
    found.map(async ({ location, file }): Promise<Statement> => {
      const certificates = await certificatesFor(host, location);
      const but = certificates === undefined ? '' : `, although there are some in ${certificates}`;
      const message = `${file} lets ${location} be reached without checking its certificate${but}`;
      const observed = { file, certificates: certificates ?? null };
      return { subject: location, result: 'fail', reason: 'insecure', message, observed };
    }),
  );
}

/** containers-certs.d(5): what is there is not asked for once a registry is insecure. */
const CERTIFICATES = ['/etc/containers/certs.d', '/etc/docker/certs.d'];

async function certificatesFor(host: Host, location: string): Promise<string | undefined> {
  const [name = ''] = location.split('/');
  if (!isHost(name)) return undefined;
  for (const folder of CERTIFICATES.map((one) => `${one}/${name}`)) {
    const files = (await whereReadable(host.list(folder))) ?? [];
    if (files.some((file) => file.endsWith('.crt'))) return folder;
  }
  return undefined;
}

function insecureIn({ registries }: RegistriesConf): readonly Place[] {
  return [...registries.values()].flatMap(
    ({ prefix, location, insecure, blocked, mirrors, file }) => {
      const own = insecure && !blocked ? [{ location: location || prefix, file }] : [];
      return [
        ...own,
        ...mirrors
          .filter((mirror) => mirror.insecure)
          .map((mirror) => ({ location: mirror.location, file })),
      ];
    },
  );
}

async function insecureInCrio(host: Host): Promise<readonly Place[]> {
  const config = await readCrioConfig(host);
  const setting = config && crioTexts(config, 'crio', 'image', 'insecure_registries');
  return (setting?.value ?? []).map((location) => ({ location, file: setting?.path ?? '' }));
}

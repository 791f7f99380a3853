import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { ImageLab, whyNoImage } from '../support/image-lab.ts';
import { testPackages } from '../support/rpm.ts';
import { noSystemdLab, SystemdLab } from '../support/systemd-lab.ts';

/** packaging/machineconfig on a booted systemd: the unit that podman 4.4 makes of the container, run by the podman there. */
t.setTimeout(600_000);

const IMAGE = 'localhost/nodeseal:install';
const UNIT = 'nodeseal-agent';
const skip = noSystemdLab || whyNoImage();
const root = join(import.meta.dirname, '../..');

/** Images of the image laboratory, and what the laboratory's kernel and cgroups without controllers take. */
const STORAGE = `[storage]
driver = "overlay"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
[storage.options]
additionalimagestores = ["/mnt/images"]
`;
const CONTAINERS = `[containers]
default_ulimits = ["nofile=1000:1000", "nproc=4096:4096"]
keyring = false
pids_limit = 0
[engine]
runtime = "runc"
`;

/** As podman's generator made it, of our image, without the limits that need a controller of the kernel's. */
function generatedUnit(): string {
  const text = readFileSync(join(root, 'test/fixtures/quadlet/nodeseal-agent.service'), 'utf8');
  return text
    .replaceAll(/registry\.example\.com\/nodeseal@sha256:0{64}/g, IMAGE)
    .replace(' --memory=256m --pids-limit=64', '');
}

t.test('the agent of the MachineConfig reports from its container', { skip }, async (t) => {
  const images = new ImageLab(join(tmpdir(), 'nodeseal-images'));
  await images.build('-t', IMAGE);
  const lab = SystemdLab.boot(`${images.storage}:/mnt/images`);
  t.teardown(() => lab[Symbol.dispose]());
  lab.write('etc/containers/storage.conf', STORAGE);
  lab.write('etc/containers/containers.conf', CONTAINERS);
  mkdirSync(join(lab.root, 'opt/rpm'), { recursive: true });
  const files = testPackages('0.1.0').filter((file) => !basename(file).includes('agent'));
  for (const file of files) copyFileSync(file, join(lab.root, 'opt/rpm', basename(file)));
  const packages = files.map((file) => `/opt/rpm/${basename(file)}`);
  lab.run('rpm', '--dbpath', '/var/lib/rpm', '--nodeps', '-i', ...packages);
  lab.write('etc/nodeseal/aggregator.yaml', 'listen: {address: 127.0.0.1, port: 8443}\n');
  lab.run('systemctl', 'start', 'nodeseal-aggregator');
  const token = lab.run('cat', '/var/lib/nodeseal/aggregator/tokens/join.token');
  lab.write('etc/nodeseal/join.token', `${token}\n`, 0o600);
  lab.write(
    'etc/nodeseal/agent.yaml',
    'hostRoot: /host\nnodeName: core-1\naggregator:\n  url: http://127.0.0.1:8443\n  joinTokenFile: /etc/nodeseal/join.token\n',
  );
  lab.write(`etc/systemd/system/${UNIT}.service`, generatedUnit());
  lab.run('systemctl', 'daemon-reload');
  lab.run('systemctl', 'start', UNIT);
  t.equal(lab.show(UNIT, 'ActiveState'), 'active', 'conmon says READY=1 once the container runs');

  const access = '--server http://127.0.0.1:8443 --token-file /var/lib/nodeseal/aggregator/tokens';
  const online = `nodeseal get nodes -o jsonl ${access}/admin.token | grep '"state":"online"'`;
  lab.until(online);
  t.match(JSON.parse(lab.run('sh', '-c', online)), { name: 'core-1', pool: 'default' });
  const pid = lab.run('podman', 'inspect', '-f', '{{.State.Pid}}', UNIT);
  const status = lab.run('cat', `/proc/${pid}/status`);
  for (const line of [/^CapEff:\s+0{16}$/m, /^CapBnd:\s+0{16}$/m, /^Seccomp:\s+2$/m]) {
    t.match(status, line);
  }
  t.match(status, /^NoNewPrivs:\s+1$/m);
  for (const place of ['/usr/x', '/host/etc/x', '/host/var/x']) {
    const { stderr } = lab.try('podman', 'exec', UNIT, 'sh', '-c', `: >${place}`);
    t.match(stderr, /Read-only file system/, place);
  }
  t.match(
    lab.run('journalctl', '-u', UNIT, '-o', 'cat'),
    'agent is ready',
    'its log is the unit’s',
  );

  lab.run('podman', 'kill', '--signal', 'KILL', UNIT);
  lab.until(`[ "$(systemctl show --value -p NRestarts ${UNIT})" = 1 ]`);
  lab.until(`systemctl is-active ${UNIT} && podman exec ${UNIT} true`);
  t.not(lab.run('podman', 'inspect', '-f', '{{.State.Pid}}', UNIT), pid, 'killed, it comes back');
  lab.until(`journalctl -u ${UNIT} -o cat | grep -c 'agent is ready' | grep 2`);
  lab.run('systemctl', 'stop', UNIT);
  t.equal(lab.show(UNIT, 'Result'), 'success', 'and stops when it is told to');
  t.match(lab.run('ls', '/var/lib/nodeseal/agent/spool'), /^\d{6}-/, 'its state is the node’s');
});
